/* Two studies cell by cell: the pairs, the bits, the verdicts. */
#include "lab/analyze/compare.h"
#include "tests/unit/fixture_runs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static const Results *study(FixtureOptimizer optimizer, double lr, uint64_t first_seed,
                            int n_batches, Arena *arena) {
    RunRecord *runs = ARENA_ARRAY(arena, RunRecord, 5 * n_batches);
    for (int b = 0; b < n_batches; b++)
        for (int s = 0; s < 5; s++) {
            FixtureRun run = {.optimizer = optimizer,
                              .global_batch = 64 << b,
                              .seed = first_seed + (uint64_t)s,
                              .replicas = 1,
                              .lr = lr};
            runs[5 * b + s] = fixture_run(&run, arena);
        }
    return results_make("a", "?", runs, 5 * n_batches, arena);
}

static const FixtureOptimizer fast = {"lars", 24, 70000, 0, 0}, slow = {"lars", 24, 98000, 0, 0},
                              lost = {"lars", 24, 70000, 64, 0};

static void test_compare__the_same_trials_are_the_same_bits(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Compare compare =
        compare_make(study(fast, 0.1, 0, 3, arena), study(fast, 0.1, 0, 2, arena), 0.02, arena);
    assert_int_equal(compare.n, 2);
    assert_int_equal(compare.only_a, 1);
    assert_int_equal(compare.only_b, 0);
    for (int i = 0; i < compare.n; i++) {
        assert_true(compare.pair[i].same_bits);
        assert_true(compare.pair[i].a->global_batch == compare.pair[i].b->global_batch);
    }
    assert_non_null(strstr(compare_text(&compare, arena), "2 cells compared: 2 same bits"));
    arena_end(arena);
}

static void test_compare__fresh_seeds_are_judged(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const Results *a = study(fast, 0.1, 0, 2, arena);
    Compare same = compare_make(a, study(fast, 0.1, 100, 2, arena), 0.02, arena);
    Compare slower = compare_make(a, study(slow, 0.1, 100, 2, arena), 0.02, arena);
    Compare missed = compare_make(a, study(lost, 0.1, 100, 2, arena), 0.02, arena);
    for (int i = 0; i < 2; i++) {
        assert_false(same.pair[i].same_bits);
        assert_int_equal(same.pair[i].gate.kind, GATE_SAME);
        assert_int_equal(slower.pair[i].gate.kind, GATE_SLOWER);
        assert_true(slower.pair[i].gate.low > 0.1 && slower.pair[i].gate.high < 0.9);
        assert_int_equal(missed.pair[i].gate.kind, GATE_MISSED);
    }
    Table *table = compare_table(&slower, arena);
    assert_int_equal(table_rows(table), 2);
    assert_string_equal(table_at(table, 0, table->n_columns - 1).text, "slower");
    arena_end(arena);
}

/* Another learning rate is another configuration, but the same place in the study. */
static void test_compare__other_settings_pair_by_label_and_batch(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Compare compare =
        compare_make(study(fast, 0.1, 0, 2, arena), study(fast, 0.2, 0, 2, arena), 0.02, arena);
    assert_int_equal(compare.n, 2);
    assert_int_equal(compare.only_a + compare.only_b, 0);
    arena_end(arena);
}

static void test_compare__nothing_in_common_is_no_pair(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Compare compare = compare_make(study(fast, 0.1, 0, 2, arena),
                                   study(fixture_optimizers[2], 0.1, 0, 1, arena), 0.02, arena);
    assert_int_equal(compare.n, 0);
    assert_int_equal(compare.only_a, 2);
    assert_int_equal(compare.only_b, 1);
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compare__the_same_trials_are_the_same_bits),
        cmocka_unit_test(test_compare__fresh_seeds_are_judged),
        cmocka_unit_test(test_compare__other_settings_pair_by_label_and_batch),
        cmocka_unit_test(test_compare__nothing_in_common_is_no_pair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
