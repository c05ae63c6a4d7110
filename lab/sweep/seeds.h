/* Internal to lab/sweep: the `seeds` of an experiment, a count or a list. */
#ifndef LAB_SWEEP_SEEDS_H
#define LAB_SWEEP_SEEDS_H

#include "lab/base/json.h"

/* Reads a count n (seeds 0 to n-1), a list, or NULL (seed 0). Seeds from 2^53 on are written as
 * texts. */
Error *seeds_read(uint64_t **out, int *n, const Json *seeds, Arena *arena);
Json *seeds_write(const uint64_t *seeds, int n, Arena *arena);

#endif
