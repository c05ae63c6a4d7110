/* Sampler: the sample stream of a trial. Position p of the stream is position p % n of epoch p / n;
 * every epoch is a fresh permutation that is a function of (seed, epoch) alone (Fisher-Yates on
 * Philox). The stream runs through the epochs without gaps, so no step is ragged. */
#ifndef LAB_DATA_SAMPLER_H
#define LAB_DATA_SAMPLER_H

#include "lab/base/arena.h"
#include "lab/base/rng.h"

#include <stdint.h>

typedef struct Sampler {
    uint64_t seed;
    int64_t n;      /* training examples */
    int64_t epoch;  /* of the cached permutation, -1 at the start */
    int32_t *order; /* (n) */
} Sampler;

Sampler *sampler_new(uint64_t seed, int64_t n_train, Arena *arena);

/* Training-set indices of stream positions [first, first + n). Any positions in any order; cheap
 * when they advance. */
void sampler_fill(Sampler *sampler, int64_t first, int64_t n, int64_t *index);

/* A permutation of 0..n-1 (Fisher-Yates) from the numbers of `rng`; n <= INT32_MAX. */
void sampler_permute(int32_t *order, int64_t n, Rng rng);

#endif
