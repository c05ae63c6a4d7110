/* Internal to lab/sweep: the `seeds` of an experiment, a count, a list or a span. */
#ifndef LAB_SWEEP_SEEDS_H
#define LAB_SWEEP_SEEDS_H

#include "lab/base/json.h"

/* Reads a count n (seeds 0 to n-1), a list, a span "1000..1004", or NULL (seed 0). Seeds from 2^53
 * on are written as texts. */
Error *seeds_read(uint64_t **out, int *n, const Json *seeds, Arena *arena);
Json *seeds_write(const uint64_t *seeds, int n, Arena *arena);

#endif
