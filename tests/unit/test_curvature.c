/* Curvature along the way: exact on the noisy quadratic, and on a small network against a witness
 * in double. Same bits for any number of threads; training does not notice it. */
#include "tests/law/dense_witness.h"
#include "tests/unit/trial_helper.h"

#include "lab/base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void near(const char *what, double value, double expected, double tolerance) {
    print_message("%s: %.8g of the exact value\n", what, value / expected);
    if (!(fabs(value / expected - 1) <= tolerance))
        fail_msg("%s is %.9g, not %.9g within %g", what, value, expected, tolerance);
}

/* H = diag h, Sigma = diag c, G = h th with h_i = 1/sqrt(i), c = 2 h, th = 1, at frozen weights.
 * The noise of both ends of a difference is the same draw, so products are exact up to rounding; G
 * itself is known from m examples, and all but the eigenvalue are means over many evaluations. */
static void test_curvature__is_exact_on_the_noisy_quadratic(void **state) {
    (void)state;
    enum { DIM = 40, TIMES = 300 };
    Arena *arena = arena_new();
    const char *text =
        arena_print(arena,
                    "{\"dataset\": \"noisy_quadratic\", \"model\": {\"name\": \"noisy_quadratic\", "
                    "\"dim\": %d, "
                    "\"power\": 0.5, \"noise\": 2}, \"global_batch\": 16, \"mini_batch\": 4, "
                    "\"optimizer\": \"sgd\", \"lr\": "
                    "{\"base\": 0}, \"stop\": {\"steps\": %d}, \"eval\": {\"every_examples\": 16}, "
                    "\"curvature\": "
                    "{\"every_examples\": 1, \"examples\": 64, \"probes\": 8, \"iterations\": 30}}",
                    DIM, TIMES);
    KeptRun run = run_trial(read_trial(text, arena), 1, 1, arena);
    double ghg = 0, trace_h_sigma = 0, sqnorm = 0, trace = 0;
    CurvatureRow mean = {0};
    for (int i = 1; i <= DIM; i++) {
        double h = 1 / sqrt((double)i), c = 2 * h;
        ghg += h * h * h;
        trace_h_sigma += h * c;
        sqnorm += h * h;
        trace += c;
    }
    assert_int_equal(run.n_curvatures, TIMES);
    for (int t = 0; t < TIMES; t++) {
        const CurvatureRow *row = &run.curvatures[t];
        assert_int_equal(row->step, t + 1);
        assert_true(fabs(row->top_eigenvalue - 1) < 2e-3);
        if (row->ghg > 0)
            assert_true(row->noise_scale == row->trace_h_sigma / row->ghg);
        mean.ghg += row->ghg / TIMES;
        mean.trace_h_sigma += row->trace_h_sigma / TIMES;
        mean.grad_sqnorm += row->grad_sqnorm / TIMES;
        mean.noise_trace += row->noise_trace / TIMES;
    }
    near("G'HG", mean.ghg, ghg, 0.04);
    near("tr(H Sigma)", mean.trace_h_sigma, trace_h_sigma, 0.04);
    near("|G|^2", mean.grad_sqnorm, sqnorm, 0.03);
    near("tr(Sigma)", mean.noise_trace, trace, 0.02);
    near("B_noise", mean.trace_h_sigma / mean.ghg, trace_h_sigma / ghg, 0.05);
    arena_end(arena);
}

/* ---- the witness */

typedef struct Exact {
    Witness net;
    int64_t n_weights, n;
    double *w;
    float *x;
    int32_t *y;
    double *plus, *minus, *at;
} Exact;

static void mean_gradient(double *out, const Exact *exact, const double *w, int64_t first,
                          int64_t n) {
    Shard shard = {.n = (int)n, .x = exact->x + first * exact->net.width[0], .y = exact->y + first};
    witness_pass(&exact->net, w, exact->n_weights, &shard, out);
    for (int64_t i = 0; i < exact->n_weights; i++)
        out[i] /= (double)n;
}

static double dot(const double *a, const double *b, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* out = H v by differences of double gradients: error about 1e-9. */
static void hessian(double *out, const Exact *exact, const double *v) {
    double e = 1e-5 / sqrt(dot(v, v, exact->n_weights));
    for (int side = -1; side <= 1; side += 2) {
        for (int64_t i = 0; i < exact->n_weights; i++)
            exact->at[i] = exact->w[i] + side * e * v[i];
        mean_gradient(side > 0 ? exact->plus : exact->minus, exact, exact->at, 0, exact->n);
    }
    for (int64_t i = 0; i < exact->n_weights; i++)
        out[i] = (exact->plus[i] - exact->minus[i]) / (2 * e);
}

static Exact exact_new(const ReadTrial *trial, const float *weights, int64_t n_weights,
                       Arena *arena) {
    int64_t n = trial->data.n[SPLIT_TRAIN];
    Exact out = {.net = {.activation = "tanh",
                         .n_layers = 2,
                         .width = {trial->data.n_features, 6, trial->data.n_classes}},
                 .n_weights = n_weights,
                 .n = n,
                 .w = ARENA_ARRAY(arena, double, n_weights),
                 .x = ARENA_ARRAY(arena, float, n * trial->data.n_features),
                 .y = ARENA_ARRAY(arena, int32_t, n),
                 .plus = ARENA_ARRAY(arena, double, n_weights),
                 .minus = ARENA_ARRAY(arena, double, n_weights),
                 .at = ARENA_ARRAY(arena, double, n_weights)};
    int64_t *index = ARENA_ARRAY(arena, int64_t, n);
    for (int64_t i = 0; i < n; i++)
        index[i] = i;
    dataset_gather(&trial->data, SPLIT_TRAIN, index, (int)n, out.x, out.y);
    for (int64_t i = 0; i < n_weights; i++)
        out.w[i] = (double)weights[i];
    return out;
}

static CurvatureRow exact_row(const Exact *exact, Arena *arena) {
    int64_t n = exact->n_weights;
    double *g = ARENA_ARRAY(arena, double, n), *hg = ARENA_ARRAY(arena, double, n),
           *d = ARENA_ARRAY(arena, double, n), m = (double)exact->n;
    CurvatureRow out = {0};
    mean_gradient(g, exact, exact->w, 0, exact->n);
    hessian(hg, exact, g);
    out.ghg = dot(g, hg, n);
    out.grad_sqnorm = dot(g, g, n);
    for (int64_t k = 0; k < exact->n; k++) {
        mean_gradient(d, exact, exact->w, k, 1);
        for (int64_t i = 0; i < n; i++)
            d[i] -= g[i];
        hessian(hg, exact, d);
        out.trace_h_sigma += dot(d, hg, n) / (m - 1);
        out.noise_trace += dot(d, d, n) / (m - 1);
    }
    for (int64_t i = 0; i < n; i++)
        d[i] = 1 + 0.1 * (double)(i % 7);
    for (int k = 0; k < 400; k++) {
        double norm = sqrt(dot(d, d, n));
        for (int64_t i = 0; i < n; i++)
            d[i] /= norm;
        hessian(hg, exact, d);
        out.top_eigenvalue = dot(d, hg, n);
        memcpy(d, hg, sizeof *d * (size_t)n);
    }
    return out;
}

/* The subset is the whole training set, example by example, so that nothing is left to chance but
 * the signs of the probes. */
static void test_curvature__agrees_with_a_witness_in_double(void **state) {
    (void)state;
    enum { TIMES = 12 };
    Arena *arena = arena_new();
    const char *text =
        "{\"dataset\": {\"name\": \"blobs\", \"train\": 64}, \"model\": {\"name\": \"mlp\", "
        "\"hidden\": "
        "[6], \"activation\": \"tanh\"}, \"global_batch\": 8, \"mini_batch\": 1, \"optimizer\": "
        "\"sgd\", \"lr\": {\"base\": 0}, \"stop\": {\"steps\": 12}, \"eval\": {\"every_examples\": "
        "8}, "
        "\"curvature\": {\"every_examples\": 8, \"examples\": 64, \"probes\": 60, \"iterations\": "
        "60}}";
    ReadTrial *trial = read_trial(text, arena);
    KeptRun run = run_trial(trial, 3, 2, arena);
    assert_int_equal(run.n_curvatures, TIMES);
    Exact exact = exact_new(trial, run.weights, run.n_weights, arena);
    CurvatureRow wanted = exact_row(&exact, arena);
    double trace_h_sigma = 0;
    for (int t = 0; t < TIMES; t++)
        trace_h_sigma += run.curvatures[t].trace_h_sigma / TIMES;
    const CurvatureRow *row = &run.curvatures[TIMES - 1];
    near("G'HG", row->ghg, wanted.ghg, 1e-3);
    near("|G|^2", row->grad_sqnorm, wanted.grad_sqnorm, 1e-5);
    near("tr(Sigma)", row->noise_trace, wanted.noise_trace, 1e-5);
    near("|G|^2 / G'HG", row->lr_max, wanted.grad_sqnorm / wanted.ghg, 1e-3);
    near("tr(H Sigma)", trace_h_sigma, wanted.trace_h_sigma, 0.1);
    near("top eigenvalue", row->top_eigenvalue, wanted.top_eigenvalue, 2e-3);
    arena_end(arena);
}

/* ---- beside training */

static const char *trial_text(const char *curvature, Arena *arena) {
    return arena_print(
        arena,
        "{\"dataset\": \"blobs\", \"model\": {\"name\": \"mlp\", \"hidden\": [12]}, "
        "\"global_batch\": "
        "64, \"mini_batch\": 8, \"optimizer\": \"adamw\", \"lr\": {\"base\": 0.01}, \"stop\": "
        "{\"steps\": 30}, \"eval\": {\"every_examples\": 300}%s}",
        curvature);
}

static void test_curvature__training_does_not_notice(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *asked =
        ", \"curvature\": {\"every_examples\": 600, \"examples\": 200, \"probes\": 3, "
        "\"iterations\": 3}, \"noise\": {\"preconditioned\": true}";
    const char *other = ", \"noise\": {\"preconditioned\": true}";
    KeptRun without = run_trial(read_trial(trial_text(other, arena), arena), 4, 1, arena);
    KeptRun runs[3];
    for (int t = 1; t <= 3; t++)
        runs[t - 1] = run_trial(read_trial(trial_text(asked, arena), arena), 4, t, arena);
    assert_int_equal(without.n_curvatures, 0);
    for (int k = 0; k < 3; k++) {
        assert_int_equal(runs[k].n_curvatures, 3); /* 1,920 examples, every 600 */
        for (int i = 0; i < 3; i++)
            assert_true(runs[k].curvatures[i].examples / 600 > i);
        assert_memory_equal(runs[k].curvatures, runs[0].curvatures, 3 * sizeof(CurvatureRow));
        for (int s = 0; s < 30; s++)
            assert_memory_equal(&runs[k].steps[s], &without.steps[s], offsetof(StepRow, sample_s));
        assert_memory_equal(runs[k].weights, without.weights,
                            sizeof(float) * (size_t)without.n_weights);
    }
    arena_end(arena);
}

static void test_curvature__absent_leaves_trial_ids_alone(void **state) {
    (void)state;
    Arena *arena = arena_new();
    ReadTrial *without = read_trial(trial_text("", arena), arena);
    ReadTrial *with =
        read_trial(trial_text(", \"curvature\": {\"every_examples\": 600}", arena), arena);
    assert_null(json_find(trial_write(&without->settings, arena), "curvature"));
    assert_non_null(json_find(trial_write(&with->settings, arena), "curvature"));
    ReadTrial *few = read_trial(
        trial_text(", \"curvature\": {\"every_examples\": 600, \"examples\": 15}", arena), arena);
    Timeline timeline;
    Error *error = timeline_new(&timeline, &few->settings, 1000);
    assert_non_null(error);
    assert_non_null(strstr(error_text(error), "mini-batches of 8"));
    error_end(error);
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_curvature__is_exact_on_the_noisy_quadratic),
        cmocka_unit_test(test_curvature__agrees_with_a_witness_in_double),
        cmocka_unit_test(test_curvature__training_does_not_notice),
        cmocka_unit_test(test_curvature__absent_leaves_trial_ids_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
