/* Internal to lab/sweep: the part of a plan that a search adds when points ended. */
#ifndef LAB_SWEEP_GROW_H
#define LAB_SWEEP_GROW_H

#include "lab/sweep/plan.h"

/* Trials that a search may add. */
int grow_max_reruns(const Experiment *experiment);

/* Room for what is to come, behind the phases and their first runs. */
void grow_begin(Plan *plan);

/* Adds the second stage of cells whose points all ended since the last look. */
void grow_plan(Plan *plan);

/* Forgets every second stage: points are to be done again. */
void grow_reset(Plan *plan);

/* Adds a trial's run to a phase, where the phase is for it (plan.c). */
void grow_add_run(Plan *plan, Phase *phase, const PlannedTrial *trial);

#endif
