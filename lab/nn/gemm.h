/* Single-precision matrix products on one thread. Which library computes a shape comes from the committed table
 * kernels.def, never from a timing at run time, so that the bits are fixed. Call only with the OpenMP maximum at 1
 * (omp_set_num_threads(1) first thing inside every parallel region). */
#ifndef LAB_NN_GEMM_H
#define LAB_NN_GEMM_H

#include <stdbool.h>

/* C (m, n) = [C +] op(A) op(B), row-major and dense; op(A) is (m, k), op(B) is (k, n). With `accumulate` k must be at
 * most GEMM_MAX_ACCUMULATE: up to there adding inside the product equals a separate add bit for bit. */
#define GEMM_MAX_ACCUMULATE 256
void gemm(bool transpose_a, bool transpose_b, int m, int n, int k, const float *a, const float *b, float *c,
          bool accumulate);

#endif
