/* Internal to lab/sweep: what pruning does to a plan. */
#ifndef LAB_SWEEP_RUNGS_H
#define LAB_SWEEP_RUNGS_H

#include "lab/sweep/plan.h"

/* Rungs of the experiment's search, 0 without pruning. */
int rungs_count(const Experiment *experiment);

/* Decides every rung that all points of a cell came to: runs that stop there are pruned and done.
 * Reads the journals of the points of each rung once. */
Error *rungs_decide(Plan *plan);

/* Forgets all decisions. */
void rungs_reset(Plan *plan);

/* Step of the phase's rung for a run; 0: the phase trains to the end. */
int64_t rungs_pause(const Plan *plan, const Phase *phase, const PlannedRun *run);

/* How far an unfinished journal goes. */
Error *rungs_see_unfinished(const Plan *plan, PlannedRun *run);

#endif
