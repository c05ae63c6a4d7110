/* Timing: the hardware side. What a step costs on a layout, measured by runs that had the machine
 * to themselves. */
#ifndef LAB_ANALYZE_TIMING_H
#define LAB_ANALYZE_TIMING_H

#include "lab/store/run.h"

typedef enum {
    STAGE_SAMPLE,
    STAGE_COMPUTE,
    STAGE_REDUCE,
    STAGE_NOISE,
    STAGE_UPDATE,
    STAGE_OTHER,
    STAGE_N
} Stage;

const char *stage_name(Stage stage);

/* One layout of one piece of work. Seeds, learning rates and stop rules do not change the cost of a
 * step, so runs that differ only there are pooled. */
typedef struct Timing {
    const char *work;        /* canonical text of everything that costs: dataset, model, optimizer,
                                mini_batch, isa */
    const RunHeader *header; /* of one of its runs: optimizer, sizes, layout */
    int64_t global_batch;
    int64_t n_shards;
    int replicas, threads, hosts;
    bool oversubscribed;
    int n_runs;
    int64_t n_steps;                        /* steps measured, warm-up left out */
    double step_s, step_low_s, step_high_s; /* median and quartiles over steps, s */
    double stage_s[STAGE_N];                /* medians, s; other = step - sum of stages */
    double sent_bytes; /* median of a step, all replicas together; NaN: not recorded */
} Timing;

typedef struct Timings {
    int n;
    Timing
        *timing; /* by work, collective, label, threads, global_batch, replicas, hosts, buckets */
} Timings;

/* Measures the layouts among `runs` (n). Verify runs are preferred; a layout without one uses its
 * full runs. Left out: runs that shared the machine, failed ones, and those without steps. */
Timings timings_make(const RunRecord *runs, int n, Arena *arena);

/* Text of everything in a run's config that decides what a step costs, apart from global batch and
 * layout. */
const char *timing_work(const RunRecord *run, Arena *arena);

/* Median seconds of a step of one run, warm-up left out; NaN without steps. */
double timing_step_s(const RunRecord *run, Arena *arena);

/* Layouts that fit the cores and whose slower quartile of steps takes TIMING_RESTLESS times the
 * faster one or more: something else ran on the machine, and their medians are no measure of the
 * layout. *n_all: layouts that fit. */
#define TIMING_RESTLESS 1.5
int timings_restless(int *n_all, const Timings *timings);

/* Order of Timings. */
int timing_compare(const Timing *a, const Timing *b);

#endif
