/* What a study says to the papers on large-batch optimizers. */
#include "lab/analyze/answer.h"
#include "lab/analyze/claims.h"
#include "tests/unit/fixture_search.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>

#define N_BATCHES 3

/* Momentum and LARS at 128, 512 and 2048, tuned, five reruns each; LARS needs `ratio` times the
 * steps. */
static RunRecord *duel(int *n, double ratio, bool searched, Arena *arena) {
    static const FixtureSearch search = {.min = 0.01, .max = 10, .trials = 6, .reruns = 5};
    RunRecord *runs = ARENA_ARRAY(arena, RunRecord, 2 * N_BATCHES * 11);
    *n = 0;
    for (int o = 0; o < 2; o++)
        for (int b = 0; b < N_BATCHES; b++) {
            FixtureRun base = {.optimizer = fixture_optimizers[o], .global_batch = 128 << (2 * b)};
            base.optimizer.s_min = 30 * (o ? ratio : 1);
            base.optimizer.e_min = 12000 * (o ? ratio : 1);
            base.seed = (uint64_t)(100 * o);
            fixture_search_cell(runs, n, &search, &base, arena);
        }
    int kept = 0;
    for (int i = 0; !searched && i < *n; i++)
        if (json_find(runs[i].search, "role")->text[0] == 'r') { /* reruns alone, as a sweep */
            runs[kept] = runs[i];
            runs[kept].header.search = NULL;
            runs[kept++].search = NULL;
        }
    *n = searched ? *n : kept;
    return runs;
}

static const Results *results_of(double ratio, bool searched, Arena *arena) {
    int n;
    RunRecord *runs = duel(&n, ratio, searched, arena);
    return results_make("duel", "Who?", runs, n, arena);
}

static const Claim *only(const Results *results) {
    assert_int_equal(results->claims.n, 1);
    assert_string_equal(results->claims.claim[0].line->label, "lars");
    assert_string_equal(results->claims.claim[0].baseline->label, "momentum");
    return &results->claims.claim[0];
}

static void test_claims__a_better_method_contradicts_nado(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const Results *results = results_of(0.5, true, arena);
    const Claim *claim = only(results);
    assert_int_equal(claim->verdict, CLAIM_HOLDS);
    assert_int_equal(claim->n, N_BATCHES);
    assert_true(claim->batch[2].ratio < 0.75 && claim->batch[2].shown == 1);
    const char *said = claim_sentence(claim, arena);
    assert_non_null(strstr(said, "agrees with what You et al. 2017 claim for LARS"));
    assert_non_null(strstr(said, "contradicts Nado et al. 2021"));
    assert_non_null(
        strstr(answer_make(results, arena).headline, "lars does better than tuned momentum"));
    arena_end(arena);
}

static void test_claims__a_worse_method_contradicts_its_paper(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const Claim *claim = only(results_of(1.8, true, arena));
    assert_int_equal(claim->verdict, CLAIM_FAILS);
    assert_non_null(
        strstr(claim_sentence(claim, arena), "contradicts what You et al. 2017 claim for LARS"));
    arena_end(arena);
}

static void test_claims__alike_agrees_with_nado(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const Results *results = results_of(1, true, arena);
    const Claim *claim = only(results);
    assert_int_equal(claim->verdict, CLAIM_NOT_TOLD);
    const char *said = claim_sentence(claim, arena);
    assert_non_null(strstr(said, "agrees with Nado et al. 2021"));
    assert_non_null(strstr(said, "would see"));
    assert_non_null(
        strstr(answer_make(results, arena).headline, "lars cannot be told from tuned momentum"));
    arena_end(arena);
}

/* One seed a side cannot see a thing, and its silence is no agreement. */
static void test_claims__seeds_that_would_see_nothing_decide_nothing(void **state) {
    (void)state;
    Arena *arena = arena_new();
    int n, kept = 0;
    RunRecord *runs = duel(&n, 1, true, arena);
    for (int i = 0; i < n; i++)
        if (json_find(runs[i].search, "role")->text[0] == 'p' || runs[i].header.seed % 100 == 1)
            runs[kept++] = runs[i]; /* one rerun each */
    const Claim *claim = only(results_make("duel", "Who?", runs, kept, arena));
    assert_int_equal(claim->verdict, CLAIM_NOT_TOLD);
    assert_non_null(strstr(claim_sentence(claim, arena), "this decides nothing between"));
    arena_end(arena);
}

/* With rates that nobody tuned the comparison is of rules, whatever the numbers are. */
static void test_claims__untuned_rates_are_no_verdict(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const Claim *claim = only(results_of(0.5, false, arena));
    assert_false(claim->tuned);
    assert_non_null(strstr(claim_sentence(claim, arena), "compares rules for the learning rate"));
    assert_null(claim_headline(claim, arena));
    arena_end(arena);
}

/* A method that alone gets there at the largest batch, with every seed. */
static void test_claims__reaching_further_counts(void **state) {
    (void)state;
    Arena *arena = arena_new();
    int n;
    RunRecord *runs = duel(&n, 1, true, arena);
    for (int i = 0; i < n; i++)
        if (runs[i].header.global_batch == 2048 &&
            strcmp(runs[i].header.optimizer, "momentum") == 0) {
            runs[i].summary.outcome = OUTCOME_BUDGET_SPENT;
            runs[i].summary.steps_to_target = runs[i].summary.examples_to_target = NAN;
        }
    const Claim *claim = only(results_make("duel", "Who?", runs, n, arena));
    assert_int_equal(claim->verdict, CLAIM_HOLDS);
    assert_true(isnan(claim->batch[2].ratio));
    assert_non_null(
        strstr(claim_sentence(claim, arena),
               "5 of 5 seeds reach it with lars and 0 of 5 with momentum: this agrees"));
    arena_end(arena);
}

static void test_claims__edges_are_said_in_words(void **state) {
    (void)state;
    Arena *arena = arena_new();
    int n;
    static const FixtureSearch search = {.min = 0.0025, .max = 0.25, .trials = 10, .reruns = 1};
    RunRecord *runs = ARENA_ARRAY(arena, RunRecord, 40);
    n = 0;
    for (int b = 0; b < 3; b++) {
        FixtureRun base = {.optimizer = fixture_optimizers[1], .global_batch = 128 << b};
        fixture_search_cell(runs, &n, &search, &base, arena);
    }
    Answer answer = answer_make(results_make("edges", "?", runs, n, arena), arena);
    bool said = false;
    for (int i = 0; i < answer.n; i++)
        said |= strstr(answer.sentence[i],
                       "the best lr lies at the upper end of its range, 0.25, at B = ") != NULL;
    assert_true(said);
    assert_non_null(strstr(answer.headline, "3 of 3 searched cells the optimum lies at an edge"));
    assert_non_null(strstr(answer.headline, "With lr tuned at every batch (10 points each)"));
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_claims__a_better_method_contradicts_nado),
        cmocka_unit_test(test_claims__a_worse_method_contradicts_its_paper),
        cmocka_unit_test(test_claims__alike_agrees_with_nado),
        cmocka_unit_test(test_claims__seeds_that_would_see_nothing_decide_nothing),
        cmocka_unit_test(test_claims__untuned_rates_are_no_verdict),
        cmocka_unit_test(test_claims__reaching_further_counts),
        cmocka_unit_test(test_claims__edges_are_said_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
