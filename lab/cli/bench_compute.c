/* The forward and backward pass of every model against its mini-batch, on one core. Beside the
 * study's own step times this is what predictions of other mini-batches rest on, so it goes into
 * the host's calibration. */
#include "lab/cli/bench.h"

#include "lab/base/clock.h"
#include "lab/base/stats.h"
#include "lab/base/text.h"
#include "lab/train/trial.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ROUNDS = 4000, MIN_ROUNDS = 5, WARM_ROUNDS = 2, ROOM = 256 };

static const int mini_batches[] = {1, 8, 32, 128};
enum { N_MINI = sizeof mini_batches / sizeof *mini_batches };

/* Data that the program brings along, in the order in which a model is offered them. */
static const char *const embedded[] = {"glyphs", "markov", "noisy_quadratic"};
enum { N_EMBEDDED = sizeof embedded / sizeof *embedded };

typedef struct ComputeBench {
    double seconds; /* of a case */
    double peak;    /* FLOP/s */
    bool json;
    char utc[CLOCK_UTC_ROOM];
    int n;
    PassTime time[ROOM];
} ComputeBench;

typedef struct Subject { /* a model at its defaults with data that fit it */
    const ModelType *type;
    void *settings;
    const char *name; /* settings and data, JSON */
    Dataset data;
    ModelInput input;
} Subject;

static Error *kind_at_defaults(const Kind **kind, void **settings, const char *name,
                               const Kind *const *table, int n, const char *what, Arena *arena) {
    Json *object = json_object(arena);
    json_add_text(object, "name", name, arena);
    return kind_read(kind, settings, object, table, n, what, NULL, arena);
}

static Error *subject_with(Subject *out, const char *model, const char *dataset, Arena *arena) {
    const Kind *kind, *source;
    void *settings;
    PASS(kind_at_defaults(&kind, &out->settings, model, model_table, MODEL_N, "model", arena));
    PASS(kind_at_defaults(&source, &settings, dataset, dataset_table, DATASET_N, "dataset", arena));
    out->type = (const ModelType *)kind;
    Json *object = json_object(arena);
    json_add(object, "model", kind_write(kind, out->settings, arena), arena);
    json_add(object, "dataset", kind_write(source, settings, arena), arena);
    out->name = json_canonical(object, arena);
    PASS(dataset_load(&out->data, (const DatasetType *)source, settings, NULL, arena));
    out->input = trial_input(&out->data);
    Model *unused;
    return model_new(&unused, out->type, out->settings, &out->input, mini_batches[1], arena);
}

/* The first embedded data that the model takes. */
static Error *subject_find(Subject *out, const char *model, Arena *arena) {
    Error *error = NULL;
    for (int i = 0; i < N_EMBEDDED; i++) {
        if (error)
            error_end(error);
        error = subject_with(out, model, embedded[i], arena);
        if (!error)
            return NULL;
    }
    return error;
}

/* Median seconds of a pass; layer_s gets the seconds of each layer in an average one. */
static double time_pass(const Subject *subject, const Model *model, double seconds, double *layer_s,
                        Arena *arena) {
    int n = model->mini_batch, round = 0;
    float *x = ARENA_ARRAY(arena, float, n * subject->data.n_features + 1);
    int labels = subject->data.n_labels > 0 ? subject->data.n_labels : 1;
    int32_t *y = ARENA_ARRAY(arena, int32_t, n * labels);
    int64_t *index = ARENA_ARRAY(arena, int64_t, n);
    float *weights = ARENA_ARRAY(arena, float, model->n_weights);
    double *time = ARENA_ARRAY(arena, double, MAX_ROUNDS + WARM_ROUNDS);
    for (int i = 0; i < n; i++)
        index[i] = i % subject->data.n[SPLIT_TRAIN];
    model->type->init(model, 0, weights);
    Shard shard = {.n = n, .x = x, .y = subject->data.n_labels > 0 ? y : NULL};
    ModelPass pass = {.weights = weights,
                      .grad_sum = ARENA_ARRAY(arena, float, model->n_weights),
                      .stats = model->n_stats ? ARENA_ARRAY(arena, double, model->n_stats) : NULL,
                      .workspace = model_workspace(model, n, arena)};
    double end = clock_s() + seconds;
    for (;
         round < MIN_ROUNDS + WARM_ROUNDS || (round < MAX_ROUNDS + WARM_ROUNDS && clock_s() < end);
         round++) {
        dataset_gather(&subject->data, SPLIT_TRAIN, index, n, x, y); /* as in the loop */
        pass.layer_s = round >= WARM_ROUNDS && model->n_layers ? layer_s : NULL;
        double start = clock_s();
        model->type->pass(model, &shard, &pass);
        time[round] = clock_s() - start;
    }
    for (int l = 0; l < model->n_layers; l++)
        layer_s[l] /= round - WARM_ROUNDS;
    return stats_median(time + WARM_ROUNDS, round - WARM_ROUNDS);
}

/* "conv2 41 %, conv1 30 %, dense1 12 %": the slowest layers. */
static const char *slowest_layers(const Model *model, const double *layer_s, Arena *arena) {
    enum { SHOWN = 3 };
    double total = 0;
    bool *said = ARENA_ARRAY(arena, bool, model->n_layers + 1);
    Text text = text_new(arena);
    for (int l = 0; l < model->n_layers; l++)
        total += layer_s[l];
    for (int i = 0; i < SHOWN && i < model->n_layers && total > 0; i++) {
        int best = -1;
        for (int l = 0; l < model->n_layers; l++)
            if (!said[l] && (best < 0 || layer_s[l] > layer_s[best]))
                best = l;
        said[best] = true;
        text_add(&text, "%s%s %.0f %%", i ? ", " : "", model->layers[best],
                 100 * layer_s[best] / total);
    }
    return text.data;
}

static void tell(const ComputeBench *bench, const PassTime *time, const char *layers,
                 Arena *arena) {
    double rate = (double)time->mini_batch / time->seconds;
    double flops = rate * time->flops_per_example;
    if (!bench->json) {
        printf("%-16s %5lld %11.1f %12.0f %9.1f %6.0f %%  %s\n", time->model,
               (long long)time->mini_batch, 1e6 * time->seconds, rate, flops * 1e-9,
               100 * flops / bench->peak, layers);
        fflush(stdout);
        return;
    }
    Json *object = json_object(arena);
    json_add_text(object, "model", time->model, arena);
    json_add_number(object, "n_weights", (double)time->n_weights, arena);
    json_add_number(object, "mini_batch", (double)time->mini_batch, arena);
    json_add_number(object, "pass_s", time->seconds, arena);
    json_add_number(object, "examples_per_s", rate, arena);
    json_add_number(object, "flop_per_s", flops, arena);
    json_add_number(object, "peak_frac", flops / bench->peak, arena);
    json_add_text(object, "slowest_layers", layers, arena);
    printf("%s\n", json_canonical(object, arena));
}

static Error *measure(ComputeBench *bench, const Subject *subject, int mini_batch, Arena *arena) {
    Model *model;
    Arena *scratch = arena_new();
    Error *error =
        model_new(&model, subject->type, subject->settings, &subject->input, mini_batch, scratch);
    if (!error) {
        double *layer_s = ARENA_ARRAY(scratch, double, model->n_layers + 1);
        PassTime *time = &bench->time[bench->n++];
        *time = (PassTime){.model = subject->type->kind.name,
                           .settings = subject->name,
                           .n_weights = model->n_weights,
                           .mini_batch = mini_batch,
                           .seconds = time_pass(subject, model, bench->seconds, layer_s, scratch),
                           .flops_per_example = model->flops_per_example,
                           .peak_flop_per_s = bench->peak,
                           .utc = bench->utc};
        tell(bench, time, slowest_layers(model, layer_s, scratch), arena);
    }
    arena_end(scratch);
    return error;
}

static Error *measure_model(ComputeBench *bench, const char *name, Arena *arena) {
    Subject subject;
    TRY(subject_find(&subject, name, arena), "no embedded data fit the model '%s'", name);
    for (int m = 0; m < N_MINI && bench->n < ROOM; m++)
        PASS(measure(bench, &subject, mini_batches[m], arena));
    return NULL;
}

static Error *run_compute(const CommandLine *line, Arena *arena) {
    const char *wanted = command_option(line, "--model");
    const Kind *only = NULL;
    ComputeBench *bench = ARENA_NEW(arena, ComputeBench);
    bench->seconds = bench_number(line, "--seconds", 1);
    bench->json = command_option(line, "--json") != NULL;
    if (!(bench->seconds > 0 && bench->seconds <= 1e4))
        return error_hint(error_new(CODE_USAGE, "--seconds is out of range"), "above 0, to 10000");
    if (wanted)
        PASS(kind_find(&only, model_table, MODEL_N, wanted, "model", NULL));
    clock_utc(bench->utc);
    omp_set_num_threads(1);
    bench->peak = bench_sgemm_peak(arena);
    if (!bench->json)
        printf("one core; sgemm peak %.1f GFLOP/s\nmodel                b  pass [us]   "
               "examples/s   GFLOP/s  of peak  slowest layers\n",
               bench->peak * 1e-9);
    for (int i = 0; i < MODEL_N; i++)
        if (i != MODEL_ID_noop && (!only || only == model_table[i]))
            PASS(measure_model(bench, model_table[i]->name, arena));
    const BenchRows rows = {CALIBRATION_PASSES, bench->time, bench->n};
    return bench_keep(line, &rows, 1, NULL, 1, arena);
}

BENCH_TYPE(compute) = {
    .kind = {.name = "compute", .summary = "passes of every model against the mini-batch"},
    .run = run_compute,
};
