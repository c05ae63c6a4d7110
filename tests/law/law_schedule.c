/* What holds for every registered schedule at its defaults. */
#include "optim/schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

/* The factor after `tau` of `total` updates of an epoch's 90th part, without a warmup. */
static double factor_at(const ScheduleType *type, const void *settings, double tau, double total) {
    ScheduleTime time = {.now = 32 * tau,
                         .total = 32 * total,
                         .first_batch = 32,
                         .epoch = 32 * total / 90,
                         .peak = 1};
    return type->factor(settings, &time);
}

static void for_each_schedule(void (*law)(const ScheduleType *type, const void *settings)) {
    Arena *arena = arena_new();
    for (int i = 0; i < SCHEDULE_N; i++) {
        const Kind *kind;
        void *settings;
        Error *error = kind_read(&kind, &settings, json_text(schedule_table[i]->name, arena),
                                 schedule_table, SCHEDULE_N, "schedule", NULL, arena);
        if (error)
            fail_msg("%s: %s", schedule_table[i]->name, error_text(error));
        assert_ptr_equal(kind, schedule_table[i]);
        law((const ScheduleType *)kind, settings);
    }
    arena_end(arena);
}

static void in_unit_interval(const ScheduleType *type, const void *settings) {
    static const double totals[] = {0, 1, 2, 10, 999, 1e9};
    for (size_t j = 0; j < sizeof totals / sizeof totals[0]; j++)
        for (int i = 0; i <= 1100; i++) {
            double factor = factor_at(type, settings, totals[j] * i / 1000, totals[j]);
            if (!(factor >= 0 && factor <= 1))
                fail_msg("%s: factor %g at %d/1000 of %g", type->kind.name, factor, i, totals[j]);
        }
}

static void some_rate_is_positive(const ScheduleType *type, const void *settings) {
    double sum = 0;
    for (int i = 0; i < 100; i++)
        sum += factor_at(type, settings, i, 100);
    if (!(sum > 1))
        fail_msg("%s: the factors of 100 updates add up to %g", type->kind.name, sum);
}

/* A grid of ten thousand points shows a jump as a step that does not shrink with the grid. */
static void without_jumps(const ScheduleType *type, const void *settings) {
    enum { GRID = 10000 };
    for (int i = 0; i < GRID && !type->jumps; i++) {
        double step = factor_at(type, settings, i + 1, GRID) - factor_at(type, settings, i, GRID);
        if (!(fabs(step) <= 0.02))
            fail_msg("%s: jumps by %g at %d of %d", type->kind.name, step, i, (int)GRID);
    }
}

/* Twice the batch halves the updates: at the same examples the factor is the same, but for what an
 * update or so moves where the reference counts updates. */
static void function_of_examples(const ScheduleType *type, const void *settings) {
    for (int i = 0; i <= 500; i++) {
        ScheduleTime time = {
            .now = 64.0 * i, .total = 32000, .first_batch = 32, .epoch = 320, .peak = 1};
        double small = type->factor(settings, &time);
        time.first_batch = 64;
        double large = type->factor(settings, &time);
        if (!(fabs(small - large) <= (type->counts_updates ? 0.02 : 1e-12)))
            fail_msg("%s: %.17g at batch B, %.17g at 2 B", type->kind.name, small, large);
    }
}

static void held_past_the_end(const ScheduleType *type, const void *settings) {
    assert_true(factor_at(type, settings, 100, 100) == factor_at(type, settings, 250, 100));
}

/* After a warmup it starts at the peak, unless it counts from the start of the trial (as milestones
 * do). */
static void joins_the_warmup(const ScheduleType *type, const void *settings) {
    ScheduleTime time = {
        .now = 3200, .warmup = 3200, .total = 32000, .first_batch = 32, .epoch = 3200, .peak = 1};
    double factor = type->factor(settings, &time);
    if (!type->counts_updates && !(factor == 1))
        fail_msg("%s: %g where the warmup ends", type->kind.name, factor);
}

static void documented(const ScheduleType *type, const void *settings) {
    (void)settings;
    assert_non_null(type->kind.summary);
    assert_non_null(type->kind.detail);
}

#define LAW(name)                                                                                  \
    static void law_schedule__##name(void **state) {                                               \
        (void)state;                                                                               \
        for_each_schedule(name);                                                                   \
    }

LAW(in_unit_interval)
LAW(some_rate_is_positive)
LAW(without_jumps)
LAW(function_of_examples)
LAW(held_past_the_end)
LAW(joins_the_warmup)
LAW(documented)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law_schedule__in_unit_interval),
        cmocka_unit_test(law_schedule__some_rate_is_positive),
        cmocka_unit_test(law_schedule__without_jumps),
        cmocka_unit_test(law_schedule__function_of_examples),
        cmocka_unit_test(law_schedule__held_past_the_end),
        cmocka_unit_test(law_schedule__joins_the_warmup),
        cmocka_unit_test(law_schedule__documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
