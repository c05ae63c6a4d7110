/* The points of a search. */
#include "lab/sweep/search.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void place(double *u, int algorithm, int n_axes, uint64_t seed, int64_t point) {
    int64_t levels[SEARCH_MAX_AXES] = {0};
    ((const SearchType *)search_table[algorithm])->place(u, n_axes, levels, seed, point);
}

/* ---- halton */

/* On axis j, p_j^k points in a row from a multiple of p_j^k: one in each of as many equal
 * intervals.
 */
static void test_search__halton_fills_every_interval_once(void **state) {
    (void)state;
    static const int base[] = {2, 3, 5, 7, 11, 13};
    for (int axis = 0; axis < 6; axis++)
        for (int n = base[axis]; n <= 128; n *= base[axis])
            for (int first = 0; first < 3 * n; first += n) {
                int count[128] = {0};
                for (int i = 0; i < n; i++) {
                    double u[6];
                    place(u, SEARCH_ID_halton, 6, 5, first + i);
                    count[(int)(u[axis] * n)]++;
                }
                for (int i = 0; i < n; i++)
                    assert_int_equal(count[i], 1);
            }
}

/* L2 star discrepancy (Warnock 1972). */
static double discrepancy(int algorithm, int n_axes, uint64_t seed, int n) {
    double x[64][SEARCH_MAX_AXES], one = 0, two = 0;
    for (int i = 0; i < n; i++)
        place(x[i], algorithm, n_axes, seed, i);
    for (int i = 0; i < n; i++) {
        double product = 1;
        for (int k = 0; k < n_axes; k++)
            product *= (1 - x[i][k] * x[i][k]) / 2;
        one += product;
        for (int j = 0; j < n; j++) {
            product = 1;
            for (int k = 0; k < n_axes; k++)
                product *= 1 - fmax(x[i][k], x[j][k]);
            two += product;
        }
    }
    return sqrt(pow(3, -n_axes) - 2 * one / n + two / n / n);
}

static void test_search__halton_is_more_even_than_random(void **state) {
    (void)state;
    static const int axes[] = {1, 2, 4}; /* 32 points say little in more dimensions */
    static const double at_most[] = {0.3, 0.5, 0.8};
    for (int i = 0; i < 3; i++) {
        double halton = 0, uniform = 0;
        for (uint64_t seed = 0; seed < 20; seed++) {
            halton += discrepancy(SEARCH_ID_halton, axes[i], seed, 32);
            uniform += discrepancy(SEARCH_ID_random, axes[i], seed, 32);
        }
        assert_true(halton < at_most[i] * uniform);
    }
}

/* Without permuted digits the axes of large primes run along each other: 16 points of bases 59 and
 * 61 would lie on a line. */
static void test_search__many_axes_do_not_run_along_each_other(void **state) {
    (void)state;
    double worst = 0, mean = 0;
    int n_pairs = 0;
    for (int a = 12; a < SEARCH_MAX_AXES; a++)
        for (int b = a + 1; b < SEARCH_MAX_AXES; b++) {
            double sx = 0, sy = 0, sxy = 0, sxx = 0, syy = 0;
            for (int i = 0; i < 32; i++) {
                double u[SEARCH_MAX_AXES];
                place(u, SEARCH_ID_halton, SEARCH_MAX_AXES, 0, i);
                sx += u[a], sy += u[b], sxy += u[a] * u[b], sxx += u[a] * u[a], syy += u[b] * u[b];
            }
            double r =
                fabs((32 * sxy - sx * sy) / sqrt((32 * sxx - sx * sx) * (32 * syy - sy * sy)));
            worst = fmax(worst, r);
            mean += r;
            n_pairs++;
        }
    assert_true(worst < 0.75 && mean / n_pairs < 0.2); /* independent: 0.14 on average */
}

/* The points of a study are part of its trials' ids: these may never change. */
static void test_search__points_are_pinned(void **state) {
    (void)state;
    static const double halton[3][2] = {
        {0.7703815326, 0.1287760829}, {0.2703815326, 0.7954427495}, {0.5203815326, 0.4621094162}};
    static const double uniform[3][2] = {
        {0.1137844835, 0.3506570966}, {0.8022054464, 0.7454675232}, {0.4082614255, 0.3864288687}};
    for (int i = 0; i < 3; i++) {
        double u[2];
        place(u, SEARCH_ID_halton, 2, 0, i);
        for (int k = 0; k < 2; k++)
            assert_true(fabs(u[k] - halton[i][k]) < 1e-9);
        place(u, SEARCH_ID_random, 2, 0, i);
        for (int k = 0; k < 2; k++)
            assert_true(fabs(u[k] - uniform[i][k]) < 1e-9);
    }
}

static void test_search__a_grid_has_every_combination_once(void **state) {
    (void)state;
    const SearchType *grid = (const SearchType *)search_table[SEARCH_ID_grid];
    const int64_t levels[] = {3, 1, 4};
    int seen[3][4] = {{0}};
    for (int64_t point = 0; point < 12; point++) {
        double u[3];
        grid->place(u, 3, levels, 9, point);
        assert_true(u[1] == 0.5);
        seen[(int)lround(u[0] * 2)][(int)lround(u[2] * 3)]++;
    }
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 4; k++)
            assert_int_equal(seen[i][k], 1);
}

/* ---- fresh seeds */

static void test_search__fresh_seeds_are_not_the_first(void **state) {
    (void)state;
    uint64_t seeds[4];
    search_fresh_seeds(seeds, 4, (const uint64_t[]){0}, 1);
    for (int i = 0; i < 4; i++)
        assert_true(seeds[i] == (uint64_t)i + 1);
    search_fresh_seeds(seeds, 4, (const uint64_t[]){7, 9, 3}, 3);
    static const uint64_t listed[] = {9, 3, 8, 10};
    assert_memory_equal(seeds, listed, sizeof listed);
    search_fresh_seeds(seeds, 2, (const uint64_t[]){UINT64_MAX}, 1);
    assert_true(seeds[0] == 0 && seeds[1] == 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_search__halton_fills_every_interval_once),
        cmocka_unit_test(test_search__halton_is_more_even_than_random),
        cmocka_unit_test(test_search__many_axes_do_not_run_along_each_other),
        cmocka_unit_test(test_search__points_are_pinned),
        cmocka_unit_test(test_search__a_grid_has_every_combination_once),
        cmocka_unit_test(test_search__fresh_seeds_are_not_the_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
