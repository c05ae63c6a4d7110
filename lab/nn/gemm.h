/* Single-precision matrix products on one thread. Which library computes a shape comes from the
 * committed table kernels.def, never from a timing at run time, so that the bits are fixed. Call
 * only with the OpenMP maximum at 1 (omp_set_num_threads(1) first thing inside every parallel
 * region). */
#ifndef LAB_NN_GEMM_H
#define LAB_NN_GEMM_H

#include <stdbool.h>

#define GEMM_KERNELS_VERSION "1" /* of kernels.def */

/* C (m, n) = [C +] op(A) op(B), row-major and dense; op(A) is (m, k), op(B) is (k, n). At least one
 * of A and B is not transposed. With `accumulate` k must be at most GEMM_MAX_ACCUMULATE: up to
 * there adding inside the product equals a separate add bit for bit (platform.md 0;
 * tests/unit/test_gemm.c). */
#define GEMM_MAX_ACCUMULATE 256
void gemm(bool transpose_a, bool transpose_b, int m, int n, int k, const float *a, const float *b,
          float *c, bool accumulate);

/* A matrix inside a larger one: rows lie `stride` elements apart. */
typedef struct GemmRows {
    const float *at;
    int stride;
} GemmRows;

/* The same on parts of larger matrices, c with rows `c_stride` apart. With `accumulate` k is not
 * limited: the bits are the product's own, and need not equal those of a separate add. */
void gemm_rows(bool transpose_a, bool transpose_b, int m, int n, int k, GemmRows a, GemmRows b,
               float *c, int c_stride, bool accumulate);

/* The table's columns, for benchmarks and tests. */
typedef enum { GEMM_BASE, GEMM_AVX2, GEMM_AVX512, GEMM_ISA_N } GemmIsa;
typedef enum { GEMM_NT, GEMM_NN, GEMM_TN, GEMM_OP_N } GemmOp;
typedef enum { GEMM_NARROW, GEMM_SMALL, GEMM_LARGE, GEMM_SHAPE_N } GemmShape;
typedef enum { GEMM_OPENBLAS, GEMM_ONEDNN, GEMM_LIBRARY_N } GemmLibrary;

GemmIsa gemm_isa(void); /* what oneDNN may use on this machine, ONEDNN_MAX_CPU_ISA included */
GemmShape gemm_shape(int m, int n, int k);
GemmLibrary gemm_library(GemmIsa isa, GemmOp op, GemmShape shape);

/* The product by a given library, whatever the table says. */
void gemm_by(GemmLibrary library, GemmOp op, int m, int n, int k, const float *a, const float *b,
             float *c, bool accumulate);

/* Names for people and provenance: "avx512", "openblas", ... and "oneDNN 2.6.3". */
const char *gemm_isa_name(GemmIsa isa);
const char *gemm_op_name(GemmOp op);
const char *gemm_library_name(GemmLibrary library);
#define GEMM_VERSION_ROOM 64
void gemm_onednn_version(char out[GEMM_VERSION_ROOM]);
/* "SkylakeX", and the build line of OpenBLAS. */
const char *gemm_openblas_core(void);
const char *gemm_openblas_config(void);

#endif
