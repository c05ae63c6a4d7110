/* Two studies cell by cell: the pairs, the bits, the verdicts. */
#include "lab/analyze/compare.h"
#include "tests/unit/fixture_runs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <unistd.h>

/* Five seeds at n_batches batches from 64 on, as a results folder gives them. */
static Reference study(FixtureOptimizer optimizer, double lr, uint64_t first_seed, int n_batches,
                       Arena *arena) {
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
    return reference_of("fixture", cells_make(runs, 5 * n_batches, arena), NULL, arena);
}

/* The same study, through a reference file. */
static Reference filed(const Reference *reference, Arena *arena) {
    char path[] = "/tmp/test_compare_XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    Reference with = *reference, out;
    if (!with.provenance)
        with.provenance = json_object(arena);
    assert_null(reference_write(path, &with, arena));
    assert_null(reference_load(&out, path, arena));
    unlink(path);
    return out;
}

static Compare compared(Reference a, Reference b, Arena *arena) {
    Reference *kept = ARENA_ARRAY(arena, Reference, 2);
    kept[0] = a;
    kept[1] = b;
    return compare_make(&kept[0], &kept[1], GATE_MARGIN, arena);
}

static const FixtureOptimizer fast = {"lars", 24, 70000, 0, 0}, slow = {"lars", 24, 98000, 0, 0},
                              lost = {"lars", 24, 70000, 64, 0};

static void test_compare__the_same_trials_are_the_same_bits(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Compare compare = compared(study(fast, 0.1, 0, 3, arena), study(fast, 0.1, 0, 2, arena), arena);
    assert_int_equal(compare.n, 2);
    assert_int_equal(compare.n_only_a, 1);
    assert_int_equal(compare.only_a[0]->global_batch, 256);
    assert_int_equal(compare.n_only_b, 0);
    for (int i = 0; i < compare.n; i++) {
        assert_true(compare.pair[i].verdict.same_bits);
        assert_int_equal(compare.pair[i].verdict.kind, GATE_SAME);
        assert_true(compare.pair[i].a->global_batch == compare.pair[i].b->global_batch);
    }
    arena_end(arena);
}

static void test_compare__fresh_seeds_are_judged(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Reference a = study(fast, 0.1, 0, 2, arena);
    Compare same = compared(a, study(fast, 0.1, 100, 2, arena), arena);
    Compare slower = compared(a, study(slow, 0.1, 100, 2, arena), arena);
    Compare missed = compared(a, study(lost, 0.1, 100, 2, arena), arena);
    for (int i = 0; i < 2; i++) {
        assert_false(same.pair[i].verdict.same_bits);
        assert_int_equal(same.pair[i].verdict.kind, GATE_SAME);
        assert_int_equal(slower.pair[i].verdict.kind, GATE_SLOWER);
        assert_true(slower.pair[i].verdict.gate.low > 0.1 &&
                    slower.pair[i].verdict.gate.high < 0.9);
        assert_int_equal(missed.pair[i].verdict.kind, GATE_MISSED);
    }
    arena_end(arena);
}

/* A comparison of folders and a check against the file of the first are the same statistics. */
static void test_compare__a_file_and_a_folder_say_the_same(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Reference a = study(fast, 0.1, 0, 3, arena), b = study(slow, 0.1, 100, 3, arena);
    Reference a_file = filed(&a, arena), b_file = filed(&b, arena);
    int n;
    const Verdict *gate = verdicts_make(&n, &b, &a_file, GATE_MARGIN, arena);
    Compare all[] = {compared(a, b, arena), compared(a_file, b, arena), compared(a, b_file, arena),
                     compared(a_file, b_file, arena)};
    assert_int_equal(n, 3);
    for (int k = 0; k < 4; k++) {
        assert_int_equal(all[k].n, 3);
        for (int i = 0; i < 3; i++) {
            assert_true(isfinite(gate[i].gate.low));
            assert_true(all[k].pair[i].verdict.gate.low == gate[i].gate.low);
            assert_true(all[k].pair[i].verdict.gate.high == gate[i].gate.high);
            assert_string_equal(all[k].pair[i].verdict.sentence, gate[i].sentence);
        }
    }
    arena_end(arena);
}

/* A reference of an older program lacks settings that have come since, on either side. */
static void test_compare__an_older_file_knows_fewer_settings(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Reference now = study(fast, 0.1, 0, 2, arena), old = filed(&now, arena);
    for (int i = 0; i < old.n_cells; i++) {
        Json *config = json_object(arena);
        JSON_EACH (child, old.cells[i].config)
            if (strcmp(child->key, "model") != 0)
                json_add(config, child->key, json_copy(child, arena), arena);
        old.cells[i].config = config;
    }
    Compare forward = compared(old, now, arena), backward = compared(now, old, arena);
    assert_int_equal(forward.n, 2);
    assert_int_equal(backward.n, 2);
    for (int i = 0; i < 2; i++)
        assert_true(forward.pair[i].verdict.same_bits && backward.pair[i].verdict.same_bits);
    arena_end(arena);
}

/* Another learning rate is another configuration, but the same place in the study. */
static void test_compare__other_settings_pair_by_label_and_batch(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Compare compare = compared(study(fast, 0.1, 0, 2, arena), study(fast, 0.2, 0, 2, arena), arena);
    assert_int_equal(compare.n, 2);
    assert_int_equal(compare.n_only_a + compare.n_only_b, 0);
    assert_int_equal(compare.pair[0].verdict.against, AGAINST_BATCH);
    assert_non_null(strstr(compare.pair[0].verdict.sentence, "lr.base (0.2 for 0.1)"));
    arena_end(arena);
}

static void test_compare__nothing_in_common_is_no_pair(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Compare compare = compared(study(fast, 0.1, 0, 2, arena),
                               study(fixture_optimizers[2], 0.1, 0, 1, arena), arena);
    assert_int_equal(compare.n, 0);
    assert_int_equal(compare.n_only_a, 2);
    assert_int_equal(compare.n_only_b, 1);
    arena_end(arena);
}

/* Without a target only bits can be compared. */
static void test_compare__cells_without_target_have_their_bits(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Reference a = study(fast, 0.1, 0, 1, arena), same = study(fast, 0.1, 0, 1, arena),
              other = study(fast, 0.1, 50, 1, arena);
    a.cells[0].has_target = same.cells[0].has_target = other.cells[0].has_target = false;
    assert_true(compared(a, same, arena).pair[0].verdict.same_bits);
    Compare compare = compared(a, other, arena);
    assert_int_equal(compare.pair[0].verdict.kind, GATE_UNKNOWN);
    assert_non_null(strstr(compare.pair[0].verdict.sentence, "without a target"));
    arena_end(arena);
}

static double number_at(const Json *cell, const char *key) {
    const Json *value = json_find(cell, key);
    assert_non_null(value);
    assert_int_equal(value->kind, JSON_NUMBER);
    return value->number;
}

/* What is printed is what was measured: medians, ratio, sides. */
static void test_compare__text_and_json_hold_both_sides(void **state) {
    (void)state;
    Arena *arena = arena_new();
    CompareSide a = {"here", false, study(fast, 0.1, 0, 2, arena)},
                b = {"there.json", true, study(slow, 0.1, 100, 1, arena)};
    Compare compare = compare_make(&a.reference, &b.reference, 0.03, arena);
    const char *text = compare_text(&compare, &a, &b, arena);
    assert_non_null(strstr(text, "reference here: results of 'fixture', 2 cells"));
    assert_non_null(strstr(text, "checked there.json: reference of 'fixture', 1 cell"));
    assert_non_null(strstr(text, "lars, B = 128: only in the reference"));
    assert_non_null(strstr(text, "1 cell: 1 slower, margin 3.0 %"));
    const Json *root = compare_json(&compare, &a, &b, arena);
    const Json *cell = json_find(root, "cells")->first;
    double low = spread_make(a.reference.cells[0].examples, 5, arena).median,
           high = spread_make(b.reference.cells[0].examples, 5, arena).median;
    assert_true(number_at(cell, "examples_reference") == low);
    assert_true(number_at(cell, "examples_checked") == high);
    assert_true(fabs(number_at(cell, "ratio") - 98.0 / 70) < 0.2);
    assert_true(number_at(cell, "ratio_lo") < number_at(cell, "ratio"));
    assert_true(number_at(cell, "ratio_hi") > number_at(cell, "ratio"));
    assert_true(number_at(cell, "ratio") == 1 + number_at(cell, "slowdown"));
    assert_string_equal(json_find(json_find(root, "checked"), "kind")->text, "reference");
    assert_int_equal(json_find(root, "only_reference")->n, 1);
    assert_int_equal(json_find(root, "only_checked")->n, 0);
    arena_end(arena);
}

static void test_compare__a_path_that_is_neither_is_refused(void **state) {
    (void)state;
    Arena *arena = arena_new();
    CompareSide side;
    Error *error = compare_load(&side, "/tmp/test_compare_absent", arena);
    assert_non_null(error);
    assert_int_equal(error_code(error), CODE_MISSING);
    error_end(error);
    error = compare_load(&side, "/", arena);
    assert_non_null(error);
    assert_int_equal(error_code(error), CODE_MISSING);
    error_end(error);
    error = compare_load(&side, SOURCE_DIR "/experiments/smoke.json", arena);
    assert_non_null(error);
    assert_int_equal(error_code(error), CODE_USAGE);
    error_end(error);
    assert_null(compare_load(&side, SOURCE_DIR "/experiments/reference/smoke.json", arena));
    assert_true(side.is_file && side.reference.n_cells == 4);
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compare__the_same_trials_are_the_same_bits),
        cmocka_unit_test(test_compare__fresh_seeds_are_judged),
        cmocka_unit_test(test_compare__a_file_and_a_folder_say_the_same),
        cmocka_unit_test(test_compare__an_older_file_knows_fewer_settings),
        cmocka_unit_test(test_compare__other_settings_pair_by_label_and_batch),
        cmocka_unit_test(test_compare__nothing_in_common_is_no_pair),
        cmocka_unit_test(test_compare__cells_without_target_have_their_bits),
        cmocka_unit_test(test_compare__text_and_json_hold_both_sides),
        cmocka_unit_test(test_compare__a_path_that_is_neither_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
