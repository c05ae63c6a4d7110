/* Walltimes as people and schedulers write them. */
#ifndef LAB_SWEEP_WALLTIME_H
#define LAB_SWEEP_WALLTIME_H

#include "lab/base/json.h"

/* "90m", "2h", "3d", "600s", "HH:MM:SS" or "D-HH:MM:SS", in seconds. `where` is for messages. */
Error *walltime_read(int64_t *out, const char *text, const Json *where);

/* "D-HH:MM:SS" of Slurm, or "HH:MM:SS" with any number of hours. */
const char *walltime_days(int64_t seconds, Arena *arena);
const char *walltime_hours(int64_t seconds, Arena *arena);

#endif
