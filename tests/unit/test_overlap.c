#include "lab/analyze/overlap.h"

#include "lab/analyze/work.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void near(double x, double expected, double within) {
    if (!(fabs(x - expected) <= within))
        fail_msg("%.9g instead of %.9g", x, expected);
}

static void test_overlap__exponent_is_the_inverse_of_join(void **state) {
    (void)state;
    for (double g = 1; g < 9.5; g += 0.7)
        near(overlap_exponent(0.03, 0.02, work_join(0.03, 0.02, g)), g, 1e-9);
    near(overlap_exponent(0.03, 0.02, 0.06), 1, 0);            /* longer than one after other */
    near(overlap_exponent(0.03, 0.02, 0.03), OVERLAP_MOST, 0); /* all is hidden */
}

/* A step of 3 ms passes, 4 ms sum and 1 ms of something else; `both_s` in buckets. */
static Timing layout(const RunHeader *header, int64_t global_batch, double both_s) {
    Timing out = {.work = "w", .header = header, .global_batch = global_batch, .replicas = 2};
    out.hosts = 2;
    out.stage_s[STAGE_SAMPLE] = 1e-3;
    out.stage_s[STAGE_COMPUTE] = 2e-3;
    out.stage_s[STAGE_REDUCE] = 4e-3;
    out.step_s = both_s + 1e-3;
    return out;
}

static void test_overlap__is_fitted_to_layouts_timed_both_ways(void **state) {
    (void)state;
    Arena *arena = arena_new();
    RunHeader whole = {.model = "mlp", .dataset = "glyphs", .optimizer = "sgd"};
    whole.collective = "tree";
    RunHeader parts = whole, other = whole;
    parts.bucket_kib = 512;
    other.model = "simple_cnn";
    Timing all[] = {
        layout(&whole, 64, 7e-3),   layout(&parts, 64, 5e-3),   /* sqrt(3^2 + 4^2): 2 */
        layout(&whole, 128, 7e-3),  layout(&whole, 256, 7e-3),  /* never in buckets */
        layout(&parts, 512, 5e-3),                              /* never whole */
        layout(&whole, 1024, 7e-3), layout(&parts, 1024, 5e-3), /* too many for the cores */
    };
    all[6].oversubscribed = all[5].oversubscribed = true;
    Timings timings = {7, all};
    Overlap overlap = overlap_fit(&timings, &whole, arena);
    assert_int_equal(overlap.n, 1);
    near(overlap.exponent, 2, 1e-9);
    overlap = overlap_fit(&timings, &other, arena);
    assert_int_equal(overlap.n, 0);
    assert_true(isnan(overlap.exponent));
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_overlap__exponent_is_the_inverse_of_join),
        cmocka_unit_test(test_overlap__is_fitted_to_layouts_timed_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
