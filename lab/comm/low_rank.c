#include "lab/comm/low_rank.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

void low_rank_right(const LowRank *shape, real *p, const real *matrix, const real *q) {
    int r = shape->r;
    for (int64_t row = 0; row < shape->rows; row++) {
        const real *d = matrix + row * shape->columns;
        double sum[LOW_RANK_MOST] = {0};
        for (int64_t j = 0; j < shape->columns; j++)
            for (int k = 0; k < r; k++)
                sum[k] += (double)d[j] * (double)q[j * r + k];
        for (int k = 0; k < r; k++)
            p[row * r + k] = (real)sum[k];
    }
}

void low_rank_left(const LowRank *shape, real *q, const real *matrix, const real *p) {
    int r = shape->r;
    memset(q, 0, sizeof(real) * (size_t)(shape->columns * r));
    for (int64_t row = 0; row < shape->rows; row++) {
        const real *d = matrix + row * shape->columns;
        for (int64_t j = 0; j < shape->columns; j++)
            for (int k = 0; k < r; k++)
                q[j * r + k] += d[j] * p[row * r + k];
    }
}

void low_rank_product(const LowRank *shape, real *matrix, const real *p, const real *q) {
    int r = shape->r;
    for (int64_t row = 0; row < shape->rows; row++)
        for (int64_t j = 0; j < shape->columns; j++) {
            real sum = 0;
            for (int k = 0; k < r; k++)
                sum += p[row * r + k] * q[j * r + k];
            matrix[row * shape->columns + j] = sum;
        }
}

static double dot(const LowRank *shape, const real *p, int a, int b) {
    double sum = 0;
    for (int64_t row = 0; row < shape->rows; row++)
        sum += (double)p[row * shape->r + a] * (double)p[row * shape->r + b];
    return sum;
}

void low_rank_orthonormalise(const LowRank *shape, real *p) {
    int r = shape->r;
    for (int k = 0; k < r; k++) {
        double before = sqrt(dot(shape, p, k, k));
        for (int i = 0; i < k; i++) {
            real along = (real)dot(shape, p, i, k);
            for (int64_t row = 0; row < shape->rows; row++)
                p[row * r + k] -= along * p[row * r + i];
        }
        double left = sqrt(dot(shape, p, k, k));
        bool depends = left <= 1e-6 * before; /* what is left is rounding; false for NaN */
        real factor = depends ? 0 : (real)(1 / left);
        for (int64_t row = 0; row < shape->rows; row++)
            p[row * r + k] *= factor;
    }
}
