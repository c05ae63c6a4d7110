/* Sums of squares of `real` in double, in a fixed order: 16 lanes inside a chunk (element i goes to
 * lane i mod 16), then the canonical tree over the lanes. The same bits on every instruction set,
 * and, compiled with float, the same bits as vec_chunk_sumsq. Inlined, so that it is compiled for
 * the instruction set of the kernel that calls it. */
#ifndef OPTIM_SUMS_H
#define OPTIM_SUMS_H

#include "lab/base/vec.h"
#include "lab/base/real.h"

#define SUMS_LANES 16

/* The canonical tree over the lanes: neighbours first. */
static inline double sums_fold(const double lane[SUMS_LANES]) {
    double node[SUMS_LANES / 2];
    for (int j = 0; j < SUMS_LANES / 2; j++)
        node[j] = lane[2 * j] + lane[2 * j + 1];
    for (int width = SUMS_LANES / 4; width > 0; width /= 2)
        for (int j = 0; j < width; j++)
            node[j] = node[2 * j] + node[2 * j + 1];
    return node[0];
}

/* Sum of x[i]^2 over one chunk (n <= VEC_CHUNK). */
static inline double sums_squares(const real *x, int64_t n) {
    double lane[SUMS_LANES] = {0};
    int64_t whole = n - n % SUMS_LANES;
    for (int64_t i = 0; i < whole; i += SUMS_LANES)
        for (int j = 0; j < SUMS_LANES; j++)
            lane[j] += (double)x[i + j] * (double)x[i + j];
    for (int64_t i = whole; i < n; i++)
        lane[i - whole] += (double)x[i] * (double)x[i];
    return sums_fold(lane);
}

/* Sum of x[i] * y[i] over one chunk (n <= VEC_CHUNK). */
static inline double sums_products(const real *x, const real *y, int64_t n) {
    double lane[SUMS_LANES] = {0};
    int64_t whole = n - n % SUMS_LANES;
    for (int64_t i = 0; i < whole; i += SUMS_LANES)
        for (int j = 0; j < SUMS_LANES; j++)
            lane[j] += (double)x[i + j] * (double)y[i + j];
    for (int64_t i = whole; i < n; i++)
        lane[i - whole] += (double)x[i] * (double)y[i];
    return sums_fold(lane);
}

#endif
