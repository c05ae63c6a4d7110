/* Vectors of float with sums in a fixed order: the same bits whatever the instruction set or the
 * caller's slicing into whole chunks. Sums run over chunks of VEC_CHUNK elements, inside a chunk
 * over 16 lanes in double, then over lanes and chunks in the canonical binary tree. */
#ifndef LAB_BASE_VEC_H
#define LAB_BASE_VEC_H

#include <stdint.h>

#define VEC_CHUNK 4096

/* Compiles a hot loop for several instruction sets; results are the same bits (no contraction,
 * fixed lanes). */
#if defined(__SANITIZE_ADDRESS__) || !defined(__x86_64__) || defined(__clang__)
#define VEC_CLONES
#else
#define VEC_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#endif

/* Canonical tree sum (DESIGN 2.3): node (l,i) covers [i 2^l, (i+1) 2^l) cut at n. Returns 0 for n =
 * 0. */
double vec_tree_sum(const double *x, int64_t n);

/* Number of chunks of an n-long vector. */
int64_t vec_chunks(int64_t n);

/* Sum of squares of one chunk (n <= VEC_CHUNK). */
double vec_chunk_sumsq(const float *x, int64_t n);

/* Sum of squares of a whole vector: chunks, then tree. */
double vec_sumsq(const float *x, int64_t n);

/* Sum of (x[i] y[i])^2, and of x[i] y[i], in the same order. */
double vec_product_sumsq(const float *x, const float *y, int64_t n);
double vec_dot(const float *x, const float *y, int64_t n);

/* to[i] = from[i] * factor, and the chunk's sum of squares after it (n <= VEC_CHUNK); the two may be
 * the same. */
double vec_chunk_scale_sumsq(float *to, const float *from, float factor, int64_t n);

void vec_scale(float *x, float factor, int64_t n); /* x[i] *= factor */
void vec_toward(float *x, const float *to, float share,
                int64_t n);                            /* x[i] += share * (to[i] - x[i]) */
void vec_add(float *to, const float *from, int64_t n); /* to[i] += from[i] */
/* to[i] = a[i] + b[i]; `to` may be one of them */
void vec_sum(float *to, const float *a, const float *b, int64_t n);

#endif
