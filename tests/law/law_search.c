/* Every search algorithm: a point is a function of (seed, number) alone and lies in the space. */
#include "lab/sweep/algorithm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { AXES = SEARCH_MAX_AXES, POINTS = 300 };

static const SearchType *algorithm(int i) {
    return (const SearchType *)search_table[i];
}

static void levels_of(int64_t *levels) {
    for (int i = 0; i < AXES; i++)
        levels[i] = i < 8 ? 2 + i % 3 : 1;
}

static void test_search__places_lie_in_the_space(void **state) {
    (void)state;
    int64_t levels[AXES];
    levels_of(levels);
    for (int i = 0; i < SEARCH_N; i++)
        for (int64_t point = 0; point < POINTS; point++) {
            double u[AXES];
            algorithm(i)->place(u, AXES, levels, 7, point);
            for (int axis = 0; axis < AXES; axis++)
                assert_true(u[axis] >= 0 && u[axis] <= 1);
        }
}

static void test_search__a_point_does_not_depend_on_the_others(void **state) {
    (void)state;
    int64_t levels[AXES];
    levels_of(levels);
    for (int i = 0; i < SEARCH_N; i++) {
        static const int64_t order[] = {5, 0, 299, 17, 5, 0};
        double seen[POINTS][AXES];
        for (int64_t point = 0; point < POINTS; point++)
            algorithm(i)->place(seen[point], AXES, levels, 3, point);
        for (size_t k = 0; k < sizeof order / sizeof *order; k++) {
            double u[AXES];
            algorithm(i)->place(u, AXES, levels, 3, order[k]);
            assert_memory_equal(u, seen[order[k]], sizeof u);
        }
    }
}

/* Further axes leave the first ones where they are, but for a grid, which counts through all. */
static void test_search__axes_are_independent(void **state) {
    (void)state;
    for (int i = 0; i < SEARCH_N; i++)
        for (int64_t point = 0; point < POINTS && !algorithm(i)->counts_levels; point++) {
            double few[2], many[AXES];
            int64_t levels[AXES] = {0};
            algorithm(i)->place(few, 2, levels, 11, point);
            algorithm(i)->place(many, AXES, levels, 11, point);
            assert_memory_equal(few, many, sizeof few);
        }
}

static void test_search__another_seed_is_another_sample(void **state) {
    (void)state;
    for (int i = 0; i < SEARCH_N; i++) {
        int64_t levels[AXES] = {0};
        int same = 0;
        for (int64_t point = 0; point < POINTS && !algorithm(i)->counts_levels; point++) {
            double a[AXES], b[AXES];
            algorithm(i)->place(a, AXES, levels, 0, point);
            algorithm(i)->place(b, AXES, levels, 1, point);
            same += memcmp(a, b, sizeof a) == 0;
        }
        assert_int_equal(same, 0);
    }
}

static void test_search__has_a_page(void **state) {
    (void)state;
    for (int i = 0; i < SEARCH_N; i++)
        assert_true(search_table[i]->summary && search_table[i]->detail);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_search__places_lie_in_the_space),
        cmocka_unit_test(test_search__a_point_does_not_depend_on_the_others),
        cmocka_unit_test(test_search__axes_are_independent),
        cmocka_unit_test(test_search__another_seed_is_another_sample),
        cmocka_unit_test(test_search__has_a_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
