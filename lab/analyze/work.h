/* Work: what a step costs one replica, and a whole group of them, as a function of global batch,
 * mini-batch and replicas (methods 7). Fitted to the layouts that a study measured; pure functions
 * of the fit otherwise. */
#ifndef LAB_ANALYZE_WORK_H
#define LAB_ANALYZE_WORK_H

#include "lab/analyze/timing.h"

/* T_grad = turns (shard_s + mini_batch example_s), turns the shards of the busiest thread; then the
 * additions of the replica's own shards, and what a step costs whatever its batch. All >= 0. */
typedef struct Work {
    double shard_s, example_s;   /* a pass and its sampling: of a shard, of one example in it */
    double add_s, add_example_s; /* adding one more shard's sum; threads wait for each other there,
                                    which grows with the shard */
    double weights_s;            /* gradient norms and update of all weights, once a step */
    double fixed_s;              /* the rest, once a step */
    double jitter; /* a replica's passes vary by this (sd over mean), from step to step */
    double error;  /* residual of one layout's step (sd of its log) */
    int n;         /* layouts of one replica that it was fitted to */
    int n_mini;    /* their different mini-batches: 1 cannot tell shards from examples */
    int threads;
    const char *label;               /* of these layouts, "": none */
    int64_t least_batch, most_batch; /* of these layouts */
    int64_t least_mini;
} Work;

/* A step that is to be predicted. */
typedef struct StepCase {
    int64_t global_batch, mini_batch;
    int replicas;
    int team;       /* of a host that share weights_s (work_team); 0: none do */
    double speed;   /* of a core, against the one that was measured */
    double overlap; /* exponent of work_join: 1: nothing overlaps */
    double comm_s;  /* of one sum over the replicas; 0 for one */
} StepCase;

/* Fits the layouts of one replica among `timings` that do the same kind of work as `like` (which
 * one of them need not be) on as many threads and under its label, oversubscribed ones left out.
 * out->n = 0: there are none. */
void work_fit(Work *out, const Timings *timings, const Timing *like, Arena *arena);

/* How many replicas of a host share the update where `replicas` are on `hosts`: all of them, with a
 * collective that lets them (record 0029). */
int work_team(const RunHeader *header, int replicas, int hosts);

/* T_grad of one replica without jitter, and a step of all of them: the slowest replica's passes,
 * joined with the sum, and what is left. */
double work_passes_s(const Work *work, const StepCase *of);
double work_step_s(const Work *work, const StepCase *of);

/* (a^g + b^g)^(1/g): the sum for g = 1, the larger one for g = infinity (Pollux, OSDI 2021). */
double work_join(double a, double b, double g);

/* Expected largest of n independent standard normals: the straggler's delay in units of sd. */
double work_slowest_of(int n);

#endif
