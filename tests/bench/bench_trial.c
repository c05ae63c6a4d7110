/* How fast a trial trains: examples per second of the median step, sampling, gradient, noise
 * statistics and optimizer included.
 *
 *   bench_trial TRIAL.json SECONDS [THREADS]
 *
 * TRIAL.json is a `trial` object. Without THREADS it is one thread and CPU seconds of the process,
 * which a busy machine disturbs less than the clock's; with THREADS, seconds of the clock. Started
 * by mpirun the ranks train together until stop.steps, and SECONDS is ignored. Prints examples/s,
 * GFLOP/s, and their share of the sgemm peak of as many cores, measured before on one. */
#include "lab/base/clock.h"
#include "lab/base/stats.h"
#include "lab/nn/gemm.h"
#include "tests/tools/trial_file.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

enum { MAX_STEPS = 100000, WARM_STEPS = 2, LEAST_STEPS = 8 };

typedef struct Steps {
    double (*now)(void);
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
    if (steps->n < MAX_STEPS)
        steps->end_s[steps->n++] = steps->now();
    double passed = steps->end_s[steps->n - 1] - steps->end_s[0];
    steps->enough = steps->n == MAX_STEPS || (steps->n >= LEAST_STEPS && passed > steps->seconds);
    return NULL;
}

typedef struct Bench {
    Comm *comm;
    int threads;
    double seconds; /* 0: until stop.steps */
    double (*now)(void);
} Bench;

static Error *run(const Bench *bench, const char *path, Arena *arena) {
    TrialFile file;
    PASS(trial_file_load(&file, path, arena));
    Steps *steps = ARENA_NEW(arena, Steps);
    steps->seconds = bench->seconds > 0 ? bench->seconds : INFINITY;
    steps->now = bench->now;
    double peak = sgemm_peak(arena);
    Recorder recorder = {.self = steps, .step = see_step};
    PASS(trial_file_train(&file, bench->comm, bench->threads, 0, &steps->enough, &recorder));
    double *step_s = ARENA_ARRAY(arena, double, steps->n);
    int n = 0;
    for (int i = WARM_STEPS; i < steps->n; i++)
        step_s[n++] = steps->end_s[i] - steps->end_s[i - 1];
    double rate = (double)file.settings.global_batch / stats_median(step_s, n);
    double flops = rate * file.model->flops_per_example;
    if (comm_rank(bench->comm) == 0)
        printf("%.2f %.2f %.4f\n", rate, 1e-9 * flops,
               flops / peak / bench->threads / comm_size(bench->comm));
    return NULL;
}

int main(int argc, char **argv) {
    Bench bench = {.seconds = argc >= 3 ? strtod(argv[2], NULL) : 0,
                   .threads = argc == 4 ? atoi(argv[3]) : 1,
                   .now = argc == 4 || comm_launched() ? clock_s : cpu_s};
    if (argc > 4 || bench.seconds <= 0 || bench.threads < 1) {
        fprintf(stderr, "usage: bench_trial TRIAL.json SECONDS [THREADS]\n");
        return 2;
    }
    Arena *arena = arena_new();
    Error *error = NULL;
    bool ranks = comm_launched();
    if (ranks) {
        bench.seconds = 0;
        error = comm_begin(&bench.comm, arena);
    } else {
        bench.comm = comm_alone(arena);
    }
    if (!error)
        error = run(&bench, argv[1], arena);
    if (error)
        error_print(error, stderr);
    if (ranks)
        comm_finish(bench.comm);
    int code = error ? error_code(error) : 0;
    arena_end(arena);
    return code;
}
