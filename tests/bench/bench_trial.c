/* How fast a trial trains on one thread: examples per CPU second of the median step, sampling,
 * gradient, noise statistics and optimizer included.
 *
 *   bench_trial TRIAL.json SECONDS
 *
 * TRIAL.json is a `trial` object. CPU seconds of the process rather than the clock's, so that a
 * busy machine disturbs it less. Prints examples/s, GFLOP/s, and their share of the sgemm peak that
 * is measured before. */
#include "lab/base/stats.h"
#include "lab/nn/gemm.h"
#include "lab/train/trial.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MAX_STEPS = 100000, WARM_STEPS = 2, LEAST_STEPS = 8 };

typedef struct Steps {
    int n;
    double end_s[MAX_STEPS];
    double seconds;
    volatile sig_atomic_t enough;
} Steps;

static double cpu_s(void) {
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* FLOP per CPU second of the best of several products. */
static double sgemm_peak(Arena *arena) {
    enum { N = 1024, ROUNDS = 6 };
    float *a = ARENA_ARRAY(arena, float, N *N), *b = ARENA_ARRAY(arena, float, N *N),
          *c = ARENA_ARRAY(arena, float, N *N);
    for (int i = 0; i < N * N; i++)
        a[i] = b[i] = (float)(i % 13) * 0.1f;
    double best = 0;
    for (int i = 0; i < ROUNDS * GEMM_LIBRARY_N; i++) {
        double start = cpu_s();
        gemm_by((GemmLibrary)(i / ROUNDS), GEMM_NN, N, N, N, a, b, c, false);
        double rate = 2.0 * N * N * N / (cpu_s() - start);
        best = rate > best ? rate : best;
    }
    return best;
}

static Error *see_step(void *self, const StepRow *row) {
    Steps *steps = self;
    (void)row;
    steps->end_s[steps->n++] = cpu_s();
    double passed = steps->end_s[steps->n - 1] - steps->end_s[0];
    steps->enough = steps->n == MAX_STEPS || (steps->n >= LEAST_STEPS && passed > steps->seconds);
    return NULL;
}

static Error *run(const char *path, double seconds, Arena *arena) {
    Json *json;
    TrialSettings settings;
    Dataset data;
    Model *model;
    RunSummary summary;
    const char *const paths[] = {".", getenv("BATCHLAB_DATA"), NULL};
    PASS(json_load(&json, path, arena));
    PASS(trial_read(&settings, json, arena));
    PASS(dataset_load(&data, settings.dataset, settings.dataset_settings, paths, arena));
    ModelInput input = trial_input(&data);
    PASS(model_new(&model, settings.model, settings.model_settings, &input,
                   (int)settings.mini_batch, arena));
    Steps *steps = ARENA_NEW(arena, Steps);
    steps->seconds = seconds;
    double peak = sgemm_peak(arena);
    Recorder recorder = {.self = steps, .step = see_step};
    TrialLayout layout = {.comm = comm_alone(arena),
                          .threads = 1,
                          .collective =
                              (const CollectiveType *)collective_table[COLLECTIVE_ID_tree],
                          .stop_flag = &steps->enough};
    PASS(trial_run(&summary, &settings, 0, &data, &layout, &recorder));
    double *step_s = ARENA_ARRAY(arena, double, steps->n);
    int n = 0;
    for (int i = WARM_STEPS; i < steps->n; i++)
        step_s[n++] = steps->end_s[i] - steps->end_s[i - 1];
    double rate = (double)settings.global_batch / stats_median(step_s, n);
    double flops = rate * model->flops_per_example;
    printf("%.2f %.2f %.4f\n", rate, 1e-9 * flops, flops / peak);
    return NULL;
}

int main(int argc, char **argv) {
    double seconds = argc == 3 ? strtod(argv[2], NULL) : 0;
    if (seconds <= 0) {
        fprintf(stderr, "usage: bench_trial TRIAL.json SECONDS\n");
        return 2;
    }
    Arena *arena = arena_new();
    Error *error = run(argv[1], seconds, arena);
    if (error)
        error_print(error, stderr);
    int code = error ? error_code(error) : 0;
    arena_end(arena);
    return code;
}
