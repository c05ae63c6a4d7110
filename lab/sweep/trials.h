/* Internal to lab/sweep: what an experiment's file says of trials, resolved and checked. */
#ifndef LAB_SWEEP_TRIALS_H
#define LAB_SWEEP_TRIALS_H

#include "lab/sweep/experiment.h"

/* Fills trials, cells and rerun_seed of an experiment whose search and paths are read: every point
 * of the sweep with every seed, or with every point of the search at the first seed. Equal trials
 * are one. */
Error *trials_resolve(Experiment *out, const Json *trial, const Json *sweep, const uint64_t *seeds,
                      int n_seeds, Arena *arena);

/* The trial once more with another seed. */
PlannedTrial trials_reseed(const PlannedTrial *trial, uint64_t seed, Arena *arena);

#endif
