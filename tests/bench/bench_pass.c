/* How fast one shard of the MLP 784-512-512-10 passes, on one thread: in alternation, medians.
 *
 *   bench_pass [rounds]
 *
 * Per mini-batch: examples/s of forward + backward; its fraction of the products alone (what
 * kernels.def allows) and of the core's sgemm peak (1024^3); the cost of per-example norms;
 * accumulating instead of overwriting; evaluation. */
#include "lab/base/clock.h"
#include "lab/base/rng.h"
#include "lab/base/stats.h"
#include "lab/nn/gemm.h"
#include "lab/nn/model.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_FEATURES = 784, N_CLASSES = 10, MAX_ROUNDS = 1001, PEAK_SIZE = 1024 };

typedef enum {
    PASS_PLAIN,
    PASS_NORMS,
    PASS_ACCUMULATE,
    PASS_EVAL,
    PASS_PRODUCTS,
    PASS_PEAK,
    PASS_N
} PassKind;

typedef struct Bench {
    Model *model;
    Shard shard;
    ModelPass pass;
    double *example_sumsq;
    float *grad_sum;
    float *square[3]; /* each (PEAK_SIZE, PEAK_SIZE) */
    double *round_s[PASS_N];
} Bench;

static float *fill(int64_t n, Rng *rng, Arena *arena) {
    float *x = ARENA_ARRAY(arena, float, n);
    for (int64_t i = 0; i < n; i++)
        x[i] = (float)rng_uniform(rng);
    return x;
}

/* The products of a pass and nothing else, on the pass' own arrays. */
static void products(const Bench *bench) {
    const int width[] = {N_FEATURES, 512, 512, N_CLASSES};
    int n = bench->shard.n;
    const float *w = bench->pass.weights;
    float *g = bench->grad_sum, *h = bench->square[0], *d = bench->square[1];
    for (int l = 0; l < 3; l++)
        gemm(false, true, n, width[l + 1], width[l], l == 0 ? bench->shard.x : h + l * n * 512,
             w + bench->model->segments[2 * l].offset, h + (l + 1) * n * 512, false);
    for (int l = 2; l >= 0; l--) {
        int64_t offset = bench->model->segments[2 * l].offset;
        gemm(true, false, width[l + 1], width[l], n, d, l == 0 ? bench->shard.x : h + l * n * 512,
             g + offset, false);
        if (l > 0)
            gemm(false, false, n, width[l], width[l + 1], d, w + offset, d + l * n * 512, false);
    }
}

static void run(Bench *bench, PassKind kind) {
    if (kind == PASS_PEAK) {
        gemm(false, false, PEAK_SIZE, PEAK_SIZE, PEAK_SIZE, bench->square[0], bench->square[1],
             bench->square[2], false);
        return;
    }
    if (kind == PASS_PRODUCTS) {
        products(bench);
        return;
    }
    bench->pass.example_sumsq = kind == PASS_NORMS ? bench->example_sumsq : NULL;
    bench->pass.accumulate = kind == PASS_ACCUMULATE;
    bench->pass.grad_sum = kind == PASS_EVAL ? NULL : bench->grad_sum;
    bench->model->type->pass(bench->model, &bench->shard, &bench->pass);
}

static Error *bench_new(Bench *bench, int mini_batch, Arena *arena) {
    const ModelType *type = (const ModelType *)model_table[MODEL_ID_mlp];
    void *settings = arena_alloc(arena, type->kind.settings_bytes);
    const char text[] = "{\"hidden\": [512, 512]}";
    Json *object;
    PASS(json_parse(&object, text, sizeof text - 1, "bench", arena));
    PASS(param_read(settings, type->kind.params, object, NULL, arena));
    ModelInput input = {N_FEATURES, N_CLASSES, {1, 28, 28}, 1};
    PASS(model_new(&bench->model, type, settings, &input, mini_batch, arena));
    Rng rng = rng_new(1, RNG_TEST, 0);
    int32_t *labels = ARENA_ARRAY(arena, int32_t, mini_batch);
    for (int i = 0; i < mini_batch; i++)
        labels[i] = (int32_t)rng_below(&rng, N_CLASSES);
    float *weights = ARENA_ARRAY(arena, float, bench->model->n_weights);
    type->init(bench->model, 1, weights);
    bench->shard = (Shard){
        .n = mini_batch, .x = fill((int64_t)mini_batch * N_FEATURES, &rng, arena), .y = labels};
    bench->grad_sum = ARENA_ARRAY(arena, float, bench->model->n_weights);
    bench->example_sumsq = ARENA_ARRAY(arena, double, bench->model->n_segments);
    bench->pass = (ModelPass){.weights = weights,
                              .workspace = model_workspace(bench->model, mini_batch, arena)};
    for (int i = 0; i < 3; i++)
        bench->square[i] = fill((int64_t)PEAK_SIZE * PEAK_SIZE, &rng, arena);
    for (int kind = 0; kind < PASS_N; kind++)
        bench->round_s[kind] = ARENA_ARRAY(arena, double, MAX_ROUNDS);
    return NULL;
}

static void measure(Bench *bench, int rounds) {
    for (int r = 0; r < rounds; r++)
        for (int i = 0; i < PASS_N; i++) {
            int kind = r % 2 ? PASS_N - 1 - i
                             : i; /* neighbours change sides: caches and clock are shared */
            int repeat = kind == PASS_PEAK ? 1 : 256 / bench->shard.n;
            run(bench, (PassKind)kind); /* what ran before left its data in the cache */
            double start_s = clock_s();
            for (int j = 0; j < repeat; j++)
                run(bench, (PassKind)kind);
            bench->round_s[kind][r] = (clock_s() - start_s) / repeat;
        }
}

/* Median over rounds of the ratio of two neighbours in time. */
static double ratio(const Bench *bench, PassKind top, PassKind bottom, int rounds) {
    double quotient[MAX_ROUNDS];
    for (int r = 0; r < rounds; r++)
        quotient[r] = bench->round_s[top][r] / bench->round_s[bottom][r];
    return stats_median(quotient, rounds);
}

static void report(const Bench *bench, int rounds) {
    double n = bench->shard.n, flops = bench->model->flops_per_example * n;
    double peak_flops = 2.0 * PEAK_SIZE * PEAK_SIZE * PEAK_SIZE;
    double of_peak = ratio(bench, PASS_PEAK, PASS_PLAIN, rounds) * flops / peak_flops;
    printf("%4d  %9.0f  %9.0f  %6.1f %%  %6.1f %%  %6.1f  %+6.2f %%  %+6.2f %%  %9.0f\n",
           bench->shard.n, n / stats_median(bench->round_s[PASS_PLAIN], rounds),
           n / stats_median(bench->round_s[PASS_PRODUCTS], rounds),
           100 * ratio(bench, PASS_PRODUCTS, PASS_PLAIN, rounds), 100 * of_peak,
           1e-9 * peak_flops / stats_median(bench->round_s[PASS_PEAK], rounds),
           100 * (ratio(bench, PASS_NORMS, PASS_PLAIN, rounds) - 1),
           100 * (ratio(bench, PASS_ACCUMULATE, PASS_PLAIN, rounds) - 1),
           n / stats_median(bench->round_s[PASS_EVAL], rounds));
}

int main(int argc, char **argv) {
    int rounds = argc > 1 ? atoi(argv[1]) : 101;
    if (rounds < 1 || rounds > MAX_ROUNDS) {
        fprintf(stderr, "usage: bench_pass [rounds, 1..%d]\n", MAX_ROUNDS);
        return 2;
    }
    omp_set_num_threads(1);
    printf("MLP 784-512-512-10, one thread, %s, median of %d rounds\n", gemm_isa_name(gemm_isa()),
           rounds);
    printf("   b  examples/s   products   of them   of peak  GFLOP/s   norms  accumulate  "
           "evaluation/s\n");
    const int mini_batch[] = {8, 16, 32, 64, 128};
    for (size_t i = 0; i < sizeof mini_batch / sizeof *mini_batch; i++) {
        Arena *arena = arena_new();
        Bench bench = {0};
        Error *error = bench_new(&bench, mini_batch[i], arena);
        if (error) {
            error_print(error, stderr);
            return error_code(error);
        }
        measure(&bench, rounds);
        report(&bench, rounds);
        arena_end(arena);
    }
    return 0;
}
