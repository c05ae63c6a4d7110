/* The hyperbola's intervals hold what they promise: coverage and refusal counted over repetitions
 * of synthetic studies with fixed seeds. The rates are printed. */
#include "lab/analyze/fit_table.h"
#include "lab/base/rng.h"
#include "tests/unit/sanitized.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#define E_MIN 40000.0
#define MAX_POINTS 256

/* cmocka compares in single precision. */
static void near(double value, double expected, double tolerance) {
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%.17g is not %.17g within %g", value, expected, tolerance);
}

/* A synthetic study: batches b0, b0 step, ... */
typedef struct Study {
    const char *name;
    double b_crit, b0, step;
    int n_batches, n_seeds;
    double noise; /* as a fraction */
    HyperbolaWeights weights;
    int repetitions;
} Study;

typedef struct Rates {
    double b_crit, e_min, s_min, refused;
} Rates;

static bool covers(Interval interval, double truth) {
    return interval.low <= truth && truth <= interval.high;
}

static Hyperbola one_fit(const Study *study, uint64_t seed, Arena *arena) {
    double batch[MAX_POINTS], examples[MAX_POINTS];
    int n = 0;
    Rng rng = rng_new(20261121, RNG_TEST, seed);
    for (int i = 0; i < study->n_batches; i++)
        for (int s = 0; s < study->n_seeds; s++) {
            batch[n] = study->b0 * pow(study->step, i);
            examples[n] =
                E_MIN * (1 + batch[n] / study->b_crit) * (1 + study->noise * rng_normal(&rng));
            n++;
        }
    return hyperbola_fit(batch, examples, n, study->weights, seed, arena);
}

static Rates rates_of(const Study *study) {
    Rates out = {0};
    int n = repetitions(study->repetitions);
    double each = 1.0 / n;
    for (int r = 0; r < n; r++) {
        Arena *arena = arena_new();
        Hyperbola fit = one_fit(study, (uint64_t)r, arena);
        assert_true((fit.unidentified != NULL) == isnan(fit.b_crit));
        out.refused += fit.unidentified ? each : 0;
        out.b_crit += !fit.unidentified && covers(fit.b_crit_in, study->b_crit) ? each : 0;
        out.e_min += covers(fit.e_min_in, E_MIN) ? each : 0;
        out.s_min += covers(fit.s_min_in, E_MIN / study->b_crit) ? each : 0;
        arena_end(arena);
    }
    printf("%-44s covers B_crit %.3f, E_min %.3f, S_min %.3f; refused %.3f (%d repetitions)\n",
           study->name, out.b_crit, out.e_min, out.s_min, out.refused, n);
    return out;
}

static void test_hyperbola__interval_covers_the_truth_as_often_as_it_says(void **state) {
    (void)state;
    static const Study studies[] = {
        {"7 batches around B_crit, 5 seeds, 5 %", 1000, 125, 2, 7, 5, 0.05, HYPERBOLA_LOG, 1000},
        {"7 batches around B_crit, 1 seed, 5 %", 1000, 125, 2, 7, 1, 0.05, HYPERBOLA_LOG, 500},
        {"5 batches around B_crit, 3 seeds, 15 %", 1000, 100, 3, 5, 3, 0.15, HYPERBOLA_LOG, 500},
    };
    for (size_t i = 0; i < sizeof studies / sizeof *studies; i++) {
        Rates rates = rates_of(&studies[i]);
        if (SANITIZED)
            continue;
        assert_true(rates.b_crit >= 0.85 && rates.b_crit <= 0.95);
        assert_true(rates.e_min >= 0.85 && rates.e_min <= 0.95);
        assert_true(rates.s_min >= 0.85 && rates.s_min <= 0.95);
        assert_true(rates.refused <= 0.01);
    }
}

static void test_hyperbola__refuses_when_all_batches_lie_far_on_one_side(void **state) {
    (void)state;
    static const Study studies[] = {
        {"all B below B_crit / 1000", 1e5, 1, 2, 7, 5, 0.05, HYPERBOLA_LOG, 500},
        {"all B below B_crit / 100", 6400, 1, 2, 7, 5, 0.05, HYPERBOLA_LOG, 500},
        {"all B above 1000 B_crit", 1, 1000, 2, 7, 5, 0.05, HYPERBOLA_LOG, 500},
        {"all B below B_crit / 1000, without weights", 1e5, 1, 2, 7, 5, 0.05, HYPERBOLA_NONE, 500},
        {"all B above 1000 B_crit, without weights", 1, 1000, 2, 7, 5, 0.05, HYPERBOLA_NONE, 500},
    };
    for (size_t i = 0; i < sizeof studies / sizeof *studies; i++)
        assert_true(rates_of(&studies[i]).refused >= 0.95);
}

/* How far the batches are from B_crit is no reason: with little noise the fit sees it. */
static void test_hyperbola__precise_data_tell_a_distant_critical_batch(void **state) {
    (void)state;
    static const Study studies[] = {
        {"all B below B_crit / 100, 0.02 % noise", 6400, 1, 2, 7, 5, 2e-4, HYPERBOLA_LOG, 200},
        {"all B above 20 B_crit, 0.02 % noise", 10, 200, 2, 7, 5, 2e-4, HYPERBOLA_LOG, 200},
    };
    for (size_t i = 0; i < sizeof studies / sizeof *studies; i++)
        assert_true(rates_of(&studies[i]).refused == 0);
}

static void test_hyperbola__without_noise_the_fit_is_exact(void **state) {
    (void)state;
    for (int weights = HYPERBOLA_LOG; weights <= HYPERBOLA_NONE; weights++) {
        Arena *arena = arena_new();
        double batch[] = {256, 64, 1024, 64}, examples[4];
        for (int i = 0; i < 4; i++)
            examples[i] = E_MIN * (1 + batch[i] / 300);
        Hyperbola fit = hyperbola_fit(batch, examples, 4, (HyperbolaWeights)weights, 0, arena);
        assert_null(fit.unidentified);
        near(fit.b_crit, 300, 1e-6);
        near(fit.e_min, E_MIN, 1e-4);
        near(fit.s_min, E_MIN / 300, 1e-6);
        near(fit.b_crit_in.low, 300, 1e-2);
        near(fit.b_crit_in.high, 300, 1e-2);
        near(fit.r2, 1, 1e-12);
        near(hyperbola_overhead20(&fit, 64), 0.2 * 300 + 1.2 * 64, 1e-6);
        arena_end(arena);
    }
}

static void test_hyperbola__falling_examples_leave_no_s_min(void **state) {
    (void)state;
    Arena *arena = arena_new();
    double batch[] = {1, 2, 4, 8}, falling[] = {100, 90, 85, 80}, steep[] = {100, 250, 600, 1500};
    Hyperbola fit = hyperbola_fit(batch, falling, 4, HYPERBOLA_LOG, 0, arena);
    assert_non_null(strstr(fit.unidentified, "S_min is not positive"));
    assert_true(fit.s_min == 0 && isnan(fit.b_crit) && isnan(fit.b_crit_in.high));
    fit = hyperbola_fit(batch, steep, 4, HYPERBOLA_LOG, 0, arena);
    assert_non_null(strstr(fit.unidentified, "E_min is not positive"));
    assert_true(fit.e_min == 0 && isnan(fit.b_crit) && isnan(fit.b_crit_in.low));
    arena_end(arena);
}

/* Seeds that agree while the batches lie off the curve must not promise precision. */
static void test_hyperbola__a_wrong_curve_widens_the_interval(void **state) {
    (void)state;
    Arena *arena = arena_new();
    double batch[30], examples[30];
    static const double off[6] = {1.1, 0.9, 1.12, 0.88, 1.1, 0.93};
    for (int i = 0; i < 30; i++) {
        batch[i] = 100 * pow(2, i / 5);
        examples[i] = E_MIN * (1 + batch[i] / 800) * off[i / 5] * (1 + 0.002 * (i % 5));
    }
    Hyperbola fit = hyperbola_fit(batch, examples, 30, HYPERBOLA_LOG, 0, arena);
    assert_true(fit.by_batch);
    assert_true(fit.b_crit_in.high / fit.b_crit_in.low > 1.5);
    assert_true(covers(fit.b_crit_in, 800));
    assert_non_null(strstr(fit.warning[0], "lie off the hyperbola"));
    arena_end(arena);
}

static void test_hyperbola__batches_with_a_miss_stay_out_and_are_named(void **state) {
    (void)state;
    Arena *arena = arena_new();
    double batch[] = {32, 64, 128, 256, 512, 512}, examples[6];
    for (int i = 0; i < 6; i++)
        examples[i] = i == 5 ? NAN : E_MIN * (1 + batch[i] / 300) * (i == 4 ? 0.5 : 1);
    int n_batches;
    Hyperbola fit = fit_censored(&n_batches, batch, examples, 6, HYPERBOLA_LOG, arena);
    assert_int_equal(n_batches, 4);
    assert_int_equal(fit.n, 4);
    near(fit.b_crit, 300, 1e-6);
    assert_non_null(strstr(fit.warning[fit.n_warnings - 1], "512 (1 of 2)"));
    arena_end(arena);
}

static void test_hyperbola__band_lies_around_the_curve_and_regimes_follow(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Study study = {"", 1000, 125, 2, 7, 5, 0.05, HYPERBOLA_LOG, 1};
    Hyperbola fit = one_fit(&study, 3, arena);
    for (double b = 10; b < 1e5; b *= 3) {
        Interval band = hyperbola_band(&fit, b);
        double at = hyperbola_examples(&fit, b);
        assert_true(band.low < at && at < band.high && band.high / band.low < 1.3);
        near(at, fit.e_min * (1 + b / fit.b_crit), 1e-6 * at);
    }
    assert_int_equal(hyperbola_regime(&fit, 0.1 * fit.b_crit), REGIME_PERFECT);
    assert_int_equal(hyperbola_regime(&fit, fit.b_crit), REGIME_DIMINISHING);
    assert_int_equal(hyperbola_regime(&fit, 10 * fit.b_crit), REGIME_MAXIMAL);
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hyperbola__interval_covers_the_truth_as_often_as_it_says),
        cmocka_unit_test(test_hyperbola__refuses_when_all_batches_lie_far_on_one_side),
        cmocka_unit_test(test_hyperbola__precise_data_tell_a_distant_critical_batch),
        cmocka_unit_test(test_hyperbola__without_noise_the_fit_is_exact),
        cmocka_unit_test(test_hyperbola__falling_examples_leave_no_s_min),
        cmocka_unit_test(test_hyperbola__a_wrong_curve_widens_the_interval),
        cmocka_unit_test(test_hyperbola__batches_with_a_miss_stay_out_and_are_named),
        cmocka_unit_test(test_hyperbola__band_lies_around_the_curve_and_regimes_follow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
