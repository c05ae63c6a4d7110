/* One step of every optimizer, as memory traffic against a triad's. */
#include "lab/cli/bench.h"

#include "lab/base/clock.h"
#include "lab/base/rng.h"
#include "lab/base/stats.h"
#include "lab/base/vec.h"
#include "optim/optim.h"

#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_ROUNDS = 2000 };

/* Vectors that a step works on, and a third one of the triad. */
typedef struct Bed {
    int64_t n;
    int threads;
    float *weights, *grad, *spare; /* (n) */
    Segment segments[2];           /* one large tensor and its bias */
    OptimLayer layers[2];
} Bed;

/* Seconds are medians, in alternation; bytes_s of the triads count 12 bytes an element, as STREAM
 * does. The triad in place is the harder ruler: it has no line to fetch only to be overwritten, as
 * no optimizer has. */
typedef struct OptimRate {
    double step_s, triad_s, in_place_s;
    double bytes_s, triad_bytes_s, in_place_bytes_s;
} OptimRate;

VEC_CLONES static void triad_part(float *restrict a, const float *restrict b,
                                  const float *restrict c, float s, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        a[i] = b[i] + s * c[i];
}

VEC_CLONES static void in_place_part(float *restrict a, const float *restrict c, float s,
                                     int64_t n) {
    for (int64_t i = 0; i < n; i++)
        a[i] += s * c[i];
}

/* a = b + s c, or a = a + s c. */
static double time_triad(const Bed *bed, bool in_place) {
    double start = clock_s();
#pragma omp parallel num_threads(bed->threads)
    {
        int part = omp_get_thread_num(), parts = omp_get_num_threads();
        int64_t from = bed->n * part / parts, to = bed->n * (part + 1) / parts;
        if (in_place)
            in_place_part(bed->spare + from, bed->grad + from, 0.5f, to - from);
        else
            triad_part(bed->spare + from, bed->weights + from, bed->grad + from, 0.5f, to - from);
    }
    return clock_s() - start;
}

static void bed_make(Bed *bed, int64_t n, int threads, Arena *arena) {
    int64_t bias = n > 2000 ? 1000 : 0;
    *bed =
        (Bed){.n = n,
              .threads = threads,
              .weights = ARENA_ARRAY(arena, float, n),
              .grad = ARENA_ARRAY(arena, float, n),
              .spare = ARENA_ARRAY(arena, float, n),
              .segments = {
                  {.name = "weight",
                   .n = n - bias,
                   .n_dims = 2,
                   .shape = {n - bias, 1},
                   .decay = true,
                   .adapt = true},
                  {.name = "bias", .offset = n - bias, .n = bias, .n_dims = 1, .shape = {bias}}}};
    Rng rng = rng_new(1, RNG_TEST, 0);
    for (int64_t i = 0; i < n; i++) {
        bed->weights[i] = (float)(rng_uniform(&rng) - 0.5);
        bed->grad[i] = (float)(rng_uniform(&rng) - 0.5) * 1e-3f;
    }
    for (int s = 0; s < 2; s++)
        bed->layers[s].grad_sumsq =
            vec_sumsq(bed->grad + bed->segments[s].offset, bed->segments[s].n);
}

static Error *measure(OptimRate *out, const Kind *which, const Bed *bed, double seconds,
                      Arena *arena) {
    const Kind *kind;
    void *settings;
    PASS(kind_read(&kind, &settings, json_text(which->name, arena), optim_table, OPTIM_N,
                   "optimizer", NULL, arena));
    const OptimType *type = (const OptimType *)kind;
    Optim *optim = optim_new(type, settings, bed->segments, 2, arena);
    OptimLayer layers[2] = {bed->layers[0], bed->layers[1]};
    double *time[3]; /* step, triad, triad in place */
    for (int k = 0; k < 3; k++)
        time[k] = ARENA_ARRAY(arena, double, MAX_ROUNDS);
    int n = 0;
    double end = clock_s() + seconds;
    for (int warm = 2; n < 5 || (n < MAX_ROUNDS && clock_s() < end); warm--) {
        time[1][n] = time_triad(bed, false);
        time[2][n] = time_triad(bed, true);
        double start = clock_s();
        optim_step(optim, 1e-6, bed->weights, bed->grad, layers, bed->threads);
        time[0][n] = clock_s() - start;
        n += warm <= 0; /* the first two are overwritten */
    }
    *out = (OptimRate){.step_s = stats_median(time[0], n),
                       .triad_s = stats_median(time[1], n),
                       .in_place_s = stats_median(time[2], n)};
    out->bytes_s = optim_traffic_bytes(type, bed->n) / out->step_s;
    out->triad_bytes_s = 12.0 * (double)bed->n / out->triad_s;
    out->in_place_bytes_s = 12.0 * (double)bed->n / out->in_place_s;
    return NULL;
}

static void print_json(const Kind *kind, const OptimRate *rate, const Bed *bed, Arena *arena) {
    Json *object = json_object(arena);
    json_add_text(object, "optimizer", kind->name, arena);
    json_add_number(object, "weights", (double)bed->n, arena);
    json_add_number(object, "threads", bed->threads, arena);
    json_add_number(object, "step_s", rate->step_s, arena);
    json_add_number(object, "bytes_per_s", rate->bytes_s, arena);
    json_add_number(object, "triad_bytes_per_s", rate->triad_bytes_s, arena);
    json_add_number(object, "triad_frac", rate->bytes_s / rate->triad_bytes_s, arena);
    json_add_number(object, "in_place_frac", rate->bytes_s / rate->in_place_bytes_s, arena);
    printf("%s\n", json_canonical(object, arena));
}

static void print_row(const Kind *kind, const OptimRate *rate) {
    printf("%-10s %8.2f %8.1f %8.1f %8.2f %9.1f %8.2f\n", kind->name, 1e3 * rate->step_s,
           rate->bytes_s / 1e9, rate->triad_bytes_s / 1e9, rate->bytes_s / rate->triad_bytes_s,
           rate->in_place_bytes_s / 1e9, rate->bytes_s / rate->in_place_bytes_s);
}

static Error *run_optim(const CommandLine *line, Arena *arena) {
    double seconds = bench_number(line, "--seconds", 1),
           weights = bench_number(line, "--weights", 1e7);
    double threads = bench_number(line, "--threads", 1);
    bool json = command_option(line, "--json") != NULL;
    if (!(threads >= 1 && threads <= 1024 && seconds > 0 && weights >= 1 && weights <= 1e9))
        return error_hint(error_new(CODE_USAGE, "an option of `bench optim` is out of range"),
                          "threads 1 to 1024, seconds above 0, weights 1 to 1000000000");
    Bed bed;
    bed_make(&bed, (int64_t)weights, (int)threads, arena);
    if (!json)
        printf("%lld weights, %d thread%s; a step and a triad in turn, medians\n"
               "optimizer   step ms     GB/s    triad of triad  in place of that\n",
               (long long)bed.n, bed.threads, bed.threads > 1 ? "s" : "");
    for (int i = 0; i < OPTIM_N; i++) {
        Arena *scratch = arena_new();
        OptimRate rate;
        Error *error = measure(&rate, optim_table[i], &bed, seconds, scratch);
        if (!error && json)
            print_json(optim_table[i], &rate, &bed, scratch);
        else if (!error)
            print_row(optim_table[i], &rate);
        fflush(stdout);
        arena_end(scratch);
        PASS(error);
    }
    if (!json)
        printf("triad: a = b + s c; in place: a = a + s c; GB/s = 1e9 bytes a second, 12 bytes an "
               "element\n");
    return NULL;
}

BENCH_TYPE(optim) = {
    .kind = {.name = "optim", .summary = "one step of every optimizer against a triad"},
    .run = run_optim,
};
