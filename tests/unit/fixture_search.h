/* Invented searches: runs whose examples to the target are a known function of the learning rate.
 * Header-only, like fixture_runs.h. */
#ifndef TESTS_UNIT_FIXTURE_SEARCH_H
#define TESTS_UNIT_FIXTURE_SEARCH_H

#include "lab/store/search_record.h"
#include "tests/unit/fixture_runs.h"

/* The rate at which this optimizer needs the fewest examples, at a batch: LARS by the square root,
 * momentum linearly up to a batch where it turns (not monotone), LAMB constant. */
static inline double fixture_best_lr(const char *optimizer, double batch) {
    if (strcmp(optimizer, "momentum") == 0)
        return 0.2 / (0.5 * (sqrt(256 / batch) + sqrt(batch / 256)));
    return strcmp(optimizer, "lars") == 0 ? 0.02 * sqrt(batch) : 0.01;
}

typedef struct FixtureSearch {
    double min, max; /* of lr.base, logarithmic */
    int trials, reruns;
    bool momentum_too; /* a second axis, optimizer.momentum in reverse_log */
} FixtureSearch;

static inline const char *fixture_search_config(const FixtureRun *run, double momentum,
                                                Arena *arena) {
    return arena_print(
        arena,
        "{\"dataset\":{\"name\":\"glyphs\",\"train\":12000},\"eval\":{\"every_examples\":%d},"
        "\"global_batch\":%ld,\"isa\":null,\"lr\":{\"base\":%.9g,\"base_batch\":%ld,\"scaling\":{"
        "\"name\":\"none\"},\"schedule\":{\"name\":\"constant\"}},\"mini_batch\":%ld,\"model\":{"
        "\"hidden\":[128,128],\"name\":\"mlp\"},\"optimizer\":{\"momentum\":%.9g,\"name\":\"%s\"},"
        "\"stop\":{\"metric\":\"valid_accuracy\",\"target\":0.9}}",
        FIXTURE_EVERY, (long)run->global_batch, run->lr, (long)run->global_batch,
        (long)fixture_mini_batch(run), momentum, run->optimizer.name);
}

static inline void fixture_search_mark(RunRecord *out, const FixtureSearch *search, int point,
                                       SearchRole role, double lr, double momentum, Arena *arena) {
    SearchAxis *axis = ARENA_ARRAY(arena, SearchAxis, 2);
    const Json **value = ARENA_ARRAY(arena, const Json *, 2);
    axis[0] =
        (SearchAxis){.name = "lr.base", .scale = SCALE_LOG, .min = search->min, .max = search->max};
    axis[1] = (SearchAxis){
        .name = "optimizer.momentum", .scale = SCALE_REVERSE_LOG, .min = 0.5, .max = 0.99};
    value[0] = json_number(lr, arena);
    value[1] = json_number(momentum, arena);
    char hash[HASH_ROOM];
    const char *cell =
        arena_print(arena, "%s %ld", out->header.optimizer, (long)out->header.global_batch);
    hash_of(cell, strlen(cell), hash);
    RunSearch mark = {.cell = arena_copy_n(arena, hash, 16),
                      .point = point,
                      .role = role,
                      .trials = search->trials,
                      .algorithm = "halton",
                      .n_axes = search->momentum_too ? 2 : 1,
                      .axis = axis,
                      .value = value,
                      .goal = search_goal_default("valid_accuracy", true)};
    Json *object = run_search_write(&mark, arena);
    out->header.search = json_canonical(object, arena);
    Json *parsed = NULL;
    Error *error = json_parse(&parsed, out->header.search, strlen(out->header.search), NULL, arena);
    if (error)
        error_print(error, stderr);
    out->search = parsed;
}

/* One run of a search. Away from the best rate it needs exp(0.15 log^2) times the steps; beyond
 * eight times it, it diverges. */
static inline RunRecord fixture_search_run(const FixtureSearch *search, FixtureRun run, int point,
                                           SearchRole role, double lr, double momentum,
                                           Arena *arena) {
    double off = log(lr / fixture_best_lr(run.optimizer.name, (double)run.global_batch));
    double off_m = search->momentum_too ? log((1 - momentum) / 0.1) : 0;
    double worse = exp(0.15 * off * off + 0.05 * off_m * off_m);
    run.lr = lr;
    run.replicas = 1;
    run.mode = RUN_FULL;
    run.optimizer.misses_from = 0;
    run.optimizer.diverges_from = off > log(8) ? 1 : 0;
    run.optimizer.s_min *= worse;
    run.optimizer.e_min *= worse;
    RunRecord out = {0};
    fixture_header(&out, &run, arena);
    out.header.config = fixture_search_config(&run, momentum, arena);
    Json *config = NULL;
    Error *error = json_parse(&config, out.header.config, strlen(out.header.config), NULL, arena);
    if (error)
        error_print(error, stderr);
    out.config = config;
    char hash[HASH_ROOM];
    const char *trial = arena_print(arena, "%s#%lu", out.header.config, (unsigned long)run.seed);
    hash_of(trial, strlen(trial), hash);
    out.header.trial_id = arena_copy_n(arena, hash, 16);
    out.header.run_id = arena_print(arena, "%s-r1t1", out.header.trial_id);
    fixture_train(&out, &run, arena);
    for (int64_t s = 0; s < out.n_steps; s++)
        out.steps[s].lr = lr;
    fixture_search_mark(&out, search, point, role, lr, momentum, arena);
    return out;
}

/* A searched cell: points evenly over the axis (momentum by the golden ratio), then reruns of the
 * best with seeds 1, 2, ...; appended to `runs`. */
static inline void fixture_search_cell(RunRecord *runs, int *n, const FixtureSearch *search,
                                       const FixtureRun *base, Arena *arena) {
    int first = *n, best = -1;
    double best_lr = 0, best_momentum = 0;
    SearchGoal goal = search_goal_default("valid_accuracy", true);
    for (int p = 0; p < search->trials; p++) {
        double at = (p + 0.5) / search->trials, golden = fmod(0.5 + p * 0.6180339887, 1);
        double lr = search->min * pow(search->max / search->min, at);
        double momentum = search->momentum_too ? 1 - 0.5 * pow(0.02, golden) : 0.9;
        runs[*n] = fixture_search_run(search, *base, p, SEARCH_POINT, lr, momentum, arena);
        SearchResult result = {p, &runs[*n].summary};
        if (best < 0 ||
            search_is_better(result, (SearchResult){best, &runs[first + best].summary}, &goal)) {
            best = p;
            best_lr = lr;
            best_momentum = momentum;
        }
        (*n)++;
    }
    FixtureRun rerun = *base;
    for (int s = 1; s <= search->reruns; s++) {
        rerun.seed = base->seed + (uint64_t)s;
        runs[(*n)++] =
            fixture_search_run(search, rerun, best, SEARCH_RERUN, best_lr, best_momentum, arena);
    }
}

#define FIXTURE_SEARCH_BATCHES 6

/* Three optimizers at six batches; LAMB's two smallest rates at B = 64 are marked as pruned. */
static inline RunRecord *fixture_searched(int *n, const FixtureSearch *search, Arena *arena) {
    RunRecord *runs = ARENA_ARRAY(arena, RunRecord,
                                  3 * FIXTURE_SEARCH_BATCHES * (search->trials + search->reruns));
    *n = 0;
    for (int o = 0; o < 3; o++)
        for (int b = 0; b < FIXTURE_SEARCH_BATCHES; b++) {
            FixtureRun base = {.optimizer = fixture_optimizers[o], .global_batch = 32 << b};
            int first = *n;
            fixture_search_cell(runs, n, search, &base, arena);
            for (int p = first; o == 2 && b == 1 && p < first + 2; p++) {
                runs[p].summary.outcome = OUTCOME_INTERRUPTED;
                runs[p].summary.pruned_at_step = runs[p].summary.steps_run;
                runs[p].summary.steps_to_target = runs[p].summary.examples_to_target = NAN;
            }
        }
    return runs;
}

#endif
