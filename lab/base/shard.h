/* Shard: one mini-batch of a step, numbered over the whole global batch; the unit of work whose
 * shape never depends on replicas or threads (DESIGN 1, 2.1). */
#ifndef LAB_BASE_SHARD_H
#define LAB_BASE_SHARD_H

#include <stdint.h>

typedef struct Shard {
    int n;          /* examples (the mini_batch; the last shard of an evaluation may be shorter) */
    const float *x; /* (n, n_features) */
    const int32_t *y; /* (n, n_labels) classes, or NULL */
    uint64_t seed;    /* of the trial */
    int64_t step;     /* 0-based */
    int64_t index;    /* 0..n_shards-1 inside the step */
} Shard;

#endif
