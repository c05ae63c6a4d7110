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

/* shared/specs/optimizer_fixtures.json, noise_scale: g = (1,2) (2,0) (0,1) (3,1), so |gbar|^2 = 3.25 and mean |g|^2 = 5. */
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
    noise_see(&smooth, (NoiseEstimate){NAN, NAN}, NOISE_DECAY); /* not an estimate: nothing changes */
    assert_true(fabs(noise_scale(&smooth) - 2) < 1e-6);
}

/* At frozen weights the mean of the estimates over many steps is the truth about the training set, computed here from every
 * example's own gradient: |G|^2 of the full gradient and tr(Sigma) with N - 1. B / N = 1/8, so the finite-population
 * correction matters. */
static void test_noise__is_unbiased_about_the_training_set(void **state) {
    (void)state;
    enum { N = 512, STEPS = 4000 };
    Arena *arena = arena_new();
    ReadTrial *trial = read_trial("{\"dataset\": {\"name\": \"blobs\", \"train\": 512}, \"model\": {\"name\": \"softmax\"},"
                                  "\"global_batch\": 64, \"mini_batch\": 16, \"optimizer\": {\"name\": \"sgd\"},"
                                  "\"lr\": {\"base\": 0}, \"stop\": {\"steps\": 4000}, \"eval\": {\"every_examples\": 1000000}}",
                                  arena);
    KeptRun run = run_trial(trial, 3, 1, arena);
    ModelInput input = {trial->data.n_features, trial->data.n_classes, {1, 1, trial->data.n_features}};
    Model *model;
    must(model_new(&model, trial->settings.model, trial->settings.model_settings, &input, 1, arena));
    float *weights = ARENA_ARRAY(arena, float, model->n_weights), *grad = ARENA_ARRAY(arena, float, model->n_weights);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_noise__matches_the_fixture),
        cmocka_unit_test(test_noise__scale_is_undefined_while_the_signal_is_not_positive),
        cmocka_unit_test(test_noise__is_unbiased_about_the_training_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
