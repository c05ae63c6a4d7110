/* Sparse messages: the k elements of largest size of every tensor, as (index, value). All workers
 * send as many, so nobody needs to be told how many come. */
#ifndef LAB_COMM_SPARSE_H
#define LAB_COMM_SPARSE_H

#include "lab/comm/compression.h"

typedef struct Sparse {
    Workers *workers;
    const Segment *segments;
    int n_segments;
    const bool *skip; /* (n_segments) tensors that travel otherwise; NULL: none */
    int64_t *k;       /* (n_segments) of this step */
    int64_t entries;  /* of a message of this step */
    int64_t *at;      /* (W + 1) bytes */
    char *all;        /* (W, entries): indices, then values */
    uint64_t *key;    /* (largest tensor) */
} Sparse;

/* Room for messages of up to `ratio` of every tensor. */
Sparse *sparse_new(const Compression *compression, const bool *skip, double ratio);

/* Elements of every tensor that travel from now on: ratio n rounded, at least one. */
void sparse_set_ratio(Sparse *sparse, double ratio);

/* Writes worker `own`'s message from x (n): the largest |x|, the lowest index among equals. */
void sparse_select(Sparse *sparse, int own, const real *x);

/* Sets x to zero where worker `own`'s message has an element. */
void sparse_clear(const Sparse *sparse, int own, real *x);

/* *Collective*: out (n) = the mean of all workers' messages, zero elsewhere; what `skip` names
 * stays as it is. */
void sparse_mean(Sparse *sparse, real *out);

#endif
