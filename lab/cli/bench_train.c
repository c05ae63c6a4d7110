/* Whole training steps, as the loop takes them, on embedded data. */
#include "lab/cli/bench.h"

#include "lab/base/clock.h"
#include "lab/base/stats.h"
#include "lab/train/trial.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ROWS = 20000, WARM_STEPS = 3 };

typedef struct BenchCase {
    int64_t global_batch, mini_batch;
} BenchCase;

typedef struct Kept {
    int n;
    StepRow *row; /* (MAX_ROWS) */
} Kept;

typedef struct Rate {
    double examples_s, flops, step_s;
    double sample, compute, reduce, noise, update; /* shares of the step */
    double norms;                                  /* per-example norms, share of a pass */
} Rate;

static Error *keep(void *self, const StepRow *row) {
    Kept *kept = self;
    if (kept->n < MAX_ROWS)
        kept->row[kept->n++] = *row;
    return NULL;
}

static Error *settings_for(TrialSettings *out, BenchCase which, int64_t steps, Arena *arena) {
    const char *text = arena_print(
        arena,
        "{\"dataset\": {\"name\": \"glyphs\", \"train\": 8192, \"valid\": 128, \"test\": 128},"
        "\"model\": {\"name\": \"mlp\", \"hidden\": [512, 512]}, \"global_batch\": %lld, "
        "\"mini_batch\": %lld,"
        "\"optimizer\": {\"name\": \"momentum\"}, \"lr\": {\"base\": 0.001},"
        "\"stop\": {\"steps\": %lld}, \"eval\": {\"every_examples\": 1000000000000}}",
        (long long)which.global_batch, (long long)which.mini_batch, (long long)steps);
    Json *json;
    PASS(json_parse(&json, text, strlen(text), "bench train", arena));
    return trial_read(out, json, arena);
}

/* Seconds of a pass with per-example norms over seconds without, minus one: the median over
 * neighbouring pairs, which drift and noise of the machine touch alike. What the statistics cost
 * beyond that is a few additions a tensor. */
static Error *time_norms(double *share, const TrialSettings *settings, const Dataset *data,
                         Arena *arena) {
    enum { ROUNDS = 201 };
    ModelInput input = trial_input(data);
    Model *model;
    int n = (int)settings->mini_batch;
    PASS(model_new(&model, settings->model, settings->model_settings, &input, n, arena));
    float *x = ARENA_ARRAY(arena, float, n * data->n_features),
          *weights = ARENA_ARRAY(arena, float, model->n_weights);
    int32_t *y = ARENA_ARRAY(arena, int32_t, n);
    int64_t *index = ARENA_ARRAY(arena, int64_t, n);
    for (int i = 0; i < n; i++)
        index[i] = i;
    model->type->init(model, 0, weights);
    double *sumsq = ARENA_ARRAY(arena, double, model->n_segments), ratio[ROUNDS];
    Shard shard = {.n = n, .x = x, .y = y};
    ModelPass pass = {.weights = weights,
                      .grad_sum = ARENA_ARRAY(arena, float, model->n_weights),
                      .workspace = model_workspace(model, n, arena)};
    for (int i = -2; i < ROUNDS; i++) {
        double time[2];
        for (int j = 0; j < 2; j++) {
            int with = (i + j) & 1; /* sides change */
            pass.example_sumsq = with ? sumsq : NULL;
            dataset_gather(data, SPLIT_TRAIN, index, n, x,
                           y); /* as in the loop: the rows have just been written */
            double start = clock_s();
            model->type->pass(model, &shard, &pass);
            time[with] = clock_s() - start;
        }
        if (i >= 0)
            ratio[i] = time[1] / time[0];
    }
    *share = stats_median(ratio, ROUNDS) - 1;
    return NULL;
}

static double median_of(const Kept *kept, size_t offset, Arena *arena) {
    int n = kept->n - WARM_STEPS;
    double *x = ARENA_ARRAY(arena, double, n);
    for (int i = 0; i < n; i++)
        x[i] = *(const double *)((const char *)&kept->row[WARM_STEPS + i] + offset);
    return stats_median(x, n);
}

static Error *measure(Rate *out, BenchCase which, double seconds, int threads, Arena *arena) {
    TrialSettings settings;
    Dataset data;
    int64_t steps = (int64_t)(seconds * 25000 / (double)which.global_batch) + WARM_STEPS + 5;
    PASS(settings_for(&settings, which, steps < MAX_ROWS ? steps : MAX_ROWS, arena));
    PASS(dataset_load(&data, settings.dataset, settings.dataset_settings, NULL, arena));
    Kept kept = {.row = ARENA_ARRAY(arena, StepRow, MAX_ROWS)};
    Recorder recorder = {.self = &kept, .step = keep};
    TrialLayout layout = {.comm = comm_alone(arena),
                          .threads = threads,
                          .collective =
                              (const CollectiveType *)collective_table[COLLECTIVE_ID_tree]};
    RunSummary summary;
    PASS(trial_run(&summary, &settings, 0, &data, &layout, &recorder));
    double step_s = median_of(&kept, offsetof(StepRow, step_s), arena);
    out->step_s = step_s;
    out->examples_s = (double)which.global_batch / step_s;
    out->flops = 2.0 * 3 * (784.0 * 512 + 512.0 * 512 + 512.0 * 10) * out->examples_s -
                 2 * 784.0 * 512 * out->examples_s;
    out->sample = median_of(&kept, offsetof(StepRow, sample_s), arena) / step_s;
    out->compute = median_of(&kept, offsetof(StepRow, compute_s), arena) / step_s;
    out->reduce = median_of(&kept, offsetof(StepRow, reduce_s), arena) / step_s;
    out->noise = median_of(&kept, offsetof(StepRow, noise_s), arena) / step_s;
    out->update = median_of(&kept, offsetof(StepRow, update_s), arena) / step_s;
    return time_norms(&out->norms, &settings, &data, arena);
}

static void print_json(BenchCase which, const Rate *rate, double peak, int threads, Arena *arena) {
    Json *object = json_object(arena);
    json_add_number(object, "global_batch", (double)which.global_batch, arena);
    json_add_number(object, "mini_batch", (double)which.mini_batch, arena);
    json_add_number(object, "threads", threads, arena);
    json_add_number(object, "examples_per_s", rate->examples_s, arena);
    json_add_number(object, "step_s", rate->step_s, arena);
    json_add_number(object, "flop_per_s", rate->flops, arena);
    json_add_number(object, "peak_frac", rate->flops / (peak * threads), arena);
    json_add_number(object, "norms_frac", rate->norms, arena);
    printf("%s\n", json_canonical(object, arena));
}

static void print_row(BenchCase which, const Rate *rate, double peak, int threads) {
    printf("%7lld %5lld%s %9.0f %8.1f %6.0f %% %7.0f %4.0f %4.0f %4.0f %4.0f %8.1f %%\n",
           (long long)which.global_batch, (long long)which.mini_batch,
           which.mini_batch == trial_auto_mini_batch(which.global_batch) ? "a" : " ",
           rate->examples_s, rate->flops / 1e9, 100 * rate->flops / (peak * threads),
           100 * rate->sample, 100 * rate->compute, 100 * rate->reduce, 100 * rate->noise,
           100 * rate->update, 100 * rate->norms);
}

static Error *run_train(const CommandLine *line, Arena *arena) {
    static const BenchCase compared[] = {{32, 32}, {256, 64}, {2048, 128},
                                         {32, 0},  {256, 0},  {2048, 0}};
    double seconds = bench_number(line, "--seconds", 1);
    int threads = (int)bench_number(line, "--threads", 1);
    int64_t wanted = (int64_t)bench_number(line, "--global-batch", 0);
    int64_t mini = (int64_t)bench_number(line, "--mini-batch", 0);
    bool json = command_option(line, "--json") != NULL;
    if (threads < 1 || threads > 1024 || !(seconds > 0) || wanted < 0 || wanted > 1 << 20)
        return error_hint(error_new(CODE_USAGE, "an option of `bench train` is out of range"),
                          "threads 1 to 1024, seconds above 0, global batch up to 1048576");
    double peak = bench_sgemm_peak(arena);
    if (!json)
        printf("MLP 784-512-512-10, momentum, %d thread%s; sgemm peak of a core %.1f GFLOP/s\n"
               "      B     b  examples/s  GFLOP/s  of peak  sample comp  red noise  upd %% of "
               "step  norms\n",
               threads, threads > 1 ? "s" : "", peak / 1e9);
    BenchCase only = {wanted, mini > 0 ? mini : wanted > 0 ? trial_auto_mini_batch(wanted) : 0};
    int n = wanted > 0 ? 1 : (int)(sizeof compared / sizeof *compared);
    for (int i = 0; i < n; i++) {
        BenchCase which = wanted > 0 ? only : compared[i];
        if (which.mini_batch == 0)
            which.mini_batch = trial_auto_mini_batch(which.global_batch);
        if (i >= 3 && (which.mini_batch == compared[i - 3].mini_batch))
            continue; /* auto picks what is there already */
        Arena *scratch = arena_new();
        Rate rate;
        Error *error = measure(&rate, which, seconds, threads, scratch);
        if (!error && json)
            print_json(which, &rate, peak, threads, scratch);
        else if (!error)
            print_row(which, &rate, peak, threads);
        fflush(stdout);
        arena_end(scratch);
        PASS(error);
    }
    if (!json)
        printf("a: the mini-batch that \"auto\" picks; norms: per-example gradient norms, share of "
               "a pass\n");
    return NULL;
}

BENCH_TYPE(train) = {
    .kind = {.name = "train", .summary = "whole training steps of an MLP"},
    .run = run_train,
};
