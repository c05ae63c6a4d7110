/* Batch norm of one channel over the examples and pixels of a mini-batch (Ioffe and Szegedy 2015,
 * arXiv 1502.03167): y = (x - mean) / sqrt(variance + epsilon) gain + offset, with the biased
 * variance; optionally max(0, y). Sums run in double over 16 lanes in a fixed order, so that the
 * bits do not depend on the instruction set, and channels of equal pixels lose nothing. */
#ifndef LAB_NN_BATCH_NORM_H
#define LAB_NN_BATCH_NORM_H

#include <stdbool.h>
#include <stdint.h>

enum { NORM_LANES = 16 };

/* How the values of a tensor (n, channels, height, width) lie. Channels come in groups of `block`,
 * a divisor of NORM_LANES; the last group may be padded with zeros. An image's part of a group is
 * rows of NORM_LANES floats, `row` floats apart, and `tail` more behind the last row; element i of
 * it belongs to channel i % block of the group. */
typedef struct NormGrid {
    int n, channels, block;
    int64_t image, group, row, rows; /* the first three are distances, in floats */
    int tail;
} NormGrid;

typedef struct NormChannels {
    const float *gain, *offset; /* (channels) */
    float *mean, *scale;        /* (channels) scale: 1 / sqrt(variance + epsilon) */
    double *stats; /* (channels) means at [0], unbiased variances at [stride]; NULL: not wanted */
    int64_t stride;
} NormChannels;

/* Mean and scale of the values at hand; needs at least two values a channel for `stats`. */
void batch_norm_measure(const NormGrid *grid, const float *x, double epsilon,
                        const NormChannels *channels);
/* y from mean and scale. */
void batch_norm_apply(const NormGrid *grid, float *y, const float *x, bool relu,
                      const NormChannels *channels);
/* From dL/dy to dL/dx and to the gradients of gain and offset (channels), which are overwritten. */
void batch_norm_backward(const NormGrid *grid, float *grad_x, float *grad_gain, float *grad_offset,
                         const float *x, const float *grad_y, bool relu,
                         const NormChannels *channels);

#endif
