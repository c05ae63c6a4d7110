/* Advice on invented studies, of which both sides are known: S(B) = s_min + e_min/B, and a step
 * whose parts fixture_runs.h spells out. */
#include "lab/analyze/results.h"
#include "tests/unit/fixture_runs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static const Network quick = {1e-7, 1e11, 1e13, 1e-8, 1e11, 1e-8, 0, 1e13};
static const Network poor = {1e-5, 1e9, 1e9, 1e-5, 1e9, 1e-3, 1e-4, 1e6};

static Cluster cluster_of(Network net) {
    return (Cluster){.cluster = "invented",
                     .about = "",
                     .nodes = 16,
                     .ranks_per_node = 8,
                     .cores_per_node = 8,
                     .core_speed = 1,
                     .overlap = 1,
                     .jitter = 0,
                     .net = net,
                     .memory_from = "a test",
                     .link_from = "a test"};
}

static const Results *study(int seeds, Arena *arena) {
    int n;
    const RunRecord *runs = fixture_study(&n, seeds, arena);
    return results_make("study", "?", runs, n, arena);
}

/* Seconds to the target as the fixture was made, without its jitter: lars on one machine. */
static double truth(double batch, int replicas) {
    double steps = 24 + 30000 / batch;
    double step = 20.4e-6 * 1.024 * batch / replicas + 50e-6 + 2e-6 * batch / replicas +
                  300e-6 * log2(replicas) + 220e-6 + 20e-6;
    return steps * step;
}

static void test_advice__own_machine_is_close_to_the_truth(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const Results *results = study(5, arena);
    Advice advice = results_advise(results, NULL, "lars", arena);
    assert_null(advice.missing);
    assert_true(advice.own);
    assert_true(advice.n > 8);
    double least = INFINITY;
    for (int i = 0; i < advice.n; i++) {
        const Choice *choice = &advice.choice[i];
        double expected = truth((double)choice->global_batch, choice->replicas);
        /* evaluations every 1,500 examples round what a run needs up */
        double within = 0.12 + 1500 / choice->examples;
        if (fabs(choice->seconds / expected - 1) > within)
            fail_msg("B = %ld on %d: %g s, in truth %g s", (long)choice->global_batch,
                     choice->replicas, choice->seconds, expected);
        assert_true(choice->seconds_in.low < choice->seconds);
        assert_true(choice->seconds_in.high > choice->seconds);
        least = fmin(least, expected);
    }
    double there = truth((double)advice.fastest->global_batch, advice.fastest->replicas);
    assert_true(there < 1.05 * least); /* what it recommends is about the best there is */
    assert_true(advice.n_errors > 3 && advice.errors_worst < 0.15);
    assert_true(advice.fastest_batch.low <= (double)advice.fastest->global_batch &&
                advice.fastest_batch.high >= (double)advice.fastest->global_batch);
    arena_end(arena);
}

static void test_advice__the_three_choices_are_what_they_say(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Cluster cluster = cluster_of(quick);
    Advice advice = results_advise(study(3, arena), &cluster, "lars", arena);
    assert_null(advice.missing);
    double paid = INFINITY, fastest = INFINITY, efficient = INFINITY;
    for (int i = 0; i < advice.n; i++)
        paid = fmin(paid, advice.choice[i].seconds * advice.choice[i].replicas);
    for (int i = 0; i < advice.n; i++) {
        const Choice *choice = &advice.choice[i];
        fastest = fmin(fastest, choice->seconds);
        if (paid / (choice->seconds * choice->replicas) >= 0.8)
            efficient = fmin(efficient, choice->seconds);
        assert_true(choice->replicas <= choice->global_batch / choice->mini_batch);
        assert_true(choice->nodes == (choice->replicas + 7) / 8);
        assert_true(choice->replicas <= 128);
    }
    assert_true(advice.fastest->seconds == fastest);
    assert_true(advice.efficient->seconds == efficient && advice.efficient->efficiency >= 0.8);
    assert_true(advice.cheapest->paid_s == paid && advice.cheapest->efficiency == 1);
    assert_non_null(strstr(advice_text(&advice, arena), "fastest at >= 80 % efficiency"));
    const Json *json = advice_json(&advice, arena);
    assert_true(json_get(json, "efficient.efficiency")->number >= 0.8);
    assert_true(json_get(json, "fastest.seconds_to_target")->number == fastest);
    arena_end(arena);
}

static void test_advice__a_poor_network_pays_for_fewer_replicas(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const Results *results = study(3, arena);
    Cluster good = cluster_of(quick), bad = cluster_of(poor);
    Advice a = results_advise(results, &good, "lars", arena);
    Advice b = results_advise(results, &bad, "lars", arena);
    assert_true(b.fastest->replicas < a.fastest->replicas);
    assert_true(b.fastest->seconds > a.fastest->seconds);
    assert_int_equal(b.cheapest->replicas, 1); /* sums with nobody */
    assert_true(b.cheapest->paid_s >= a.cheapest->paid_s);
    Cluster swift = bad;
    swift.core_speed = 4;
    Advice c = results_advise(results, &swift, "lars", arena);
    assert_true(fabs(c.cheapest->seconds * 4 / b.cheapest->seconds - 1) < 1e-9);
    arena_end(arena);
}

static void test_advice__no_batch_beyond_what_the_study_shows(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const Results *results = study(3, arena);
    Cluster cluster = cluster_of(quick);
    Advice advice = results_advise(results, &cluster, "momentum", arena);
    assert_null(advice.missing); /* it misses from 1,024 on */
    for (int i = 0; i < advice.n; i++)
        assert_true(advice.choice[i].global_batch < 1024);
    advice = results_advise(results, &cluster, "lars", arena); /* trained up to 2,048 */
    for (int i = 0; i < advice.n; i++) {
        assert_true(advice.choice[i].global_batch <= 4096);
        assert_true(advice.choice[i].extrapolated == (advice.choice[i].global_batch > 2048));
    }
    arena_end(arena);
}

/* The line that gets there first speaks when nobody names one. */
static void test_advice__best_line_speaks(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const Results *results = study(3, arena);
    Cluster cluster = cluster_of(quick);
    Advice best = results_advise(results, &cluster, NULL, arena);
    for (int l = 0; l < results->lines.n; l++) {
        Advice one = results_advise(results, &cluster, results->lines.line[l].label, arena);
        assert_true(best.fastest->seconds <= one.fastest->seconds);
    }
    arena_end(arena);
}

static void refuses(const Advice *advice, const char *why) {
    assert_non_null(advice->missing);
    if (!strstr(advice->missing, why))
        fail_msg("'%s' is not in '%s'", why, advice->missing);
    assert_non_null(advice->hint);
}

static void test_advice__refuses_what_the_study_cannot_say(void **state) {
    (void)state;
    Arena *arena = arena_new();
    int n;
    RunRecord *runs = fixture_study(&n, 2, arena);
    Cluster cluster = cluster_of(quick);
    Advice advice =
        results_advise(results_make(NULL, NULL, runs, n, arena), &cluster, "nobody", arena);
    refuses(&advice, "no line 'nobody'");
    for (int i = 0; i < n; i++)
        runs[i].header.alone = false; /* nothing was timed */
    advice = results_advise(results_make(NULL, NULL, runs, n, arena), &cluster, NULL, arena);
    refuses(&advice, "no step of one replica");
    for (int i = 0; i < n; i++) { /* nobody got there */
        runs[i].header.alone = true;
        runs[i].summary.outcome = OUTCOME_BUDGET_SPENT;
        runs[i].summary.examples_to_target = runs[i].summary.steps_to_target = NAN;
    }
    advice = results_advise(results_make(NULL, NULL, runs, n, arena), &cluster, NULL, arena);
    refuses(&advice, "no batch reached a target");
    advice = results_advise(results_make(NULL, NULL, NULL, 0, arena), NULL, NULL, arena);
    refuses(&advice, "no line");
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_advice__own_machine_is_close_to_the_truth),
        cmocka_unit_test(test_advice__the_three_choices_are_what_they_say),
        cmocka_unit_test(test_advice__a_poor_network_pays_for_fewer_replicas),
        cmocka_unit_test(test_advice__no_batch_beyond_what_the_study_shows),
        cmocka_unit_test(test_advice__best_line_speaks),
        cmocka_unit_test(test_advice__refuses_what_the_study_cannot_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
