/* Distributions of small samples against printed tables and each other. */
#include "lab/base/stats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <math.h>

/* cmocka compares in single precision. */
static void near(double value, double expected, double tolerance) {
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%.17g is not %.17g within %g", value, expected, tolerance);
}

static void test_stats__f_tail_agrees_with_tables_and_with_t(void **state) {
    (void)state;
    near(stats_f_tail(3.490295, 3, 12), 0.05, 1e-6);
    near(stats_f_tail(5.994339, 4, 10), 0.01, 1e-6);
    for (double df = 1; df < 50; df *= 3) {
        double t = stats_t_quantile(0.9, df);
        near(stats_f_tail(t * t, 1, df), 0.1, 1e-9);
    }
    near(stats_f_tail(0, 3, 12), 1, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stats__f_tail_agrees_with_tables_and_with_t),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
