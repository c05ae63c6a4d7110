/* Pure formulas around the learning rate: gain of a batch, clipping, companions of a scaling rule. */
#include "optim/clip.h"
#include "optim/companion.h"
#include "optim/gain.h"
#include "optim/optim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void assert_near(double got, double expected) {
    if (!(fabs(got - expected) <= 1e-12 * fmax(1, fabs(expected))))
        fail_msg("%.17g is not %.17g", got, expected);
}

/* Noise scale B_n and the pair (s2, m2) = (B_n / B_0, 1) mean the same. */
static void test_gain__is_the_noise_rules_factor(void **state) {
    (void)state;
    assert_near(gain_of(4, 1, 16), 4);
    for (double x = 0.01; x < 1e4; x *= 3)
        for (double k = 1; k < 5000; k *= 3)
            assert_near(gain_of(x, 1, k), gain_of_noise_scale(x * 256, 256, k));
}

static void test_gain__clamps_after_averaging(void **state) {
    (void)state;
    assert_near(gain_of(3, -1, 8), 8); /* no signal: linear */
    assert_near(gain_of(-3, 1, 8), 1); /* no noise: nothing gained */
    assert_true(isnan(gain_of(-1, -1, 8)));
    assert_true(isnan(gain_of(NAN, 1, 8)));
    assert_true(isnan(gain_of_noise_scale(NAN, 256, 8)) && isnan(gain_of_noise_scale(-1, 256, 8)));
}

/* (G2, var) of specs 12.1 for c = scale = 4: adaptdl's gain 1.538 */
static void test_gain__matches_adaptdl(void **state) {
    (void)state;
    assert_near(gain_of(7.0 / 3, 8.0 / 3, 4), 1.5384615384615385);
}

static void test_gain__forgets_half_in_a_half_life(void **state) {
    (void)state;
    assert_near(gain_keep(1000, 1000), 0.5);
    assert_near(pow(gain_keep(1000, 100), 10), 0.5);
    assert_near(gain_keep(0, 10), 0);
    /* the paper's theta at S = 8 and half_life 693 base batches */
    assert_true(fabs(gain_keep(693 * 32, 8 * 32) - (1 - 8 / 1000.0)) < 1e-4);
}

static void test_clip__has_two_forms(void **state) {
    (void)state;
    assert_near(clip_factor(CLIP_TF, 13, 1), 1.0 / 13);
    assert_true(clip_factor(CLIP_TF, 13, 13) == 1 && clip_factor(CLIP_TF, 13, 20) == 1);
    assert_near(clip_factor(CLIP_TORCH, 13, 1), 0.07692307100591762);
    assert_true(fabs(clip_factor(CLIP_TORCH, 13, 13) - 0.9999999230769291) < 1e-15);
    assert_true(clip_factor(CLIP_TORCH, 0, 13) == 1 && clip_factor(CLIP_TF, 0, 13) == 1);
    assert_true(isnan(clip_factor(CLIP_TF, NAN, 1)) && isnan(clip_factor(CLIP_TORCH, NAN, 1)));
    assert_true(clip_factor(CLIP_TORCH, INFINITY, 1) == 0);
}

/* beta2's half-life in examples is the same at both batches. */
static void test_companion__keeps_the_half_life(void **state) {
    (void)state;
    double beta2 = companion_beta2(COMPANION_BETA2, 0.999, 8);
    assert_near(log(0.5) / log(beta2) * 8, log(0.5) / log(0.999));
    assert_near(companion_beta1(COMPANION_BETA2, 0.9, 8), 0.9);
    assert_near(companion_beta2(COMPANION_MALLADI, 0.999, 8), 1 - 8 * 0.001);
    assert_near(companion_beta1(COMPANION_MALLADI, 0.9, 4), 0.6);
    assert_near(companion_beta1(COMPANION_MALLADI, 0.9, 64), 0); /* not below */
    assert_near(companion_eps(COMPANION_MALLADI, 1e-8, 4), 5e-9);
    assert_near(companion_beta2(COMPANION_NONE, 0.999, 8), 0.999);
}

static void test_companion__changes_a_copy(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const Kind *kind;
    void *settings;
    assert_null(kind_read(&kind, &settings, json_text("adamw", arena), optim_table, OPTIM_N, "optimizer", NULL, arena));
    const char *before = json_canonical(kind_write(kind, settings, arena), arena);
    Json *after = kind_write(kind, companion_settings(COMPANION_MALLADI, 4, kind, settings, arena), arena);
    assert_string_equal(json_canonical(kind_write(kind, settings, arena), arena), before);
    assert_near(json_find(after, "beta1")->number, 0.6);
    assert_near(json_find(after, "beta2")->number, 0.996);
    assert_near(json_find(after, "eps")->number, 5e-9);
    assert_near(json_find(after, "weight_decay")->number, 0.01);
    after = kind_write(kind, companion_settings(COMPANION_NONE, 4, kind, settings, arena), arena);
    assert_string_equal(json_canonical(after, arena), before);
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gain__is_the_noise_rules_factor),
        cmocka_unit_test(test_gain__clamps_after_averaging),
        cmocka_unit_test(test_gain__matches_adaptdl),
        cmocka_unit_test(test_gain__forgets_half_in_a_half_life),
        cmocka_unit_test(test_clip__has_two_forms),
        cmocka_unit_test(test_companion__keeps_the_half_life),
        cmocka_unit_test(test_companion__changes_a_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
