/* Internal to lab/sweep: what a run is called, results/<experiment>/runs/<run_id> (DESIGN 4). */
#ifndef LAB_SWEEP_RUN_ID_H
#define LAB_SWEEP_RUN_ID_H

#include "lab/sweep/plan.h"

/* <trial_id>-r<R>t<T>[-h<hosts>][-c<collective>][-l<label>][-b<KiB>][-v<steps>]: parts at their
 * default are left out. hosts 0 is as good as 1. */
const char *run_id(const Plan *plan, const PlannedRun *run, int hosts, Arena *arena);

/* Among the runs from number `first` on those of unknown hosts that are not done: each is looked
 * for on every number of hosts, and takes over the id of what is done. */
Error *run_id_find_done(const Plan *plan, int first);

/* Looks whether the run of this id is done (plan.c). */
Error *plan_refresh_run(const Plan *plan, PlannedRun *run);

#endif
