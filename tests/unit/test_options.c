/* What a trial may add to the plain loop: clipping, label smoothing, averaged weights, rules for tensors. */
#include "tests/unit/trial_helper.h"

#include "lab/base/vec.h"
#include "lab/nn/loss.h"
#include "lab/train/layer_rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

static const char *one_step(const char *extra, Arena *arena) {
    return arena_print(arena,
                       "{\"dataset\": {\"name\": \"blobs\"}, \"model\": {\"name\": \"mlp\", \"hidden\": [12]},"
                       "\"global_batch\": 64, \"mini_batch\": 16, \"optimizer\": {\"name\": \"sgd\"},"
                       "\"lr\": {\"base\": 1}, \"stop\": {\"steps\": 1}%s}",
                       extra);
}

/* Norm of what one step with lr = 1 moved each tensor, and the whole; from the weights alone. */
static double moved(const char *extra, double per_tensor[4], double *grad_norm) {
    Arena *arena = arena_new();
    ReadTrial *trial = read_trial(one_step(extra, arena), arena);
    KeptRun run = run_trial(trial, 5, 1, arena);
    ModelInput input = {trial->data.n_features, trial->data.n_classes, {1, 1, trial->data.n_features}, 1};
    Model *model;
    must(model_new(&model, trial->settings.model, trial->settings.model_settings, &input, 16, arena));
    float *start = ARENA_ARRAY(arena, float, model->n_weights);
    model->type->init(model, 5, start);
    double whole = 0;
    for (int i = 0; i < model->n_segments; i++) {
        double sum = 0;
        for (int64_t k = 0; k < model->segments[i].n; k++) {
            double d = (double)run.weights[model->segments[i].offset + k] - (double)start[model->segments[i].offset + k];
            sum += d * d;
        }
        per_tensor[i] = sqrt(sum);
        whole += sum;
    }
    *grad_norm = run.steps[0].grad_norm;
    arena_end(arena);
    return sqrt(whole);
}

static void test_options__clipping_bounds_the_step(void **state) {
    (void)state;
    double free_part[4], part[4], norm, same;
    double whole = moved("", free_part, &norm);
    assert_true(fabs(whole / norm - 1) < 1e-5);
    double clipped = moved(", \"clip\": {\"norm\": 0.1}", part, &same);
    assert_true(fabs(clipped - 0.1) < 1e-6);
    assert_true(same == norm); /* the recorded norm is of the gradient as it was */
    for (int i = 0; i < 4; i++)
        assert_true(fabs(part[i] / free_part[i] - 0.1 / norm) < 1e-4);
    assert_true(moved(", \"clip\": {\"norm\": 1000}", part, &same) == whole); /* far away: not a bit changes */
    double limit = free_part[0] * 0.5;
    char text[96];
    snprintf(text, sizeof text, ", \"clip\": {\"norm\": %.9g, \"scope\": \"layer\", \"form\": \"torch\"}", limit);
    moved(text, part, &same);
    for (int i = 0; i < 4; i++) {
        double wanted = free_part[i] < limit ? free_part[i] : limit * free_part[i] / (free_part[i] + 1e-6);
        assert_true(fabs(part[i] / wanted - 1) < 1e-4);
    }
}

/* The gradient with respect to the logits is softmax - target, in double. */
static void test_options__label_smoothing_changes_the_target_only(void **state) {
    (void)state;
    enum { K = 5 };
    const float logits[K] = {0.5f, -1.0f, 2.0f, 0.0f, 0.25f};
    const int32_t label = 2;
    double sum = 0, row;
    for (int j = 0; j < K; j++)
        sum += exp((double)logits[j]);
    for (int others = 0; others < 2; others++)
        for (double e = 0; e < 0.5; e += 0.1) {
            float z[K];
            int64_t n_correct;
            memcpy(z, logits, sizeof z);
            double loss = loss_cross_entropy(z, &row, &label, 1, K, loss_target(e, others, K), &n_correct);
            assert_true(fabs(loss - (log(sum) - (double)logits[label])) < 1e-6); /* reported unsmoothed */
            assert_int_equal(n_correct, 1);
            double total = 0;
            for (int j = 0; j < K; j++) {
                double target = others ? (j == label ? 1 - e : e / (K - 1)) : e / K + (j == label ? 1 - e : 0);
                assert_true(fabs((double)z[j] - (exp((double)logits[j]) / sum - target)) < 1e-6);
                total += (double)z[j];
            }
            assert_true(fabs(total) < 1e-6);
        }
}

/* Without noise th_t = (1 - a h)^t; the average follows avg += (1 - keep)(th - avg), and its risk is what is evaluated. */
static void test_options__evaluation_sees_the_averaged_weights(void **state) {
    (void)state;
    enum { DIM = 3, STEPS = 20 };
    Arena *arena = arena_new();
    KeptRun run = run_trial(read_trial("{\"dataset\": {\"name\": \"noisy_quadratic\"},"
                                       "\"model\": {\"name\": \"noisy_quadratic\", \"dim\": 3, \"noise\": 0},"
                                       "\"global_batch\": 8, \"mini_batch\": 2, \"optimizer\": {\"name\": \"sgd\"},"
                                       "\"lr\": {\"base\": 0.3}, \"stop\": {\"steps\": 20}, \"eval\": {\"every_examples\": 8},"
                                       "\"weight_ema\": {\"half_life_examples\": 24}}", arena),
                            0, 1, arena);
    double keep = pow(0.5, 8.0 / 24), theta[DIM] = {1, 1, 1}, average[DIM] = {1, 1, 1};
    for (int t = 0; t < STEPS; t++) {
        double risk = 0;
        for (int i = 0; i < DIM; i++) {
            double h = 1.0 / (i + 1);
            theta[i] *= 1 - 0.3 * h;
            average[i] += (1 - keep) * (theta[i] - average[i]);
            risk += 0.5 * h * average[i] * average[i];
        }
        assert_true(fabs(run.evals[t].valid_loss / risk - 1) < 1e-4);
    }
    arena_end(arena);
}

static void test_options__rules_change_flags_by_name(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const Segment segments[] = {{.name = "layer1.weight", .n = 1, .decay = true, .adapt = true}, {.name = "layer1.bias", .n = 1},
                                {.name = "layer2.bias", .n = 1}};
    const LayerRule rules[] = {{"*.bias", 1, -1}, {"layer2.*", 0, 1}}, wrong[] = {{"layer9.*", 1, 1}};
    const Segment *out;
    must(layer_rules_apply(&out, rules, 2, segments, 3, arena));
    assert_true(out[0].decay && out[0].adapt);
    assert_true(out[1].decay && !out[1].adapt);
    assert_true(!out[2].decay && out[2].adapt);
    Error *error = layer_rules_apply(&out, wrong, 1, segments, 3, arena);
    assert_non_null(error);
    assert_non_null(strstr(error_text(error), "layer1.bias"));
    error_end(error);
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options__clipping_bounds_the_step),
        cmocka_unit_test(test_options__label_smoothing_changes_the_target_only),
        cmocka_unit_test(test_options__evaluation_sees_the_averaged_weights),
        cmocka_unit_test(test_options__rules_change_flags_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
