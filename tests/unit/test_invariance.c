/* The invariance verdict: planted disagreements are found, agreement is not claimed without a
 * comparison. */
#include "lab/analyze/invariance.h"
#include "tests/unit/fixture_runs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* The full run of a trial and its verify runs on 1, 2 and 4 replicas. */
static RunRecord *one_trial(int *n, Arena *arena) {
    RunRecord *runs = ARENA_ARRAY(arena, RunRecord, 4);
    FixtureRun run = {
        .optimizer = fixture_optimizers[1], .global_batch = 128, .replicas = 1, .mode = RUN_FULL};
    runs[0] = fixture_run(&run, arena);
    run.mode = RUN_VERIFY;
    *n = 1;
    for (run.replicas = 1; run.replicas <= 4; run.replicas *= 2)
        runs[(*n)++] = fixture_run(&run, arena);
    return runs;
}

static void spoil(RunDigest *digest) {
    digest->sha256[7] = digest->sha256[7] == '0' ? '1' : '0';
}

static void test_invariance__a_study_agrees(void **state) {
    (void)state;
    Arena *arena = arena_new();
    int n;
    RunRecord *runs = fixture_study(&n, 1, arena);
    Invariance verdict = invariance_make(runs, n, arena);
    assert_int_equal(verdict.n_runs, n);
    assert_int_equal(verdict.n_trials, 18);
    assert_int_equal(verdict.n_layouts, 3);
    assert_int_equal(verdict.n_alone, 0);
    assert_int_equal(verdict.n_disagreements, 0);
    assert_string_equal(invariance_sentence(&verdict, arena),
                        "72 runs, 18 trials, bits agree (3 layouts)");
    arena_end(arena);
}

static void test_invariance__finds_a_planted_disagreement(void **state) {
    (void)state;
    Arena *arena = arena_new();
    int n;
    RunRecord *runs = one_trial(&n, arena);
    RunRecord *bad = &runs[2];
    spoil(&bad->digests[bad->n_digests - 1]);
    Invariance verdict = invariance_make(runs, n, arena);
    assert_int_equal(verdict.n_disagreements, 1);
    assert_ptr_equal(verdict.disagreements[0].run, bad);
    assert_int_equal(verdict.disagreements[0].step, FIXTURE_VERIFY_STEPS);
    assert_ptr_equal(verdict.disagreements[0].other, &runs[0]);
    assert_non_null(
        strstr(invariance_sentence(&verdict, arena), "4 runs, 1 trial, 1 run disagrees"));
    arena_end(arena);
}

static void test_invariance__names_the_first_step_that_differs(void **state) {
    (void)state;
    Arena *arena = arena_new();
    int n;
    RunRecord *runs = one_trial(&n, arena);
    for (int d = 1; d < runs[3].n_digests; d++)
        spoil(&runs[3].digests[d]);
    Invariance verdict = invariance_make(runs, n, arena);
    assert_int_equal(verdict.n_disagreements, 1);
    assert_int_equal(verdict.disagreements[0].step, runs[3].digests[1].step);
    arena_end(arena);
}

static void test_invariance__the_majority_is_right_even_against_the_full_run(void **state) {
    (void)state;
    Arena *arena = arena_new();
    int n;
    RunRecord *runs = one_trial(&n, arena);
    for (int d = 0; d < runs[0].n_digests; d++)
        spoil(&runs[0].digests[d]);
    Invariance verdict = invariance_make(runs, n, arena);
    assert_int_equal(verdict.n_disagreements, 1);
    assert_ptr_equal(verdict.disagreements[0].run, &runs[0]);
    verdict = invariance_make(runs, 2, arena); /* one against one: the full run is right */
    assert_int_equal(verdict.n_disagreements, 1);
    assert_ptr_equal(verdict.disagreements[0].run, &runs[1]);
    arena_end(arena);
}

static void test_invariance__a_run_without_partner_proves_nothing(void **state) {
    (void)state;
    Arena *arena = arena_new();
    int n;
    RunRecord *runs = one_trial(&n, arena);
    Invariance verdict = invariance_make(runs, 1, arena);
    assert_int_equal(verdict.n_runs, 0);
    assert_int_equal(verdict.n_alone, 1);
    assert_null(strstr(invariance_sentence(&verdict, arena), "agree"));
    /* a partner that shares no step is none */
    runs[1].n_digests = 1;
    runs[1].digests[0].step = 7;
    verdict = invariance_make(runs, 2, arena);
    assert_int_equal(verdict.n_runs, 0);
    assert_int_equal(verdict.n_alone, 2);
    arena_end(arena);
}

static void test_invariance__other_collectives_are_outside(void **state) {
    (void)state;
    Arena *arena = arena_new();
    int n;
    RunRecord *runs = one_trial(&n, arena);
    runs[3].header.canonical = false;
    spoil(&runs[3].digests[0]);
    Invariance verdict = invariance_make(runs, n, arena);
    assert_int_equal(verdict.n_runs, 3);
    assert_int_equal(verdict.n_outside, 1);
    assert_int_equal(verdict.n_disagreements, 0);
    arena_end(arena);
}

static void test_invariance__of_two_digests_at_a_step_the_last_counts(void **state) {
    (void)state;
    Arena *arena = arena_new();
    int n;
    RunRecord *runs = one_trial(&n, arena);
    RunDigest *digests = ARENA_ARRAY(arena, RunDigest, 2);
    digests[0] = digests[1] = runs[1].digests[runs[1].n_digests - 1];
    spoil(&digests[0]); /* before the evaluation of the same step */
    runs[1].digests = digests;
    runs[1].n_digests = 2;
    Invariance verdict = invariance_make(runs, n, arena);
    assert_int_equal(verdict.n_disagreements, 0);
    assert_int_equal(verdict.n_runs, 4);
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_invariance__a_study_agrees),
        cmocka_unit_test(test_invariance__finds_a_planted_disagreement),
        cmocka_unit_test(test_invariance__names_the_first_step_that_differs),
        cmocka_unit_test(test_invariance__the_majority_is_right_even_against_the_full_run),
        cmocka_unit_test(test_invariance__a_run_without_partner_proves_nothing),
        cmocka_unit_test(test_invariance__other_collectives_are_outside),
        cmocka_unit_test(test_invariance__of_two_digests_at_a_step_the_last_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
