/* Campaign: carrying out a plan. This side runs inside the processes that train; launch.h starts
 * them. */
#ifndef LAB_SWEEP_CAMPAIGN_H
#define LAB_SWEEP_CAMPAIGN_H

#include "lab/base/io.h"
#include "lab/sweep/plan.h"

/* Told by rank 0 of a group what happens; every function may be NULL. */
typedef struct CampaignWatch {
    void *self;
    void (*start)(void *self, const PlannedRun *run, int64_t resumed_from); /* 0: at step 0 */
    void (*at)(void *self, const PlannedRun *run, int64_t step); /* a few times a second */
    void (*end)(void *self, const PlannedRun *run, Outcome outcome);
} CampaignWatch;

/* *Collective* over `group` (phase->replicas ranks). Takes run after run of the phase that is
 * neither done nor claimed, starting with number `first` and then every `stride`-th; returns when
 * there is none, on the first I/O error, or when `stop` is set (code 85). Each trial is claimed by
 * the lock results/<experiment>/trials/<trial_id>/lock. */
Error *campaign_phase(Plan *plan, const Phase *phase, Comm *group, int first, int stride,
                      const volatile sig_atomic_t *stop, const CampaignWatch *watch);

/* Makes the experiment's folder and writes experiment.json. Refuses (code 2) when a live process
 * works there with another config. The lock is held until io_unlock or the process ends. */
Error *campaign_open(IoLock **out, const Plan *plan, Arena *arena);

/* Sets the journals of runs that --rerun asks for aside (kept as journal.replaced-N), but for those
 * that somebody else does again by now. */
Error *campaign_set_aside(Plan *plan);

/* Writes into the journals of runs that a rung stopped that it did, and removes their checkpoints.
 */
Error *campaign_mark_pruned(const Plan *plan);

/* Records that a run brought its job down: outcome failed, its provenance holds the cause. Nothing
 * happens when somebody else holds its trial by now, or ended it. */
Error *campaign_mark_failed(const Plan *plan, const Phase *phase, PlannedRun *run,
                            const char *cause);

#endif
