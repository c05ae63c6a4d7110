/* The ruler: on the noisy quadratic everything the lab measures has a known answer
 * (shared/specs/methods.md 6, after Zhang et al. 2019). L = 1/2 sum h_i th_i^2, gradient h_i th_i +
 * N(0, c_i / B), h_i = 1/i, c_i = h_i, th_i(0) = 1. */
#include "tests/unit/trial_helper.h"

#include "lab/base/stats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

enum { DIM = 20, SEEDS = 600, POINTS = 20, EVERY = 10, BATCH = 8 };

static double curvature(int i) {
    return 1.0 / (i + 1);
}

/* Expected risk at the checkpoints, by the second-moment recursions: A = E th^2, V = E v^2, C = E
 * th v. With beta = 0 they are those of plain SGD. */
static void expected_risk(double risk[POINTS], double lr, double beta) {
    double A[DIM], V[DIM], C[DIM];
    for (int i = 0; i < DIM; i++) {
        A[i] = 1;
        V[i] = C[i] = 0;
    }
    for (int t = 1; t <= POINTS * EVERY; t++) {
        double sum = 0;
        for (int i = 0; i < DIM; i++) {
            double h = curvature(i), c = h;
            double v = beta * beta * V[i] + 2 * beta * h * C[i] + h * h * A[i] + c / BATCH;
            double q = beta * C[i] + h * A[i];
            A[i] = A[i] - 2 * lr * q + lr * lr * v;
            C[i] = q - lr * v;
            V[i] = v;
            sum += 0.5 * h * A[i];
        }
        if (t % EVERY == 0)
            risk[t / EVERY - 1] = sum;
    }
}

/* Closed form for plain SGD at the end, as a check of the recursion above. */
static double closed_form(double lr, double t) {
    double sum = 0;
    for (int i = 0; i < DIM; i++) {
        double h = curvature(i), c = h, decay = pow(1 - lr * h, 2 * t);
        sum += 0.5 * h * (decay + lr * c / (BATCH * h * (2 - lr * h)) * (1 - decay));
    }
    return sum;
}

/* d' S^-1 d by Cholesky; S is overwritten. */
static double mahalanobis(double S[POINTS][POINTS], double d[POINTS]) {
    double sum = 0;
    for (int i = 0; i < POINTS; i++) {
        for (int j = 0; j <= i; j++) {
            double s = S[i][j];
            for (int k = 0; k < j; k++)
                s -= S[i][k] * S[j][k];
            if (i == j)
                assert(s > 0);
            S[i][j] = i == j ? sqrt(s) : s / S[j][j];
        }
        double y = d[i];
        for (int k = 0; k < i; k++)
            y -= S[i][k] * d[k];
        d[i] = y / S[i][i];
        sum += d[i] * d[i];
    }
    return sum;
}

static const char *trial_text(double lr, double beta, Arena *arena) {
    return arena_print(
        arena,
        "{\"dataset\": {\"name\": \"noisy_quadratic\"},"
        "\"model\": {\"name\": \"noisy_quadratic\", \"dim\": %d}, \"global_batch\": %d, "
        "\"mini_batch\": 2,"
        "\"optimizer\": {\"name\": \"momentum\", \"momentum\": %g, \"weight_decay\": 0},"
        "\"lr\": {\"base\": %g}, \"stop\": {\"steps\": %d}, \"eval\": {\"every_examples\": %d}}",
        DIM, BATCH, beta, lr, POINTS * EVERY, BATCH * EVERY);
}

static double p_value(double S[POINTS][POINTS], const double *mean, const double *expected,
                      double factor) {
    double copy[POINTS][POINTS], d[POINTS];
    memcpy(copy, S, sizeof copy);
    for (int i = 0; i < POINTS; i++)
        d[i] = mean[i] - factor * expected[i];
    double T2 = SEEDS * mahalanobis(copy, d);
    return stats_chi2_tail(T2 * (SEEDS - POINTS) / (SEEDS - 1), POINTS);
}

/* One chi-square test over all checkpoints: Hotelling's statistic of the mean curve over seeds; and
 * the same for a curve that is 5 % off. */
static void curve_p_values(double *p, double *p_shifted, double lr, double beta) {
    double expected[POINTS], mean[POINTS] = {0}, S[POINTS][POINTS] = {{0}};
    expected_risk(expected, lr, beta);
    static double seen[SEEDS][POINTS];
    Arena *arena = arena_new();
    ReadTrial *trial = read_trial(trial_text(lr, beta, arena), arena);
    for (int seed = 0; seed < SEEDS; seed++) {
        Arena *scratch = arena_new();
        KeptRun run = run_trial(trial, (uint64_t)seed, 1, scratch);
        assert_int_equal(run.n_evals, POINTS);
        for (int i = 0; i < POINTS; i++) {
            seen[seed][i] = run.evals[i].valid_loss;
            mean[i] += run.evals[i].valid_loss / SEEDS;
        }
        arena_end(scratch);
    }
    for (int seed = 0; seed < SEEDS; seed++)
        for (int i = 0; i < POINTS; i++)
            for (int j = 0; j < POINTS; j++)
                S[i][j] += (seen[seed][i] - mean[i]) * (seen[seed][j] - mean[j]) / (SEEDS - 1);
    *p = p_value(S, mean, expected, 1);
    *p_shifted = p_value(S, mean, expected, 1.05);
    arena_end(arena);
}

static void law_noisy_quadratic__sgd_follows_the_closed_form(void **state) {
    (void)state;
    double expected[POINTS];
    expected_risk(expected, 0.3, 0);
    assert_true(fabs(expected[POINTS - 1] / closed_form(0.3, POINTS * EVERY) - 1) < 1e-12);
    double p, p_shifted;
    curve_p_values(&p, &p_shifted, 0.3, 0);
    print_message("sgd: p = %.3f; 5 %% off: p = %.1e\n", p, p_shifted);
    assert_true(p > 0.01);
    assert_true(p_shifted < 1e-6);
}

static void law_noisy_quadratic__heavy_ball_follows_the_recursion(void **state) {
    (void)state;
    double p, p_shifted;
    curve_p_values(&p, &p_shifted, 0.05, 0.9);
    print_message("heavy ball: p = %.3f; 5 %% off: p = %.1e\n", p, p_shifted);
    assert_true(p > 0.01);
    assert_true(p_shifted < 1e-6);
}

static void law_noisy_quadratic__noise_scale_of_frozen_weights(void **state) {
    (void)state;
    enum { STEPS = 10000 };
    Arena *arena = arena_new();
    const char *text =
        arena_print(arena,
                    "{\"dataset\": {\"name\": \"noisy_quadratic\"}, \"model\": {\"name\": "
                    "\"noisy_quadratic\", \"dim\": 100},"
                    "\"global_batch\": 8, \"mini_batch\": 2, \"optimizer\": {\"name\": \"sgd\"},"
                    "\"lr\": {\"base\": 0}, \"stop\": {\"steps\": %d}}",
                    STEPS);
    KeptRun run = run_trial(read_trial(text, arena), 0, 1, arena);
    double trace = 0, sqnorm = 0, exact_trace = 0, exact_sqnorm = 0;
    for (int i = 0; i < STEPS; i++) {
        trace += run.steps[i].noise_trace / STEPS;
        sqnorm += run.steps[i].noise_sqnorm / STEPS;
    }
    for (int i = 0; i < 100; i++) {
        exact_trace += 1.0 / (i + 1);
        exact_sqnorm += 1.0 / ((i + 1) * (i + 1));
    }
    double ratio = trace / sqnorm / (exact_trace / exact_sqnorm);
    print_message("B_simple: measured / exact = %.4f; tr %.4f, |G|^2 %.4f\n", ratio,
                  trace / exact_trace, sqnorm / exact_sqnorm);
    assert_true(fabs(ratio - 1) < 0.05);
    assert_true(fabs(trace / exact_trace - 1) < 0.02);
    assert_true(fabs(sqnorm / exact_sqnorm - 1) < 0.05);
    arena_end(arena);
}

/* AdaScale (Johnson et al. 2020): at frozen weights the gain is (s2 + m2) / (s2 / k + m2), s2 =
 * tr(Sigma) / base_batch. */
static void law_noisy_quadratic__adascale_gain_is_the_formula(void **state) {
    (void)state;
    enum { STEPS = 3000, DIMS = 100 };
    double trace = 0, sqnorm = 0;
    for (int i = 0; i < DIMS; i++) {
        trace += 1.0 / (i + 1);
        sqnorm += 1.0 / ((i + 1) * (i + 1));
    }
    for (int batch = 4; batch <= 128; batch *= 4) {
        Arena *arena = arena_new();
        const char *text = arena_print(
            arena,
            "{\"dataset\": {\"name\": \"noisy_quadratic\"}, \"model\": {\"name\": "
            "\"noisy_quadratic\"},"
            "\"global_batch\": %d, \"mini_batch\": 2, \"optimizer\": {\"name\": \"sgd\"},"
            "\"lr\": {\"base\": 0, \"base_batch\": 2, \"scaling\": \"adascale\"}, \"stop\": "
            "{\"steps\": %d},"
            "\"eval\": {\"every_examples\": 100000000}}",
            batch, STEPS);
        KeptRun run = run_trial(read_trial(text, arena), 0, 1, arena);
        double mean = 0, k = batch / 2.0, s2 = trace / 2, gain = (s2 + sqnorm) / (s2 / k + sqnorm);
        for (int i = STEPS / 2; i < STEPS; i++)
            mean += run.steps[i].lr_gain / (STEPS - STEPS / 2);
        print_message("k = %g: gain %.4f, exact %.4f\n", k, mean, gain);
        assert_true(fabs(mean / gain - 1) < 0.05);
        arena_end(arena);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law_noisy_quadratic__sgd_follows_the_closed_form),
        cmocka_unit_test(law_noisy_quadratic__heavy_ball_follows_the_recursion),
        cmocka_unit_test(law_noisy_quadratic__noise_scale_of_frozen_weights),
        cmocka_unit_test(law_noisy_quadratic__adascale_gain_is_the_formula),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
