/* Internal to lab/sweep: a search that a service carries out. Every trial of the service is a run
 * of the experiment with one point's values, which the service chose. */
#ifndef LAB_SWEEP_TUNING_H
#define LAB_SWEEP_TUNING_H

#include "lab/sweep/emit.h"

typedef struct Tuning {
    const Search *search;
    const SweepCell *cell;
    const char *metric; /* as the run tells it: "valid_accuracy" */
    bool maximize, grid, random;
    int64_t trials, parallel;
} Tuning;

enum { TUNING_PARALLEL = 4 }; /* when nobody says */

/* Errors (code 2): no search, or a sweep of several cells. */
Error *tuning_read(Tuning *out, const Job *job, Arena *arena);

/* The job's words without --config, with what makes it one point: no search, the first seed, and
 * the metric told at the end. */
Job tuning_job(const Job *job, const Tuning *tuning, Arena *arena);

/* Values of an axis that has a list of them: of a choice, or a grid's points, increasing. NULL:
 * anything between min and max. Errors: values that are no texts and no numbers. */
Error *tuning_values(const Json **out, bool *numbers, const Tuning *tuning, int axis, Arena *arena);

#endif
