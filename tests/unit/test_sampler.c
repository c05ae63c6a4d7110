/* The sample stream: permutations, and a function of the position alone. */
#include "lab/base/stats.h"
#include "lab/data/sampler.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static void test_sampler__every_epoch_is_a_permutation(void **state) {
    (void)state;
    enum { N = 101, EPOCHS = 7 };
    Arena *arena = arena_new();
    Sampler *sampler = sampler_new(3, N, arena);
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
        int64_t index[N];
        int seen[N] = {0};
        sampler_fill(sampler, (int64_t)epoch * N, N, index);
        for (int i = 0; i < N; i++) {
            assert_in_range(index[i], 0, N - 1);
            assert_int_equal(seen[index[i]]++, 0);
        }
    }
    arena_end(arena);
}

/* The definition, written out again. */
static int64_t example_at(uint64_t seed, int64_t n, int64_t position) {
    int64_t order[64];
    Rng rng = rng_new(seed, RNG_SHUFFLE, (uint64_t)(position / n));
    for (int64_t i = 0; i < n; i++)
        order[i] = i;
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t j = rng_below(&rng, (uint32_t)i + 1), keep = order[i];
        order[i] = order[j];
        order[j] = keep;
    }
    return order[position % n];
}

static void test_sampler__calls_of_any_size_and_order_agree(void **state) {
    (void)state;
    enum { N = 23, SPAN = 400 };
    Arena *arena = arena_new();
    Sampler *sampler = sampler_new(9, N, arena);
    int64_t whole[SPAN], part[SPAN];
    sampler_fill(sampler, 0, SPAN, whole); /* one call over 17 epochs */
    for (int64_t p = 0; p < SPAN; p++)
        assert_int_equal(whole[p], example_at(9, N, p));

    Rng rng = rng_new(1, RNG_TEST, 0);
    for (int trial = 0; trial < 500; trial++) { /* forwards, backwards, empty, overlapping */
        int64_t first = rng_below(&rng, SPAN), n = rng_below(&rng, (uint32_t)(SPAN - first) + 1);
        memset(part, 0xff, sizeof part);
        sampler_fill(sampler, first, n, part);
        assert_memory_equal(part, whole + first, (size_t)n * sizeof *part);
        for (int64_t i = n; i < SPAN; i++)
            assert_int_equal(part[i], -1);
    }
    arena_end(arena);
}

static void test_sampler__far_positions_work(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Sampler *sampler = sampler_new(9, 23, arena);
    int64_t first = (INT64_C(1) << 40) + 5, index[50];
    sampler_fill(sampler, first, 50, index);
    for (int64_t i = 0; i < 50; i++)
        assert_int_equal(index[i], example_at(9, 23, first + i));
    arena_end(arena);
}

static void test_sampler__one_example_is_drawn_for_ever(void **state) {
    (void)state;
    Arena *arena = arena_new();
    int64_t index[5] = {7, 7, 7, 7, 7}, none[5] = {0};
    sampler_fill(sampler_new(0, 1, arena), 11, 5, index);
    assert_memory_equal(index, none, sizeof none);
    arena_end(arena);
}

static void test_sampler__seeds_and_epochs_differ(void **state) {
    (void)state;
    enum { N = 50 };
    Arena *arena = arena_new();
    int64_t a[2 * N], b[2 * N];
    sampler_fill(sampler_new(0, N, arena), 0, 2 * N, a);
    sampler_fill(sampler_new(1, N, arena), 0, 2 * N, b);
    assert_memory_not_equal(a, b, N * sizeof *a);
    assert_memory_not_equal(a, a + N, N * sizeof *a);
    assert_memory_not_equal(a + N, b + N, N * sizeof *a);
    sampler_fill(sampler_new(UINT64_C(1) << 32, N, arena), 0, N, b);
    assert_memory_not_equal(a, b, N * sizeof *a);
    arena_end(arena);
}

/* All 24 orders of four examples are equally likely. */
static void test_sampler__orders_are_uniform(void **state) {
    (void)state;
    enum { EPOCHS = 24000 };
    Arena *arena = arena_new();
    Sampler *sampler = sampler_new(5, 4, arena);
    int count[256] = {0};
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
        int64_t o[4];
        sampler_fill(sampler, (int64_t)epoch * 4, 4, o);
        count[o[0] | o[1] << 2 | o[2] << 4 | o[3] << 6]++;
    }
    double chi2 = 0, expected = EPOCHS / 24.0;
    int orders = 0;
    for (int i = 0; i < 256; i++)
        if (count[i]) {
            orders++;
            chi2 += (count[i] - expected) * (count[i] - expected) / expected;
        }
    assert_int_equal(orders, 24);
    assert_true(stats_chi2_tail(chi2, 23) > 1e-4);
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sampler__every_epoch_is_a_permutation),
        cmocka_unit_test(test_sampler__calls_of_any_size_and_order_agree),
        cmocka_unit_test(test_sampler__far_positions_work),
        cmocka_unit_test(test_sampler__one_example_is_drawn_for_ever),
        cmocka_unit_test(test_sampler__seeds_and_epochs_differ),
        cmocka_unit_test(test_sampler__orders_are_uniform),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
