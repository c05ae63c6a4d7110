/* The ruler: its risk and its noise have closed forms. */
#include "lab/base/vec.h"
#include "lab/nn/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

enum { DIM = 20, EXAMPLES = 16 };

typedef struct Ruler {
    Arena *arena;
    Model *model;
    const ModelType *type;
    float weights[DIM];
    void *workspace;
} Ruler;

/* power 1.5, noise 0.7, every theta 2 */
static Ruler ruler_new(void) {
    Ruler ruler = {.arena = arena_new(),
                   .type = (const ModelType *)model_table[MODEL_ID_noisy_quadratic]};
    const char text[] = "{\"dim\": 20, \"power\": 1.5, \"noise\": 0.7, \"init\": 2}";
    void *settings = arena_alloc(ruler.arena, ruler.type->kind.settings_bytes);
    Json *object;
    assert_null(json_parse(&object, text, sizeof text - 1, "test", ruler.arena));
    assert_null(param_read(settings, ruler.type->kind.params, object, NULL, ruler.arena));
    assert_null(model_new(&ruler.model, ruler.type, settings, &(ModelInput){0, 0, {0}, 0}, EXAMPLES,
                          ruler.arena));
    assert_int_equal(ruler.model->n_weights, DIM);
    ruler.type->init(ruler.model, 1, ruler.weights);
    ruler.workspace = model_workspace(ruler.model, EXAMPLES, ruler.arena);
    return ruler;
}

static ModelPass run(Ruler *ruler, int64_t step, int64_t index, float *grad, bool accumulate) {
    Shard shard = {.n = EXAMPLES, .seed = 8, .step = step, .index = index};
    ModelPass pass = {.weights = ruler->weights,
                      .grad_sum = grad,
                      .accumulate = accumulate,
                      .workspace = ruler->workspace};
    ruler->type->pass(ruler->model, &shard, &pass);
    return pass;
}

static double curvature(int i) {
    return pow(i + 1, -1.5);
}

static void test_noisy_quadratic__loss_is_the_exact_risk(void **state) {
    (void)state;
    Ruler ruler = ruler_new();
    double risk = 0;
    for (int i = 0; i < DIM; i++)
        risk += 0.5 * curvature(i) * 2 * 2;
    float grad[DIM];
    ModelPass train = run(&ruler, 0, 0, grad, false), evaluation = run(&ruler, 0, 0, NULL, false);
    assert_true(fabs(train.loss_sum - EXAMPLES * risk) < 1e-12 * EXAMPLES * risk);
    assert_true(evaluation.loss_sum == train.loss_sum && evaluation.n_correct == 0);
    arena_end(ruler.arena);
}

/* Over many shards z_i = (g_i - n h_i theta_i) / sqrt(n c_i) is standard normal and independent. */
static void test_noisy_quadratic__noise_is_what_it_says(void **state) {
    (void)state;
    Ruler ruler = ruler_new();
    enum { STEPS = 1000, SHARDS = 4 };
    double n = (double)STEPS * SHARDS * DIM, sum = 0, sumsq = 0, neighbours = 0, shards = 0;
    float grad[DIM];
    double before[DIM] = {0};
    for (int step = 0; step < STEPS; step++)
        for (int index = 0; index < SHARDS; index++) {
            run(&ruler, step, index, grad, false);
            double last = 0;
            for (int i = 0; i < DIM; i++) {
                double h = curvature(i);
                double z = ((double)grad[i] - EXAMPLES * h * 2) / sqrt(EXAMPLES * 0.7 * h);
                sum += z, sumsq += z * z;
                neighbours += z * last, shards += z * before[i];
                last = before[i] = z;
            }
        }
    double five = 5 / sqrt(n);
    assert_true(fabs(sum / n) < five);
    assert_true(fabs(sumsq / n - 1) < five * sqrt(2.0));
    assert_true(fabs(neighbours / n) < five);
    assert_true(fabs(shards / n) < five);
    arena_end(ruler.arena);
}

static void test_noisy_quadratic__noise_depends_on_seed_step_and_shard_only(void **state) {
    (void)state;
    Ruler ruler = ruler_new();
    float first[DIM], again[DIM], other[DIM], sum[DIM];
    run(&ruler, 3, 2, first, false);
    run(&ruler, 3, 3, other, false);
    assert_memory_not_equal(first, other, sizeof first);
    run(&ruler, 4, 2, other, false);
    assert_memory_not_equal(first, other, sizeof first);
    run(&ruler, 3, 2, again, false);
    assert_memory_equal(first, again, sizeof first);
    memcpy(sum, other, sizeof sum);
    run(&ruler, 3, 2, sum, true);
    for (int i = 0; i < DIM; i++)
        assert_true(sum[i] == other[i] + first[i]);
    arena_end(ruler.arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_noisy_quadratic__loss_is_the_exact_risk),
        cmocka_unit_test(test_noisy_quadratic__noise_is_what_it_says),
        cmocka_unit_test(test_noisy_quadratic__noise_depends_on_seed_step_and_shard_only),
    };
    return cmocka_run_group_tests_name("noisy_quadratic", tests, NULL, NULL);
}
