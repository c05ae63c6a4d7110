/* What holds for every registered scaling rule at its defaults. */
#include "optim/schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

static void for_each_scaling(void (*law)(const ScalingType *type, const void *settings)) {
    Arena *arena = arena_new();
    for (int i = 0; i < SCALING_N; i++) {
        const Kind *kind;
        void *settings;
        Error *error = kind_read(&kind, &settings, json_text(scaling_table[i]->name, arena),
                                 scaling_table, SCALING_N, "scaling rule", NULL, arena);
        if (error)
            fail_msg("%s: %s", scaling_table[i]->name, error_text(error));
        assert_ptr_equal(kind, scaling_table[i]);
        law((const ScalingType *)kind, settings);
    }
    arena_end(arena);
}

/* At the batch that the base rate was tuned at, the base rate: exactly. */
static void one_at_the_base_batch(const ScalingType *type, const void *settings) {
    assert_true(type->factor(settings, 1) == 1);
}

static void finite_and_positive(const ScalingType *type, const void *settings) {
    for (int e = -20; e <= 20; e++) {
        double factor = type->factor(settings, ldexp(1, e));
        if (!(isfinite(factor) && factor > 0))
            fail_msg("%s: factor %g at k = 2^%d", type->kind.name, factor, e);
    }
}

/* A larger batch never asks for a smaller rate, nor for more than linear scaling. */
static void between_none_and_linear(const ScalingType *type, const void *settings) {
    for (double k = 1; k <= 1024; k *= 1.25) {
        double factor = type->factor(settings, k), next = type->factor(settings, 1.25 * k);
        if (!(factor >= 1 && factor <= k && next >= factor))
            fail_msg("%s: factor %g at k = %g, then %g", type->kind.name, factor, k, next);
    }
}

/* Rules that follow the noise: 1 at the base batch, between 1 and k, more with more noise; and no
 * number from none. */
static void gain_follows_the_noise(const ScalingType *type, const void *settings) {
    if (!type->gain)
        return;
    assert_true(type->factor(settings, 8) == 1 && type->half_life &&
                type->half_life(settings, 32) > 0);
    for (double k = 1; k <= 1024; k *= 2) {
        double last = 1;
        for (double noise = 1e-3; noise < 1e9; noise *= 10) {
            double gain = type->gain(settings, k, 32, noise, 0.5);
            if (!(gain >= last * (1 - 1e-12) && gain <= k * (1 + 1e-12)))
                fail_msg("%s: gain %g at k = %g and noise %g", type->kind.name, gain, k, noise);
            last = gain;
        }
        assert_true(fabs(last - k) <= 1e-3 * k); /* noise alone: linear scaling */
        assert_true(fabs(type->gain(settings, k, 32, 1e-9, 0.5) - 1) <= 1e-6);
    }
    assert_true(isnan(type->gain(settings, 4, 32, NAN, 1)) &&
                isnan(type->gain(settings, 4, 32, 1, NAN)));
    assert_true(isnan(type->gain(settings, 4, 32, 0, 0)));
}

/* A warmup is stretched by nothing at the base batch, and never shortened by a larger one. */
static void stretches_by_the_batch(const ScalingType *type, const void *settings) {
    if (!type->stretch)
        return;
    assert_true(type->stretch(settings, 1) == 1);
    for (double k = 1; k <= 1024; k *= 2)
        assert_true(type->stretch(settings, 2 * k) >= type->stretch(settings, k));
}

static void documented(const ScalingType *type, const void *settings) {
    (void)settings;
    assert_non_null(type->kind.summary);
    assert_non_null(type->kind.detail);
}

#define LAW(name)                                                                                  \
    static void law_scaling__##name(void **state) {                                                \
        (void)state;                                                                               \
        for_each_scaling(name);                                                                    \
    }

LAW(one_at_the_base_batch)
LAW(finite_and_positive)
LAW(between_none_and_linear)
LAW(gain_follows_the_noise)
LAW(stretches_by_the_batch)
LAW(documented)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law_scaling__one_at_the_base_batch),
        cmocka_unit_test(law_scaling__finite_and_positive),
        cmocka_unit_test(law_scaling__between_none_and_linear),
        cmocka_unit_test(law_scaling__gain_follows_the_noise),
        cmocka_unit_test(law_scaling__stretches_by_the_batch),
        cmocka_unit_test(law_scaling__documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
