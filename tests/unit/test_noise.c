#include "tests/unit/trial_helper.h"

#include "lab/base/vec.h"
#include "lab/train/noise.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <omp.h>

/* shared/specs/optimizer_fixtures.json, noise_scale: g = (1,2) (2,0) (0,1) (3,1), so |gbar|^2
 * = 3.25 and mean |g|^2 = 5. */
static void test_noise__matches_the_fixture(void **state) {
    (void)state;
    NoiseEstimate one = noise_estimate(4, 1, 5.0, 3.25, 0);
    assert_true(fabs(one.sqnorm - 2.6666666666666665) < 1e-15);
    assert_true(fabs(one.trace - 2.3333333333333335) < 1e-15);
    NoiseEstimate two = noise_estimate(2, 2, 3.25, 3.25, 0);
    assert_true(two.sqnorm == 3.25 && two.trace == 0);
    assert_true(isnan(noise_estimate(1, 8, 1, 1, 0).trace));
}

static void test_noise__scale_is_undefined_while_the_signal_is_not_positive(void **state) {
    (void)state;
    NoiseSmooth smooth = {0};
    assert_true(isnan(noise_scale(&smooth)));
    noise_see(&smooth, (NoiseEstimate){2, -1}, NOISE_DECAY);
    assert_true(isnan(noise_scale(&smooth)));
    assert_int_equal(smooth.n_undefined, 1);
    for (int i = 0; i < 2000; i++)
        noise_see(&smooth, (NoiseEstimate){6, 3}, NOISE_DECAY);
    assert_true(fabs(noise_scale(&smooth) - 2) < 1e-6);
    noise_see(&smooth, (NoiseEstimate){NAN, NAN},
              NOISE_DECAY); /* not an estimate: nothing changes */
    assert_true(fabs(noise_scale(&smooth) - 2) < 1e-6);
}

/* At frozen weights the mean of the estimates over many steps is the truth about the training set,
 * computed here from every example's own gradient: |G|^2 of the full gradient and tr(Sigma) with N
 * - 1. B / N = 1/8, so the finite-population correction matters. */
static void test_noise__is_unbiased_about_the_training_set(void **state) {
    (void)state;
    enum { N = 512, STEPS = 4000 };
    Arena *arena = arena_new();
    ReadTrial *trial = read_trial(
        "{\"dataset\": {\"name\": \"blobs\", \"train\": 512}, \"model\": {\"name\": \"softmax\"},"
        "\"global_batch\": 64, \"mini_batch\": 16, \"optimizer\": {\"name\": \"sgd\"},"
        "\"lr\": {\"base\": 0}, \"stop\": {\"steps\": 4000}, \"eval\": {\"every_examples\": "
        "1000000}}",
        arena);
    KeptRun run = run_trial(trial, 3, 1, arena);
    ModelInput input = {
        trial->data.n_features, trial->data.n_classes, {1, 1, trial->data.n_features}, 1};
    Model *model;
    must(
        model_new(&model, trial->settings.model, trial->settings.model_settings, &input, 1, arena));
    float *weights = ARENA_ARRAY(arena, float, model->n_weights),
          *grad = ARENA_ARRAY(arena, float, model->n_weights);
    float *x = ARENA_ARRAY(arena, float, model->n_features);
    double *mean = ARENA_ARRAY(arena, double, model->n_weights), sumsq = 0, full = 0;
    void *workspace = model_workspace(model, 1, arena);
    model->type->init(model, 3, weights);
    omp_set_num_threads(1);
    for (int64_t i = 0; i < N; i++) {
        int32_t y;
        dataset_gather(&trial->data, SPLIT_TRAIN, &i, 1, x, &y);
        Shard shard = {.n = 1, .x = x, .y = &y};
        ModelPass pass = {.weights = weights, .grad_sum = grad, .workspace = workspace};
        model->type->pass(model, &shard, &pass);
        sumsq += vec_sumsq(grad, model->n_weights) / N;
        for (int64_t k = 0; k < model->n_weights; k++)
            mean[k] += (double)grad[k] / N;
    }
    for (int64_t k = 0; k < model->n_weights; k++)
        full += mean[k] * mean[k];
    double exact_trace = (sumsq - full) * N / (N - 1.0), trace = 0, sqnorm = 0;
    for (int i = 0; i < STEPS; i++) {
        trace += run.steps[i].noise_trace / STEPS;
        sqnorm += run.steps[i].noise_sqnorm / STEPS;
    }
    print_message("tr: %.4f, |G|^2: %.4f of the exact value\n", trace / exact_trace, sqnorm / full);
    assert_true(fabs(trace / exact_trace - 1) < 0.01);
    assert_true(fabs(sqnorm / full - 1) < 0.01);
    arena_end(arena);
}

/* A tensor's means over the steps between two evaluations add up to the means of the whole
 * gradient's estimates over the same steps. */
static void test_noise__layers_add_up_between_evaluations(void **state) {
    (void)state;
    Arena *arena = arena_new();
    KeptRun run = run_trial(
        read_trial("{\"dataset\": {\"name\": \"blobs\", \"train\": 400}, \"model\": {\"name\": "
                   "\"mlp\", \"hidden\": [9]}, \"global_batch\": 32, \"mini_batch\": 4, "
                   "\"optimizer\": \"momentum\", \"lr\": {\"base\": 0.02}, \"stop\": {\"steps\": "
                   "50}, \"eval\": {\"every_examples\": 300}}",
                   arena),
        1, 2, arena);
    assert_true(run.n_evals >= 4 && run.n_layers == 4);
    int64_t from = 0;
    for (int e = 0; e < run.n_evals; e++) {
        double trace = 0, sqnorm = 0, sum_trace = 0, sum_sqnorm = 0;
        double n = (double)(run.evals[e].step - from);
        for (int64_t s = from; s < run.evals[e].step; s++) {
            trace += run.steps[s].noise_trace / n;
            sqnorm += run.steps[s].noise_sqnorm / n;
        }
        for (int i = 0; i < run.n_layers; i++) {
            sum_trace += run.layers[e][i].noise_trace;
            sum_sqnorm += run.layers[e][i].noise_sqnorm;
        }
        assert_true(fabs(sum_trace / trace - 1) < 1e-9);
        assert_true(fabs(sum_sqnorm - sqnorm) < 1e-9 * trace);
        from = run.evals[e].step;
    }
    arena_end(arena);
}

/* Next to no noise and frozen weights: sqrt(v) is |g|, and P = 1 / (|g| + eps). */
static void test_noise__preconditioned_is_exact_without_noise(void **state) {
    (void)state;
    Arena *arena = arena_new();
    KeptRun run = run_trial(read_trial("{\"dataset\": \"noisy_quadratic\", \"model\": {\"name\": "
                                       "\"noisy_quadratic\", \"dim\": 50, \"noise\": 1e-6},"
                                       "\"global_batch\": 64, \"mini_batch\": 4, \"optimizer\": "
                                       "{\"name\": \"adam\", \"eps\": 1, \"beta2\": 0.9999999},"
                                       "\"lr\": {\"base\": 0}, \"stop\": {\"steps\": 50}, "
                                       "\"noise\": {\"preconditioned\": true}}",
                                       arena),
                            1, 2, arena);
    for (int s = 0; s < 10; s++) /* too few gradients have been seen */
        assert_true(isnan(run.steps[s].preconditioned_trace) &&
                    isnan(run.steps[s].preconditioned_noise_scale));
    double sqnorm = 0, trace = 0;
    for (int i = 1; i <= 50; i++) {
        double h = 1.0 / i, p = 1 / (h + 1);
        sqnorm += p * p * h * h;
        trace += p * p * h * 1e-6;
    }
    double mean = 0;
    for (int s = 10; s < 50; s++) {
        assert_true(fabs(run.steps[s].preconditioned_sqnorm / sqnorm - 1) < 1e-3);
        mean += run.steps[s].preconditioned_trace / 40;
    }
    assert_true(fabs(mean / trace - 1) < 0.05);
    arena_end(arena);
}

/* At frozen weights and with a long memory v is the mean square of the gradient, (h th)^2 + c / B,
 * and so P is known. Per-example noise is in examples, whatever the shard. */
static void test_noise__preconditioned_is_exact_on_the_noisy_quadratic(void **state) {
    (void)state;
    enum { STEPS = 6000, DIM = 60, BATCH = 32 };
    for (int span = 2; span <= 8; span *= 4) {
        Arena *arena = arena_new();
        const char *text = arena_print(arena,
                                       "{\"dataset\": \"noisy_quadratic\", \"model\": {\"name\": "
                                       "\"noisy_quadratic\", \"dim\": %d, \"noise\": 4},"
                                       "\"global_batch\": %d, \"mini_batch\": %d, \"optimizer\": "
                                       "{\"name\": \"adamw\", \"beta2\": 0.9999999},"
                                       "\"lr\": {\"base\": 0}, \"stop\": {\"steps\": %d}, "
                                       "\"noise\": {\"preconditioned\": true}}",
                                       DIM, BATCH, span, STEPS);
        KeptRun run = run_trial(read_trial(text, arena), 2, 1, arena);
        double exact_trace = 0, exact_sqnorm = 0, plain_trace = 0, plain_sqnorm = 0, trace = 0,
               sqnorm = 0;
        for (int i = 1; i <= DIM; i++) {
            double h = 1.0 / i, c = 4 * h, v = h * h + c / BATCH;
            exact_trace += c / v;
            exact_sqnorm += h * h / v;
            plain_trace += c;
            plain_sqnorm += h * h;
        }
        for (int s = STEPS / 3; s < STEPS; s++) {
            trace += run.steps[s].preconditioned_trace / (STEPS - STEPS / 3);
            sqnorm += run.steps[s].preconditioned_sqnorm / (STEPS - STEPS / 3);
        }
        print_message("b = %d: tr(P Sigma P) %.4f, |P G|^2 %.4f of the exact value\n", span,
                      trace / exact_trace, sqnorm / exact_sqnorm);
        assert_true(fabs(trace / exact_trace - 1) < 0.02);
        assert_true(fabs(sqnorm / exact_sqnorm - 1) < 0.05);
        assert_true(exact_trace / exact_sqnorm >
                    3 * plain_trace / plain_sqnorm); /* another number altogether */
        arena_end(arena);
    }
}

static void test_noise__preconditioned_is_missing_where_there_is_none(void **state) {
    (void)state;
    static const char *const trials[] = {
        "\"optimizer\": \"adam\"", /* not asked for */
        "\"optimizer\": \"momentum\", \"noise\": {\"preconditioned\": true}",
    };
    for (int i = 0; i < 2; i++) {
        Arena *arena = arena_new();
        const char *text = arena_print(arena,
                                       "{\"dataset\": \"blobs\", \"model\": \"softmax\", "
                                       "\"global_batch\": 32, %s, \"lr\": {\"base\": 0.01},"
                                       "\"stop\": {\"steps\": 5}}",
                                       trials[i]);
        ReadTrial *trial = read_trial(text, arena);
        assert_true((json_find(trial_write(&trial->settings, arena), "noise") != NULL) == (i == 1));
        KeptRun run = run_trial(trial, 1, 1, arena);
        for (int s = 0; s < 5; s++)
            assert_true(isnan(run.steps[s].preconditioned_trace) &&
                        isnan(run.steps[s].preconditioned_noise_scale));
        arena_end(arena);
    }
}

/* Asking for it changes no bit of the training: leaves are added apart, as they are inside the
 * pass. */
static void test_noise__preconditioned_leaves_the_trajectory_alone(void **state) {
    (void)state;
    Arena *arena = arena_new();
    KeptRun runs[2];
    for (int i = 0; i < 2; i++)
        runs[i] = run_trial(read_trial(arena_print(arena,
                                                   "{\"dataset\": \"blobs\", \"model\": \"mlp\", "
                                                   "\"global_batch\": 64, \"mini_batch\": 4,"
                                                   "\"optimizer\": \"lamb\", \"lr\": {\"base\": "
                                                   "0.01}, \"stop\": {\"steps\": 20}, \"noise\":"
                                                   "{\"preconditioned\": %s}}",
                                                   i ? "true" : "false"),
                                       arena),
                            1, 1 + i, arena);
    for (int s = 0; s < 20; s++) {
        assert_true(runs[0].steps[s].train_loss == runs[1].steps[s].train_loss);
        assert_true(runs[0].steps[s].noise_trace == runs[1].steps[s].noise_trace);
        assert_true(s < 10 || runs[1].steps[s].preconditioned_trace > 0);
    }
    assert_true(runs[0].evals[0].valid_loss == runs[1].evals[0].valid_loss);
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_noise__matches_the_fixture),
        cmocka_unit_test(test_noise__scale_is_undefined_while_the_signal_is_not_positive),
        cmocka_unit_test(test_noise__is_unbiased_about_the_training_set),
        cmocka_unit_test(test_noise__layers_add_up_between_evaluations),
        cmocka_unit_test(test_noise__preconditioned_is_exact_without_noise),
        cmocka_unit_test(test_noise__preconditioned_is_exact_on_the_noisy_quadratic),
        cmocka_unit_test(test_noise__preconditioned_is_missing_where_there_is_none),
        cmocka_unit_test(test_noise__preconditioned_leaves_the_trajectory_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
