/* Plan: the runs of an experiment, in the order they are carried out, and what is done already.
 * With a search it grows: the runs of a cell's second stage are known when all points of the cell
 * ended, and follow from their records alone, so that every process comes to the same plan. */
#ifndef LAB_SWEEP_PLAN_H
#define LAB_SWEEP_PLAN_H

#include "lab/sweep/experiment.h"

typedef struct PlannedRun {
    const PlannedTrial *trial;
    const char *id;
    int replicas, threads;
    int hosts; /* that its replicas are on; 0: not known, and `id` is of the one that is done */
    RunMode mode;
    int64_t steps; /* at most: a target may end it earlier */
    int64_t bucket_kib;
    const char *label; /* NULL: none */
    bool done;
    bool rerun;         /* done before, but asked for again, or before it belonged to a search */
    bool timed_out;     /* it ended at layouts.max_seconds in this session: it is not
                           started again now */
    Outcome outcome;    /* when done */
    RunSummary summary; /* of a done run of a search */
    /* ---- of a search that prunes */
    int64_t reached_steps; /* how far its record goes */
    int n_passed;          /* rungs at which it was decided that it goes on */
    bool pruned;           /* a rung stopped it: done */
    bool marked;           /* its journal says so */
} PlannedRun;

/* Runs that are carried out together: one layout, one mode, one instruction set. */
typedef struct Phase {
    int replicas, threads, hosts; /* hosts as in PlannedRun */
    RunMode mode;
    const char *label;
    bool alone;      /* one run at a time, nothing else of ours beside it: its timings count */
    const char *isa; /* NULL: whatever the machine has */
    SearchRole role; /* with a search: the runs of one of its stages */
    int parallel;    /* runs at a time, 0: as many as there are cores for */
    int rung;        /* runs pause at this rung of the search, 1 is the first; 0: at their end */
    int n;
    PlannedRun **run;
} Phase;

/* More replicas than the trial has shards. */
typedef struct SkippedRun {
    const PlannedTrial *trial;
    int replicas, threads;
} SkippedRun;

/* The ranks of a job that carries a plan out. */
typedef struct PlanRanks {
    int n;
    const int *hosts; /* (n) that the first 1, 2, ... n of them are on: comm_spans */
} PlanRanks;

typedef struct Plan {
    const Experiment *experiment;
    const char *folder;  /* results/<experiment> */
    const char *session; /* names one call of `batchlab run`, in all its processes; NULL: unnamed */
    int n_runs;
    PlannedRun *runs;
    int n_phases;
    Phase *phases;
    int n_skipped;
    SkippedRun *skipped;
    int cores;
    const PlanRanks *ranks; /* NULL: not known */
    /* ---- of a search; room for all of it from the start, so that nothing moves when it grows */
    int max_runs, n_first_runs, n_first_skipped;
    PlannedRun **point_run; /* (experiment->n_trials) the run of a point */
    int *n_decided;         /* (experiment->n_cells) rungs */
    int *winner;            /* (experiment->n_cells) point, or a PlanWinner */
    PlannedTrial *reruns;   /* (n_cells * rerun_seeds) those of known winners */
    int n_reruns;
    Arena *arena;
} Plan;

typedef enum {
    WINNER_UNKNOWN = -1, /* points are left */
    WINNER_NONE = -2,    /* all of them diverged or failed */
} PlanWinner;

/* `rerun`: NULL, "failed", "diverged", "stale" or a trial or run id; matching finished runs count
 * as not done. `ranks` NULL: nobody knows on how many hosts several replicas will be, or were; such
 * a run is done when it is done on any number of them, and has that run's id. */
Error *plan_new(Plan *out, const Experiment *experiment, const char *results, const char *rerun,
                const PlanRanks *ranks, Arena *arena);

/* From now on it is known on how many hosts a phase's replicas are: its runs are those. Which of
 * them are done the next refresh tells. */
void plan_know_hosts(Plan *plan, int phase, int hosts);

/* A run's id without what it says of hosts: the same for a layout on any number of them. */
const char *plan_id_anywhere(const char *run_id, Arena *arena);

/* A name for this call of `batchlab run`, for plan->session. */
#define PLAN_SESSION_ROOM 128
void plan_session(char out[PLAN_SESSION_ROOM]);

/* Looks again which runs are done, and grows. Runs that were there stay where they are. */
Error *plan_refresh(Plan *plan);

/* Only which runs are done: nothing grows. */
Error *plan_refresh_runs(Plan *plan);

/* Something of the run is to be done in this phase. */
bool plan_run_is_left(const Plan *plan, const Phase *phase, const PlannedRun *run);

/* For ranks that must have the plan of their root: takes over winners and the runs that follow
 * (winner as in plan->winner). */
void plan_take_winners(Plan *plan, const int *winner);

/* Runs of the second stage that are not in the plan yet, at most; and the examples they train on.
 */
int plan_count_pending(const Plan *plan);
double plan_pending_work(const Plan *plan);
int plan_count_trials(const Plan *plan);

int plan_count_done(const Plan *plan);
int plan_count_failed(const Plan *plan);
/* Examples that a run trains on at most (about, when its batch changes and it ends early). */
double plan_run_work(const PlannedRun *run);
/* Examples that the runs not done yet will train on at most. */
double plan_work(const Plan *plan);

/* Steps of a trial's run in a phase, at most. */
int64_t plan_phase_steps(const Plan *plan, const Phase *phase, const PlannedTrial *trial);

const char *plan_run_folder(const Plan *plan, const PlannedRun *run, Arena *arena);

/* Estimates of what is left: measured speeds of this folder's runs where there are any, else a
 * probe of the model. */
typedef struct PlanEstimate {
    double seconds;
    double memory_bytes; /* of one replica of the largest trial, data_bytes among it */
    double data_bytes;   /* of all datasets, which the processes of a host share */
    double disk_bytes;
    double cpu_seconds;      /* of one core */
    double trial_seconds;    /* of the longest trial: all its runs, one after the other */
    double step_seconds;     /* of the longest step */
    double checkpoint_bytes; /* of the largest one */
} PlanEstimate;
Error *plan_estimate(PlanEstimate *out, const Plan *plan, Arena *arena);

/* For people, and for machines. */
void plan_print(const Plan *plan, const PlanEstimate *estimate);
Json *plan_json(const Plan *plan, const PlanEstimate *estimate, Arena *arena);

#endif
