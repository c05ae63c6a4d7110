/* The optimum of a response with its interval, and the rule that tuned learning rates follow. */
#include "lab/analyze/tuned.h"
#include "tests/unit/fixture_search.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <math.h>

/* cmocka compares in single precision. */
static void near(double value, double expected, double tolerance) {
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%.17g is not %.17g within %g", value, expected, tolerance);
}

static void test_response__exact_parabola_gives_its_vertex(void **state) {
    (void)state;
    double x[9], cost[9];
    for (int i = 0; i < 9; i++) {
        x[i] = -4 + i;
        cost[i] = 500 * exp(0.1 * (x[i] - 0.3) * (x[i] - 0.3));
    }
    Response response = response_fit(x, cost, 9, -4, 4);
    assert_true(response.curved);
    near(response.optimum, 0.3, 1e-9);
    near(response.in.low, 0.3, 1e-6);
    near(response.in.high, 0.3, 1e-6);
    assert_true(response.best == 0);
    assert_true(response.n < 9); /* the outer ones cost more than twice the least */
}

/* 8 points, 10 % noise, 400 repetitions: a 90 % interval holds the truth in 85 to 95 %. */
static void test_response__interval_covers_what_it_says(void **state) {
    (void)state;
    int n = 400, held = 0, curved = 0;
    for (int i = 0; i < n; i++) {
        Rng rng = rng_new(7, RNG_TEST, (uint64_t)i);
        double x[8], cost[8], truth = 0.7 * (2 * rng_uniform(&rng) - 1);
        for (int k = 0; k < 8; k++) {
            x[k] = -1.4 + 0.4 * k;
            cost[k] = exp(0.15 * (x[k] - truth) * (x[k] - truth) + 0.05 * rng_normal(&rng));
        }
        Response response = response_fit(x, cost, 8, -3, 3);
        if (!response.curved)
            continue;
        curved++;
        held += response.in.low <= truth && truth <= response.in.high;
    }
    assert_true(curved > 0.8 * n);
    assert_true(held >= 0.85 * curved && held <= 0.97 * curved);
}

static void test_response__few_points_are_bracketed_by_their_neighbours(void **state) {
    (void)state;
    double x[] = {0, 1, 2, 3, 4}, cost[] = {NAN, 300, 100, 105, NAN};
    Response response = response_fit(x, cost, 5, 0, 4);
    assert_false(response.curved);
    assert_true(response.optimum == 2);
    assert_true(response.in.low == 1 && response.in.high == 4); /* 3 is as good as 2 */
    double none[] = {NAN, NAN, NAN, NAN, NAN};
    assert_true(isnan(response_fit(x, none, 5, 0, 4).best));
}

static void test_response__falling_to_the_end_has_no_vertex(void **state) {
    (void)state;
    double x[6], cost[6];
    for (int i = 0; i < 6; i++) {
        x[i] = i;
        cost[i] = 100 * exp(-0.1 * i);
    }
    Response response = response_fit(x, cost, 6, 0, 5);
    assert_false(response.curved);
    assert_true(response.optimum == 5 && response.in.high == 5);
}

#define N 8

/* Rates of a rule with 3 % noise. */
static LrFit fits_of(LrFit fit[RULE_N], LrRule truth, double shape, uint64_t seed) {
    double batch[N], rate[N], sd[N];
    Rng rng = rng_new(seed, RNG_TEST, (uint64_t)truth);
    LrFit exact = {.fitted = true, .log_scale = log(0.1), .shape = shape};
    for (int i = 0; i < N; i++) {
        batch[i] = 32 << i;
        rate[i] = lr_fit_at(truth, &exact, batch[i]) * exp(0.03 * rng_normal(&rng));
        sd[i] = 1;
    }
    for (int r = 0; r < RULE_N; r++)
        fit[r] = lr_fit((LrRule)r, batch, rate, sd, N);
    return exact;
}

static int chosen(const LrFit fit[RULE_N]) {
    int best = 0;
    for (int r = 1; r < RULE_N; r++)
        best = fit[r].aicc < fit[best].aicc ? r : best;
    return best;
}

/* AICc overrates a richer rule now and then; it must not do so often. */
static void test_tuned__every_rule_is_recognized(void **state) {
    (void)state;
    static const double shape[RULE_N] = {NAN, NAN, NAN, 0.75, 300, 500};
    for (int truth = 0; truth < RULE_N; truth++) {
        int n_right = 0;
        for (uint64_t seed = 0; seed < 40; seed++) {
            LrFit fit[RULE_N], exact = fits_of(fit, (LrRule)truth, shape[truth], seed);
            n_right += chosen(fit) == truth;
            if (isfinite(shape[truth]))
                near(log(fit[truth].shape / exact.shape), 0, 0.3);
        }
        if (n_right < 36)
            fail_msg("%s: %d of 40", lr_rule_name((LrRule)truth), n_right);
    }
}

/* With weights, a point that is known badly does not bend the rule. */
static void test_tuned__weights_count(void **state) {
    (void)state;
    double batch[] = {32, 64, 128, 256, 512}, rate[] = {0.1, 0.1, 0.1, 0.1, 1};
    double equal[] = {1, 1, 1, 1, 1}, last_is_bad[] = {0.1, 0.1, 0.1, 0.1, 10};
    near(exp(lr_fit(RULE_CONSTANT, batch, rate, equal, 5).log_scale), pow(1e-4, 0.2), 1e-9);
    near(exp(lr_fit(RULE_CONSTANT, batch, rate, last_is_bad, 5).log_scale), 0.1, 1e-4);
    assert_false(lr_fit(RULE_SURGE, batch, rate, equal, 4).fitted);
}

static const FixtureSearch wide = {.min = 1e-4, .max = 100, .trials = 24, .reruns = 1};

static Tuned study(const FixtureSearch *search, Lines *lines, Arena *arena) {
    int n;
    RunRecord *runs = fixture_searched(&n, search, arena);
    *lines = lines_make(cells_make(runs, n, arena), arena);
    return tuned_make(lines, arena);
}

static void test_tuned__searched_rates_are_the_fixtures(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Lines lines;
    Tuned tuned = study(&wide, &lines, arena);
    assert_int_equal(tuned.n, 3);
    for (int l = 0; l < 3; l++) {
        assert_int_equal(tuned.line[l].n, FIXTURE_SEARCH_BATCHES);
        for (int i = 0; i < tuned.line[l].n; i++) {
            const TunedPoint *point = &tuned.line[l].point[i];
            double truth = fixture_best_lr(lines.line[l].label, point->batch);
            near(log(point->optimum / truth), 0, 0.4);
            assert_true(point->in.low <= point->optimum && point->optimum <= point->in.high);
            near(point->effective, 10 * point->optimum, 1e-9); /* momentum 0.9 */
            assert_false(point->edge);
        }
    }
    assert_int_equal(tuned.line[1].best, RULE_SQRT);     /* LARS */
    assert_int_equal(tuned.line[2].best, RULE_CONSTANT); /* LAMB */
    assert_non_null(strstr(tuned_sentence(&tuned.line[1], arena), "By AICc it is square root"));
    assert_int_equal(table_rows(tuned_fits(&tuned, arena)), 3 * RULE_N);
    arena_end(arena);
}

static void test_tuned__points_at_an_edge_are_bounds(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Lines lines;
    FixtureSearch cut = {.min = 0.2, .max = 100, .trials = 12, .reruns = 1};
    Tuned tuned = study(&cut, &lines, arena);
    for (int i = 0; i < tuned.line[2].n; i++)
        assert_true(tuned.line[2].point[i].edge); /* LAMB wants 0.01 */
    assert_int_equal(tuned.line[2].n_fitted, 0);
    assert_int_equal(tuned.line[2].best, -1);
    assert_non_null(tuned.line[2].missing);
    arena_end(arena);
}

/* The searched base rate is not the rate of the updates when a scaling rule multiplies it. */
static void test_tuned__scaling_rules_are_taken_in(void **state) {
    (void)state;
    Arena *arena = arena_new();
    int n = 0;
    RunRecord *runs = ARENA_ARRAY(arena, RunRecord, wide.trials + wide.reruns);
    FixtureRun base = {.optimizer = fixture_optimizers[1], .global_batch = 256};
    fixture_search_cell(runs, &n, &wide, &base, arena);
    const Cell *plain = &cells_make(runs, n, arena)->cells[0];
    double rate = search_value(plain->search->winner, &plain->search->axis[0])->number;
    for (int i = 0; i < n; i++) {
        Json *config = json_copy(runs[i].config, arena), *linear = NULL;
        const char *text = "{\"name\":\"linear\"}";
        assert_null(json_parse(&linear, text, strlen(text), NULL, arena));
        assert_null(json_set(config, "lr.scaling", linear, arena));
        assert_null(json_set(config, "lr.base_batch", json_number(64, arena), arena));
        runs[i].config = config;
    }
    Lines lines = lines_make(cells_make(runs, n, arena), arena);
    Tuned tuned = tuned_make(&lines, arena);
    near(tuned.line[0].point[0].winner, 4 * rate, 1e-12);
    arena_end(arena);
}

static void test_tuned__nothing_searched_is_nothing_tuned(void **state) {
    (void)state;
    Arena *arena = arena_new();
    int n;
    RunRecord *runs = fixture_study(&n, 1, arena);
    Lines lines = lines_make(cells_make(runs, n, arena), arena);
    Tuned tuned = tuned_make(&lines, arena);
    for (int l = 0; l < tuned.n; l++)
        assert_null(tuned_sentence(&tuned.line[l], arena));
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_response__exact_parabola_gives_its_vertex),
        cmocka_unit_test(test_response__interval_covers_what_it_says),
        cmocka_unit_test(test_response__few_points_are_bracketed_by_their_neighbours),
        cmocka_unit_test(test_response__falling_to_the_end_has_no_vertex),
        cmocka_unit_test(test_tuned__every_rule_is_recognized),
        cmocka_unit_test(test_tuned__weights_count),
        cmocka_unit_test(test_tuned__searched_rates_are_the_fixtures),
        cmocka_unit_test(test_tuned__points_at_an_edge_are_bounds),
        cmocka_unit_test(test_tuned__scaling_rules_are_taken_in),
        cmocka_unit_test(test_tuned__nothing_searched_is_nothing_tuned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
