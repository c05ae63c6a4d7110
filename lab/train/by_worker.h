/* Trials whose workers have state of their own (DESIGN 1): compressed gradients, local SGD. The
 * settings, and what they do not go with. */
#ifndef LAB_TRAIN_BY_WORKER_H
#define LAB_TRAIN_BY_WORKER_H

#include "lab/train/trial.h"

/* What happens to an optimizer's slots where workers average their weights. */
typedef enum { SLOTS_OWN, SLOTS_MEAN, SLOTS_ZERO } LocalSlots;

extern const Param local_rows[];

/* Reads workers, compression and local of a `trial` object; the rest of `out` is read. Errors
 * (code 2): workers that do not divide the shards, things that need the mean gradient. */
Error *by_worker_read(TrialSettings *out, const Json *object, Arena *arena);

/* Adds what is not at its default: trials that use none of it keep their ids. */
void by_worker_write(Json *object, const TrialSettings *settings, Arena *arena);

#endif
