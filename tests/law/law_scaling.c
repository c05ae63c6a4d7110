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
LAW(documented)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law_scaling__one_at_the_base_batch),
        cmocka_unit_test(law_scaling__finite_and_positive),
        cmocka_unit_test(law_scaling__between_none_and_linear),
        cmocka_unit_test(law_scaling__documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
