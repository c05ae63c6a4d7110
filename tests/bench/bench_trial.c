/* How fast a trial trains: examples per second of the median step, sampling, gradient, noise
 * statistics and optimizer included.
 *
 *   bench_trial TRIAL.json SECONDS [THREADS [apart]]
 *
 * TRIAL.json is a `trial` object. Without THREADS it is one thread and CPU seconds of the process,
 * which a busy machine disturbs less than the clock's; with THREADS, seconds of the clock. Started
 * by mpirun the ranks train together until stop.steps, and SECONDS is ignored; `apart`, each has a
 * trial of its own and only waits for the others after every step: what a machine of uneven cores
 * takes from ranks that share nothing. Prints examples/s, GFLOP/s, and their share of the sgemm
 * peak of as many cores, measured before on one. */
#include "lab/base/clock.h"
#include "lab/base/stats.h"
#include "lab/nn/gemm.h"
#include "lab/train/trial.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_STEPS = 100000, WARM_STEPS = 2, LEAST_STEPS = 8 };

typedef struct Steps {
    double (*now)(void);
    Comm *meet; /* that every step waits for, NULL: none */
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
    if (steps->meet)
        error_end(comm_agree(steps->meet, NULL));
    if (steps->n < MAX_STEPS)
        steps->end_s[steps->n++] = steps->now();
    double passed = steps->end_s[steps->n - 1] - steps->end_s[0];
    steps->enough = steps->n == MAX_STEPS || (steps->n >= LEAST_STEPS && passed > steps->seconds);
    return NULL;
}

typedef struct Bench {
    Comm *comm; /* of the trial */
    Comm *meet; /* of trials that are apart, else NULL */
    int threads;
    double seconds; /* 0: until stop.steps */
    double (*now)(void);
} Bench;

static Error *run(const Bench *bench, const char *path, Arena *arena) {
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
    steps->seconds = bench->seconds > 0 ? bench->seconds : INFINITY;
    steps->now = bench->now;
    steps->meet = bench->meet;
    double peak = sgemm_peak(arena);
    Recorder recorder = {.self = steps, .step = see_step};
    TrialLayout layout = {.comm = bench->comm,
                          .threads = bench->threads,
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
    if (comm_rank(bench->meet ? bench->meet : bench->comm) == 0)
        printf("%.2f %.2f %.4f\n", rate, 1e-9 * flops,
               flops / peak / bench->threads / comm_size(bench->comm));
    return NULL;
}

int main(int argc, char **argv) {
    Bench bench = {.seconds = argc >= 3 ? strtod(argv[2], NULL) : 0,
                   .threads = argc >= 4 ? atoi(argv[3]) : 1,
                   .now = argc >= 4 || comm_launched() ? clock_s : cpu_s};
    bool ranks = comm_launched(), apart = argc == 5 && strcmp(argv[4], "apart") == 0;
    if (argc > 5 || bench.seconds <= 0 || bench.threads < 1 || (argc == 5 && !(apart && ranks))) {
        fprintf(stderr, "usage: [mpirun -n N] bench_trial TRIAL.json SECONDS [THREADS [apart]]\n");
        return 2;
    }
    Arena *arena = arena_new();
    Error *error = NULL;
    Comm *world = NULL;
    bench.comm = comm_alone(arena);
    if (ranks) {
        bench.seconds = 0;
        error = comm_begin(&world, arena);
        *(apart ? &bench.meet : &bench.comm) = world;
    }
    if (!error)
        error = run(&bench, argv[1], arena);
    if (error)
        error_print(error, stderr);
    if (ranks)
        comm_finish(world);
    int code = error ? error_code(error) : 0;
    arena_end(arena);
    return code;
}
