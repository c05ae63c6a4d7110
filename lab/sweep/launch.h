/* Launch: the driver's side of a campaign. Starts worker processes (this same program, command
 * `_work`) or one mpirun per layout, follows them, and starts again what crashed. */
#ifndef LAB_SWEEP_LAUNCH_H
#define LAB_SWEEP_LAUNCH_H

#include "lab/sweep/campaign.h"

typedef struct LaunchOptions {
    const char *program; /* path of this executable */
    const char *file;    /* the experiment, as given */
    const char *const *overrides;
    int n_overrides;
    const char *results;
    const char *share; /* "K/N", NULL: everything */
    const char *data;  /* shelf_place of the datasets, NULL: workers load them themselves */
    /* Told of every run that ended while others go on beside it, and before runs are measured that
     * nothing may disturb; NULL: nobody. */
    void (*ended)(void *self, const char *run_id);
    void (*alone)(void *self);
    void *self;
    double start_limit_s; /* a worker that does not report in this long is ended; 0: 120 s */
} LaunchOptions;

/* Carries the plan out. Returns an error (74 disk, 85 stopped, 5 claimed, ...) or NULL when every
 * run of the plan is done, failed ones included. */
Error *launch_plan(Plan *plan, const LaunchOptions *options);

/* The same for processes that were started by mpirun, srun or an MPIJob. *Collective* over `world`:
 * forms groups. */
Error *launch_in_place(Plan *plan, Comm *world, Arena *arena);

/* Handler for SIGINT, SIGTERM and SIGUSR1: asks for a stop after the current step. For a process
 * that does not train. */
const volatile sig_atomic_t *launch_catch_signals(void);
/* The same for a process that trains, before it makes its first thread: a thread of its own hears
 * the signals, all others block them. oneDNN 2.6 corrupts the heap when a handler runs on the stack
 * of its products (tests/tools/signal_in_sgemm.c shows it). */
const volatile sig_atomic_t *launch_hear_signals(void);
const volatile sig_atomic_t *launch_stop_flag(void); /* what they set */

/* The first line that a worker prints: MPI works, and its ranks are on so many hosts. */
void launch_tell_ready(int hosts);

/* What a worker prints on stdout for its driver. */
CampaignWatch launch_worker_watch(void);

#endif
