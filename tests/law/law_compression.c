/* Over every registered compression: the mean of a step, and with error feedback the sum of many,
 * is near the mean gradient; the same bits every time; what a checkpoint holds is all there is;
 * bytes that would be sent are those that are sent. */
#include "lab/base/rng.h"
#include "lab/comm/compression.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

enum { WORKERS = 5, STEPS = 2000 };

static const Segment segments[] = {
    {.name = "a", .offset = 0, .n = 300, .n_dims = 2, .shape = {20, 15}, .decay = true},
    {.name = "b", .offset = 300, .n = 20, .n_dims = 1, .shape = {20}},
    {.name = "c", .offset = 320, .n = 7, .n_dims = 2, .shape = {1, 7}, .decay = true},
    {.name = "d", .offset = 327, .n = 0, .n_dims = 1, .shape = {0}},
};
enum { N = 327, N_SEGMENTS = 4 };

typedef struct Run {
    Compression *compression;
    float grads[WORKERS * N], mean[N], truth[N];
    double sum[N], sum_truth[N];
} Run;

static Run *run_new(int kind, Arena *arena) {
    const Kind *found;
    void *settings;
    Run *run = ARENA_NEW(arena, Run);
    Json *name = json_text(compression_table[kind]->name, arena);
    assert_null(kind_read(&found, &settings, name, compression_table, COMPRESSION_N, "compression",
                          NULL, arena));
    Workers *workers = workers_new(comm_alone(arena), WORKERS, arena);
    run->compression = compression_new((const CompressionType *)found, settings, segments,
                                       N_SEGMENTS, workers, 3, arena);
    return run;
}

/* Gradients with a common part, so that errors that are kept can come through. */
static void make_grads(Run *run, int64_t step) {
    for (int64_t i = 0; i < N; i++) {
        Rng common = rng_new(1, RNG_TEST, (uint64_t)i);
        double sum = 0, mean = rng_uniform(&common) - 0.5;
        for (int w = 0; w < WORKERS; w++) {
            Rng rng = rng_new(2 + (uint64_t)w, RNG_TEST, (uint64_t)(step * N + i));
            run->grads[w * N + i] = i % 7 == 3 ? 0 : (float)(mean + rng_uniform(&rng) - 0.5);
            sum += run->grads[w * N + i];
        }
        run->truth[i] = (float)(sum / WORKERS);
    }
}

static void one_step(Run *run, int64_t t) {
    static const float weights[N];
    make_grads(run, t);
    const CompressionStep step = {
        .step = t, .epoch = 100, .lr = 0.1, .lr_last = 0.1, .weights = weights};
    workers_reset(run->compression->workers);
    run->compression->type->mean(run->compression, &step, run->grads, run->mean);
    for (int64_t i = 0; i < N; i++) {
        run->sum[i] += run->mean[i];
        run->sum_truth[i] += run->truth[i];
    }
}

static const CompressionType *type_of(int kind) {
    return (const CompressionType *)compression_table[kind];
}

/* Whatever a message leaves out comes later: over many steps nothing is lost. A momentum of its
 * own multiplies the sum. */
static void law_compression__nothing_is_lost(void **state) {
    (void)state;
    for (int kind = 0; kind < COMPRESSION_N; kind++) {
        if (!type_of(kind)->mean)
            continue;
        Arena *arena = arena_new();
        Run *run = run_new(kind, arena);
        for (int64_t t = 0; t < STEPS; t++)
            one_step(run, t);
        double gain = type_of(kind)->own_momentum ? 10 : 1, off = 0, size = 0;
        for (int64_t i = 0; i < N; i++) {
            off += pow(run->sum[i] / gain - run->sum_truth[i], 2);
            size += pow(run->sum_truth[i], 2);
        }
        print_message("%s: %.2g of the sum is missing\n", compression_table[kind]->name,
                      sqrt(off / size));
        assert_true(sqrt(off / size) < 0.2);
        arena_end(arena);
    }
}

static void law_compression__zeros_stay_zero(void **state) {
    (void)state;
    for (int kind = 0; kind < COMPRESSION_N; kind++) {
        if (!type_of(kind)->mean || kind == COMPRESSION_ID_onebit ||
            kind == COMPRESSION_ID_powersgd)
            continue; /* its bit has no zero; its products fill whole rows */
        Arena *arena = arena_new();
        Run *run = run_new(kind, arena);
        for (int64_t t = 0; t < 5; t++)
            one_step(run, t);
        for (int64_t i = 3; i < 300; i += 7)
            assert_true(fabsf(run->mean[i]) < 1e-6F);
        arena_end(arena);
    }
}

/* The states of a checkpoint, put into a fresh compression, continue as if nothing had happened. */
static void law_compression__states_are_all_there_is(void **state) {
    (void)state;
    for (int kind = 0; kind < COMPRESSION_N; kind++) {
        if (!type_of(kind)->mean)
            continue;
        Arena *arena = arena_new();
        Run *whole = run_new(kind, arena), *rest = run_new(kind, arena);
        for (int64_t t = 0; t < 9; t++)
            one_step(whole, t);
        assert_int_equal(whole->compression->n_states, rest->compression->n_states);
        for (int i = 0; i < rest->compression->n_states; i++) {
            const CompressionState *from = &whole->compression->states[i];
            int64_t n = from->n * (from->by_worker ? WORKERS : 1);
            memcpy(rest->compression->states[i].data, from->data, sizeof(float) * (size_t)n);
        }
        for (int64_t t = 9; t < 15; t++) {
            one_step(whole, t);
            one_step(rest, t);
            assert_memory_equal(whole->mean, rest->mean, sizeof whole->mean);
        }
        arena_end(arena);
    }
}

static void law_compression__sends_less(void **state) {
    (void)state;
    for (int kind = 0; kind < COMPRESSION_N; kind++) {
        if (!type_of(kind)->mean)
            continue;
        Arena *arena = arena_new();
        Run *run = run_new(kind, arena);
        one_step(run, 0);
        const Workers *workers = run->compression->workers;
        double whole = 2.0 * (WORKERS - 1) / WORKERS * sizeof(float) * N;
        print_message("%s: %.0f of %.0f bytes\n", compression_table[kind]->name,
                      workers->worker_bytes, whole);
        assert_true(workers->worker_bytes > 0 && workers->worker_bytes <= 0.56 * whole);
        assert_true(workers->sent_bytes == 0 && workers->own_bytes == 0); /* one rank */
        arena_end(arena);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law_compression__nothing_is_lost),
        cmocka_unit_test(law_compression__zeros_stay_zero),
        cmocka_unit_test(law_compression__states_are_all_there_is),
        cmocka_unit_test(law_compression__sends_less),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
