/* Internal to lab/sweep: who does which run. A trial belongs to the process that holds its lock,
 * results/<experiment>/trials/<trial_id>/lock, which the kernel drops with its holder. */
#ifndef LAB_SWEEP_CLAIM_H
#define LAB_SWEEP_CLAIM_H

#include "lab/base/io.h"
#include "lab/sweep/plan.h"

/* Claims a run's trial and looks once more whether there is something to do. *lock = NULL: the run
 * is somebody else's, or done (then run->done is set), or not to be started again now
 * (run->timed_out). */
Error *claim_take(IoLock **lock, const Plan *plan, const Phase *phase, PlannedRun *run,
                  Arena *arena);
/* Claims a run's trial whatever its state; *lock = NULL: it is somebody else's. */
Error *claim_hold(IoLock **lock, const Plan *plan, const PlannedRun *run, Arena *arena);
const char *claim_path(const Plan *plan, const PlannedRun *run, Arena *arena); /* of the lock */

/* True when somebody holds the trial's lock. */
bool claim_is_taken(const Plan *plan, const PlannedRun *run);

/* Marks the runs of a phase that were interrupted in this session and are not to be started again
 * now. */
Error *claim_look(const Plan *plan, const Phase *phase);

/* Runs of a phase that this session has still to do, and how many of them somebody else holds. */
int claim_count_left(const Plan *plan, const Phase *phase);
int claim_count_taken(const Plan *plan, const Phase *phase);

/* All that remains is held by others: the error (code 5) after 10 s of it, else NULL. *since_s is
 * when it began, 0 at first. */
Error *claim_wait(double *since_s, const Plan *plan, const Phase *phase);

/* Tells how many runs are left interrupted. */
void claim_say_left(const Plan *plan);

#endif
