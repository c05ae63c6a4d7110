/* Job: one plan for every engine. What it takes to carry an experiment out: how many ranks on how
 * many nodes, for how long, with which words. The emitters (target.h) only put it into the
 * engine's own form. */
#ifndef LAB_SWEEP_JOB_H
#define LAB_SWEEP_JOB_H

#include "lab/sweep/plan.h"
#include "lab/sweep/site.h"

struct Job {
    const Experiment *experiment;
    const Site *site;
    const void *settings; /* of the target */
    const char *name;     /* letters, digits and '-' */
    const char *program, *results;
    int n_words;
    const char **word; /* (n_words) the command, program first */
    int nodes, ranks_per_node, ranks, threads;
    int n_shares;      /* elements of the array, 0: one allocation */
    int64_t memory_mb; /* of a node */
    int64_t walltime_s, lead_s;
    int64_t grace_s; /* that mpirun gives ranks between SIGTERM and SIGKILL; when a rank leaves with
                        85 it waits for twice as long before it does */
    bool walltime_given;
    PlanEstimate estimate;
    double cpu_hours; /* of what is left, by `plan` */
};

typedef struct JobOrder {
    const TargetType *target;
    const Site *site;
    const char *program; /* path of this executable */
    const char *file;    /* the experiment, as given */
    const char *results; /* NULL: the site's */
    const char *const *overrides;
    int n_overrides;
} JobOrder;

/* Errors (code 2): more ranks than nodes times ranks a node; nodes too small for a rank's threads
 * or for its memory; a walltime below lead + 60 s + a step + a checkpoint; a search as an array; a
 * name that no engine takes. */
Error *job_new(Job *out, const Plan *plan, const JobOrder *order, Arena *arena);

/* A word as a shell reads it: quoted where it has to be. */
const char *job_quote(const char *word, Arena *arena);
/* The words of the command from number `first` on, quoted, with spaces between. */
const char *job_command(const Job *job, int first, Arena *arena);
/* Lines "export NAME=VALUE", each with its newline. */
const char *job_exports(const Job *job, Arena *arena);

#endif
