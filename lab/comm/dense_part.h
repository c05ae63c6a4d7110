/* Tensors that are not worth compressing: their gradients are averaged whole, all in one message.
 */
#ifndef LAB_COMM_DENSE_PART_H
#define LAB_COMM_DENSE_PART_H

#include "lab/comm/compression.h"
#include "lab/comm/slices.h"

typedef struct DensePart {
    const Segment *segments;
    int n_segments;
    const bool *is_dense; /* (n_segments) */
    int64_t n_weights;    /* of a whole gradient */
    int64_t n;            /* elements of the part */
    real *rows, *mean;    /* (own, n), (n) */
    Slices *slices;
} DensePart;

DensePart *dense_part_new(const Compression *compression, const bool *is_dense);

/* *Collective*: the part's elements of out (n_weights) = the mean over workers of grads (own,
 * n_weights). */
void dense_part_mean(DensePart *part, const real *grads, real *out);

#endif
