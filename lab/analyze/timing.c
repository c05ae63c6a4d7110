#include "lab/analyze/timing.h"

#include "lab/analyze/branched.h"
#include "lab/base/stats.h"
#include "lab/base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Steps looked at per run: enough for quartiles, few enough that 2,000 long runs stay cheap. */
#define MAX_STEPS_PER_RUN 512

const char *stage_name(Stage stage) {
    static const char *const names[STAGE_N] = {"sample", "compute", "reduce",
                                               "noise",  "update",  "other"};
    return names[stage];
}

const char *timing_work(const RunRecord *run, Arena *arena) {
    static const char *const free_of_cost[] = {"global_batch", "lr", "stop", "eval"};
    Text text = text_new(arena);
    JSON_EACH (child, run->config) {
        bool costs = true;
        for (int i = 0; i < 4; i++)
            costs &= strcmp(child->key, free_of_cost[i]) != 0;
        if (costs)
            text_add(&text, "%s=%s ", child->key, json_canonical(child, arena));
    }
    return text.data;
}

typedef struct Measured {
    Timing key; /* layout fields only */
    const RunRecord *run;
} Measured;

#define ORDER(x, y) (((x) > (y)) - ((x) < (y)))

int timing_compare(const Timing *a, const Timing *b) {
    int order =
        cells_optimizer_rank(a->header->optimizer) - cells_optimizer_rank(b->header->optimizer);
    if (order == 0)
        order = strcmp(a->work, b->work);
    if (order == 0)
        order = strcmp(a->header->collective, b->header->collective);
    if (order == 0)
        order = strcmp(run_label(a->header), run_label(b->header));
    if (order == 0)
        order = ORDER(a->threads, b->threads);
    if (order == 0)
        order = ORDER(a->global_batch, b->global_batch);
    if (order == 0)
        order = ORDER(a->replicas, b->replicas);
    if (order == 0)
        order = ORDER(a->hosts, b->hosts);
    if (order == 0)
        order = ORDER(a->header->bucket_kib, b->header->bucket_kib);
    return order ? order : ORDER(a->oversubscribed, b->oversubscribed);
}

/* Verify runs first inside a layout. */
static int by_layout(const void *a, const void *b) {
    const Measured *x = a, *y = b;
    int order = timing_compare(&x->key, &y->key);
    if (order == 0)
        order = ORDER(x->run->header.mode == RUN_FULL, y->run->header.mode == RUN_FULL);
    return order ? order : strcmp(x->run->header.run_id, y->run->header.run_id);
}

static bool counts(const RunRecord *run) {
    return run->config && !branched_is(run) && run->header.alone && run->n_steps > 0 &&
           run->summary.outcome != OUTCOME_FAILED;
}

/* The first steps of a run fill caches and pages: a tenth of them, at most 20, is not measured. */
static int64_t warm_steps(int64_t n_steps) {
    int64_t tenth = (n_steps + 9) / 10;
    return n_steps < 3 ? 0 : tenth < 20 ? tenth : 20;
}

enum { SENT_BYTES = STAGE_N }; /* behind the stages and the whole step */

static double value_of(const StepRow *row, int column) {
    const double values[STAGE_N + 1] = {row->sample_s, row->compute_s, row->reduce_s,  row->noise_s,
                                        row->update_s, row->step_s,    row->sent_bytes};
    return values[column];
}

/* Values of one column over the measured steps of `runs`, evenly thinned; returns how many. */
static int64_t gather(double *values, const Measured *runs, int n, int column) {
    int64_t filled = 0;
    for (int i = 0; i < n; i++) {
        const RunRecord *run = runs[i].run;
        int64_t from = run->header.resumed_from; /* rows before it were measured by another run */
        from = from < run->n_steps ? from : run->n_steps;
        int64_t first = from + warm_steps(run->n_steps - from), left = run->n_steps - first;
        int64_t take = left < MAX_STEPS_PER_RUN ? left : MAX_STEPS_PER_RUN;
        for (int64_t k = 0; k < take; k++) {
            double value = value_of(&run->steps[first + k * left / take], column);
            if (isfinite(value))
                values[filled++] = value;
        }
    }
    return filled;
}

double timing_step_s(const RunRecord *run, Arena *arena) {
    Measured one = {.run = run};
    double *values = ARENA_ARRAY(arena, double, MAX_STEPS_PER_RUN);
    int64_t n = gather(values, &one, 1, STAGE_OTHER);
    return stats_median(values, (int)n);
}

static void measure(Timing *timing, const Measured *runs, int n, double *values) {
    double sum = 0;
    for (int column = 0; column < STAGE_OTHER; column++) {
        int64_t filled = gather(values, runs, n, column);
        timing->stage_s[column] = filled ? stats_median(values, (int)filled) : 0;
        sum += timing->stage_s[column];
    }
    int64_t sent = gather(values, runs, n, SENT_BYTES);
    timing->sent_bytes = stats_median(values, (int)sent);
    timing->n_runs = n;
    timing->n_steps = gather(values, runs, n, STAGE_OTHER); /* the last column is the whole step */
    timing->step_s = stats_median(values, (int)timing->n_steps);
    timing->step_low_s = stats_quantile(values, (int)timing->n_steps, 0.25);
    timing->step_high_s = stats_quantile(values, (int)timing->n_steps, 0.75);
    timing->stage_s[STAGE_OTHER] = timing->step_s > sum ? timing->step_s - sum : 0;
}

static Timing key_of(const RunRecord *run, Arena *arena) {
    const RunHeader *header = &run->header;
    return (Timing){.work = timing_work(run, arena),
                    .header = header,
                    .global_batch = header->global_batch,
                    .n_shards =
                        header->mini_batch > 0 ? header->global_batch / header->mini_batch : 1,
                    .replicas = header->replicas,
                    .threads = header->threads,
                    .hosts = header->hosts,
                    .oversubscribed = header->oversubscribed};
}

Timings timings_make(const RunRecord *runs, int n, Arena *arena) {
    Measured *all = ARENA_ARRAY(arena, Measured, n + 1);
    int n_all = 0;
    for (int i = 0; i < n; i++)
        if (counts(&runs[i]))
            all[n_all++] = (Measured){key_of(&runs[i], arena), &runs[i]};
    qsort(all, (size_t)n_all, sizeof *all, by_layout);

    Timings out = {.timing = ARENA_ARRAY(arena, Timing, n_all + 1)};
    double *values = ARENA_ARRAY(arena, double, (int64_t)(n_all + 1) * MAX_STEPS_PER_RUN);
    for (int i = 0, end; i < n_all; i = end) {
        int preferred =
            1; /* runs of the same mode as the first: all verify runs when there is one */
        for (end = i + 1; end < n_all && timing_compare(&all[i].key, &all[end].key) == 0; end++)
            preferred += all[end].run->header.mode == all[i].run->header.mode;
        Timing timing = all[i].key;
        measure(&timing, &all[i], preferred, values);
        if (timing.n_steps > 0)
            out.timing[out.n++] = timing;
    }
    return out;
}

int timings_restless(int *n_all, const Timings *timings) {
    int n = 0;
    *n_all = 0;
    for (int i = 0; i < timings->n; i++) {
        const Timing *timing = &timings->timing[i];
        if (timing->oversubscribed)
            continue;
        ++*n_all;
        n += timing->step_high_s >= TIMING_RESTLESS * timing->step_low_s;
    }
    return n;
}
