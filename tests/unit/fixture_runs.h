/* Invented runs for tests of the analysis: a small study whose answer is known. Header-only, so
 * that every test stays one file. Numbers come from closed forms and Philox, so they are the same
 * everywhere. */
#ifndef TESTS_UNIT_FIXTURE_RUNS_H
#define TESTS_UNIT_FIXTURE_RUNS_H

#include "lab/base/rng.h"
#include "lab/store/run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* S(B) = s_min + e_min / B steps to the target; an optimizer misses or diverges above a batch. */
typedef struct FixtureOptimizer {
    const char *name;
    double s_min, e_min;
    int64_t misses_from, diverges_from; /* 0: never */
} FixtureOptimizer;

static const FixtureOptimizer fixture_optimizers[] = {
    {"momentum", 60, 24000, 1024, 2048},
    {"lars", 24, 30000, 0, 0},
    {"lamb", 30, 26000, 2048, 0},
};

#define FIXTURE_TARGET 0.9
#define FIXTURE_TRAIN 12000
#define FIXTURE_BUDGET (10 * FIXTURE_TRAIN) /* examples */
#define FIXTURE_EVERY 1500                  /* examples between evaluations */
#define FIXTURE_VERIFY_STEPS 50
#define FIXTURE_TENSORS 4

/* What one run is. */
typedef struct FixtureRun {
    FixtureOptimizer optimizer;
    int64_t global_batch;
    uint64_t seed;
    int replicas;
    RunMode mode;
    bool oversubscribed;
    double lr;          /* 0: 0.1 */
    int64_t mini_batch; /* 0: what "auto" gives */
    const char *extra;  /* more of the config, of a trial with eight workers; NULL: none */
} FixtureRun;

static inline int64_t fixture_mini_batch(const FixtureRun *run) {
    int64_t b = 128, global_batch = run->global_batch;
    if (run->mini_batch)
        return run->mini_batch;
    while (b > 1 && (global_batch % b || global_batch / b < 4))
        b /= 2;
    return b;
}

static inline double fixture_steps_to_target(const FixtureRun *run) {
    Rng rng = rng_new(run->seed, RNG_TEST,
                      (uint64_t)run->global_batch * 31 + (uint64_t)run->optimizer.name[1]);
    double jitter = 1 + 0.05 * rng_normal(&rng);
    return (run->optimizer.s_min + run->optimizer.e_min / (double)run->global_batch) * jitter;
}

static inline bool fixture_from(int64_t first, int64_t global_batch) {
    return first > 0 && global_batch >= first;
}

/* One step of a cost model with known parts: compute 20 us an example on one replica, 300 us of
 * communication a round, and a noise of a few percent. The trajectory depends on the trial alone,
 * the seconds on the layout too. */
static inline StepRow fixture_step(const FixtureRun *run, int64_t step, double steps_to_target,
                                   Rng *clock) {
    double batch = (double)run->global_batch, done = (double)step / steps_to_target;
    double slow = 1 + 0.03 * fabs(rng_normal(clock)) + (step == 1 ? 3 : 0);
    Rng key = rng_new(run->seed, RNG_TEST, (uint64_t)(run->global_batch << 20) + (uint64_t)step),
        *rng = &key;
    if (run->oversubscribed)
        slow *= 2.3;
    StepRow row = {.step = step,
                   .examples = step * run->global_batch,
                   .global_batch = run->global_batch,
                   .lr = 0.1};
    row.train_loss = 2.3 * exp(-2.2 * done) + 0.05 + 0.05 * rng_normal(rng) / sqrt(batch / 32);
    row.grad_norm = 1.5 * exp(-done);
    row.noise_trace = 40 * exp(-0.6 * done);
    row.noise_sqnorm = 1.2 * exp(-3.1 * done);
    row.noise_scale =
        step < 3 ? NAN : row.noise_trace / row.noise_sqnorm * exp(0.1 * rng_normal(rng));
    bool adam = strcmp(run->optimizer.name, "lamb") == 0 && step > 10; /* has a preconditioner */
    row.preconditioned_trace = adam ? 4 * row.noise_trace : NAN;
    row.preconditioned_sqnorm = adam ? 2 * row.noise_sqnorm : NAN;
    row.preconditioned_noise_scale = adam ? 2 * row.noise_scale : NAN;
    row.lr_gain = 1 + 0.4 * log2(batch / 32) + 0.1 * rng_uniform(rng);
    row.sample_s = 0.4e-6 * batch * slow / run->replicas;
    row.compute_s = 20e-6 * batch * slow / run->replicas + 50e-6;
    row.reduce_s = 2e-6 * batch / run->replicas + 300e-6 * log2(run->replicas) * slow;
    row.noise_s = 40e-6 * slow;
    row.update_s = 180e-6 * slow;
    row.step_s = row.sample_s + row.compute_s + row.reduce_s + row.noise_s + row.update_s + 20e-6;
    return row;
}

/* Tensors share the gradient in known parts, so that their noise scales differ: of the noise 8, 4,
 * 2 and 1 fifteenths, of |G|^2 a quarter each. */
static inline void fixture_layers(LayerRow *out, const StepRow *row, uint64_t seed) {
    Rng rng = rng_new(seed, RNG_TEST, 5000 + (uint64_t)row->step);
    for (int i = 0; i < FIXTURE_TENSORS; i++)
        out[i] = (LayerRow){.weight_norm = 1 + i,
                            .grad_norm = row->grad_norm / 2,
                            .trust_ratio = 1,
                            .noise_scale = row->noise_scale,
                            .noise_trace = row->noise_trace * (8 >> i) / 15,
                            .noise_sqnorm =
                                row->noise_sqnorm / FIXTURE_TENSORS * (1 + 0.2 * rng_normal(&rng))};
}

static inline const char *fixture_config(const FixtureRun *run, Arena *arena) {
    return arena_print(
        arena,
        "{%s\"dataset\":{\"name\":\"glyphs\",\"train\":12000},\"eval\":{\"every_examples\":%d},"
        "\"global_batch\":%ld,\"isa\":null,\"lr\":{\"base\":%g,\"base_batch\":32,\"scaling\":{"
        "\"name\":"
        "\"%s\"},\"schedule\":{\"name\":\"constant\"}},\"mini_batch\":%ld,\"model\":{"
        "\"hidden\":[128,"
        "128],\"name\":\"mlp\"},\"optimizer\":{\"name\":\"%s\",\"weight_decay\":0.0001},\"stop\":{"
        "\"metric\":\"valid_accuracy\",\"target\":0.9}}",
        run->extra ? run->extra : "", FIXTURE_EVERY, (long)run->global_batch,
        run->lr > 0 ? run->lr : 0.1,
        strcmp(run->optimizer.name, "lamb") == 0 ? "adascale" : "linear",
        (long)fixture_mini_batch(run), run->optimizer.name);
}

/* A digest as the trial alone decides it. */
static inline void fixture_digest(RunDigest *out, const char *trial_id, int64_t step) {
    char text[128];
    snprintf(text, sizeof text, "%s at %ld", trial_id, (long)step);
    out->step = step;
    hash_of(text, strlen(text), out->sha256);
}

static inline void fixture_header(RunRecord *out, const FixtureRun *run, Arena *arena) {
    RunHeader *header = &out->header;
    char hash[HASH_ROOM];
    Json *config = NULL;
    header->config = fixture_config(run, arena);
    Error *error = json_parse(&config, header->config, strlen(header->config), NULL, arena);
    if (error)
        error_print(error, stderr);
    out->config = config;
    const char *trial = arena_print(arena, "%s#%lu", header->config, (unsigned long)run->seed);
    hash_of(trial, strlen(trial), hash);
    header->trial_id = arena_copy_n(arena, hash, 16);
    header->run_id = arena_print(arena, "%s-r%dt1%s", header->trial_id, run->replicas,
                                 run->mode == RUN_VERIFY ? "-v50" : "");
    header->experiment = "fixture";
    header->question =
        "How far can the global batch grow before <glyphs> & friends need more examples?";
    header->model = "mlp";
    header->dataset = "glyphs";
    header->optimizer = run->optimizer.name;
    header->collective = "tree";
    header->noise_unit = "example";
    header->metric = "valid_accuracy";
    header->target = FIXTURE_TARGET;
    header->global_batch = run->global_batch;
    header->mini_batch = fixture_mini_batch(run);
    header->n_weights = 1000; /* few, so that digests cost nothing */
    header->n_train = FIXTURE_TRAIN;
    header->total_steps = (FIXTURE_BUDGET + run->global_batch - 1) / run->global_batch;
    header->flops_per_example = 6.0 * 118282;
    header->seed = run->seed;
    header->replicas = run->replicas;
    header->threads = header->hosts = 1;
    header->mode = run->mode;
    header->verify_steps = FIXTURE_VERIFY_STEPS;
    header->oversubscribed = run->oversubscribed;
    header->alone = run->mode == RUN_VERIFY;
    header->canonical = true;
    static const char *const tensors[FIXTURE_TENSORS] = {"layer1.weight", "layer1.bias",
                                                         "layer2.weight", "layer2.bias"};
    header->n_layers = FIXTURE_TENSORS;
    header->layer_names = tensors;
    Json *provenance = json_object(arena);
    json_add_text(provenance, "git_commit", "0123456789abcdef", arena);
    json_add_text(provenance, "cpu", "Invented CPU <8 cores>", arena);
    json_add_number(provenance, "cores", 2, arena);
    json_add_text(provenance, "start_utc", "2026-11-21T20:28:10Z", arena);
    header->provenance = provenance;
    snprintf(out->end_utc, sizeof out->end_utc, "2026-11-21T20:29:10Z");
}

/* Rows, digests and summary; ends where the run would. */
static inline void fixture_train(RunRecord *out, const FixtureRun *run, Arena *arena) {
    double target_steps = fixture_steps_to_target(run);
    bool diverges = fixture_from(run->optimizer.diverges_from, run->global_batch);
    bool misses = diverges || fixture_from(run->optimizer.misses_from, run->global_batch);
    int64_t total = out->header.total_steps, last = diverges && total > 12 ? 12 : total;
    if (run->mode == RUN_VERIFY && last > FIXTURE_VERIFY_STEPS)
        last = FIXTURE_VERIFY_STEPS;
    RunSummary *summary = &out->summary;
    *summary =
        (RunSummary){diverges ? OUTCOME_DIVERGED : OUTCOME_BUDGET_SPENT, .steps_to_target = NAN,
                     .examples_to_target = NAN, .seconds_to_target = NAN, .best_valid_accuracy = 0};
    Rng clock =
        rng_new(run->seed, RNG_TEST, (uint64_t)run->replicas + 1000 * (uint64_t)run->global_batch);
    out->steps = ARENA_ARRAY(arena, StepRow, last);
    out->evals = ARENA_ARRAY(arena, EvalRow, FIXTURE_BUDGET / FIXTURE_EVERY + 2);
    out->layers =
        ARENA_ARRAY(arena, LayerRow, FIXTURE_TENSORS * (FIXTURE_BUDGET / FIXTURE_EVERY + 2));
    out->curvatures = ARENA_ARRAY(arena, CurvatureRow, FIXTURE_BUDGET / FIXTURE_EVERY + 2);
    out->digests = ARENA_ARRAY(arena, RunDigest, FIXTURE_BUDGET / FIXTURE_EVERY + 4);
    double wall_s = 0;
    for (int64_t step = 1; step <= last; step++) {
        StepRow *row = &out->steps[out->n_steps++];
        *row = fixture_step(run, step, target_steps, &clock);
        wall_s += row->step_s;
        bool due =
            row->examples / FIXTURE_EVERY > (row->examples - run->global_batch) / FIXTURE_EVERY;
        if (due || step == total) {
            double done = (double)step / target_steps, ceiling = misses ? 0.88 : 0.97;
            double accuracy =
                ceiling - (ceiling - 0.1) * exp(-done * log((0.97 - 0.1) / (0.97 - 0.902)));
            fixture_layers(out->layers + FIXTURE_TENSORS * out->n_evals, row, run->seed);
            EvalRow *eval = &out->evals[out->n_evals++];
            out->curvatures[out->n_curvatures] =
                (CurvatureRow){.step = step,
                               .examples = row->examples,
                               .ghg = 0.5 * row->noise_sqnorm,
                               .trace_h_sigma = row->noise_trace,
                               .noise_scale = 2 * row->noise_trace / row->noise_sqnorm};
            out->n_curvatures += strcmp(run->optimizer.name, "lars") == 0;
            *eval = (EvalRow){.step = step,
                              .examples = row->examples,
                              .valid_loss = 0.1 + 2.2 * exp(-2 * done),
                              .valid_accuracy = accuracy,
                              .test_loss = 0.12 + 2.2 * exp(-2 * done),
                              .test_accuracy = accuracy - 0.004,
                              .worker_bytes = run->extra ? 300.0 * (double)step : 0,
                              .wall_s = wall_s};
            summary->best_valid_accuracy = fmax(summary->best_valid_accuracy, accuracy);
            if (accuracy >= FIXTURE_TARGET) {
                summary->outcome = OUTCOME_REACHED;
                summary->steps_to_target = (double)step;
                summary->examples_to_target = (double)row->examples;
                summary->seconds_to_target = wall_s;
                last = step;
            }
        }
        if (due || step == total || step == FIXTURE_VERIFY_STEPS || step == last)
            fixture_digest(&out->digests[out->n_digests++], out->header.trial_id, step);
    }
    summary->steps_run = last;
    double final_accuracy = out->n_evals ? out->evals[out->n_evals - 1].valid_accuracy : NAN;
    summary->final_valid_accuracy = final_accuracy;
    summary->final_test_accuracy = summary->test_accuracy_at_best_valid = final_accuracy - 0.004;
    summary->final_valid_loss = out->n_evals ? out->evals[out->n_evals - 1].valid_loss : NAN;
    out->finished = true;
    snprintf(out->trajectory_sha256, sizeof out->trajectory_sha256, "%s",
             out->digests[out->n_digests - 1].sha256);
    snprintf(out->weights_sha256, sizeof out->weights_sha256, "%s",
             out->digests[out->n_digests - 1].sha256);
}

static inline RunRecord fixture_run(const FixtureRun *run, Arena *arena) {
    RunRecord out = {0};
    fixture_header(&out, run, arena);
    fixture_train(&out, run, arena);
    return out;
}

/* A whole study: six batches x three optimizers x `n_seeds`, a full run each, and a verify run on
 * 1, 2 and 4 replicas (4 oversubscribed) for seed 0. Not sorted by run id. */
static inline RunRecord *fixture_study(int *n, int n_seeds, Arena *arena) {
    static const int64_t batches[] = {32, 128, 256, 512, 1024, 2048};
    RunRecord *runs = ARENA_ARRAY(arena, RunRecord, 18 * (n_seeds + 3));
    *n = 0;
    for (int o = 0; o < 3; o++)
        for (int b = 0; b < 6; b++) {
            FixtureRun run = {
                .optimizer = fixture_optimizers[o], .global_batch = batches[b], .replicas = 1};
            for (int s = 0; s < n_seeds; s++) {
                run.mode = RUN_FULL;
                run.seed = (uint64_t)s;
                runs[(*n)++] = fixture_run(&run, arena);
            }
            run.mode = RUN_VERIFY;
            run.seed = 0;
            for (run.replicas = 1; run.replicas <= 4; run.replicas *= 2) {
                run.oversubscribed = run.replicas == 4;
                runs[(*n)++] = fixture_run(&run, arena);
            }
        }
    return runs;
}

#endif
