/* Lines over the mini-batch, and the figure that draws them. */
#include "lab/analyze/figure.h"
#include "lab/analyze/lines.h"
#include "tests/unit/fixture_runs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

extern const FigureType figure_mini_batch, figure_accuracy, figure_steps_to_target,
    figure_examples_to_target;

typedef struct Point {
    int optimizer;
    int64_t global_batch, mini_batch;
} Point;

/* Two seeds of every point. */
static RunRecord *runs_of(const Point *points, int n, Arena *arena) {
    RunRecord *runs = ARENA_ARRAY(arena, RunRecord, 2 * n);
    for (int i = 0; i < 2 * n; i++) {
        const Point *point = &points[i / 2];
        FixtureRun run = {.optimizer = fixture_optimizers[point->optimizer],
                          .global_batch = point->global_batch,
                          .mini_batch = point->mini_batch,
                          .seed = (uint64_t)(i % 2),
                          .replicas = 1,
                          .mode = RUN_FULL};
        runs[i] = fixture_run(&run, arena);
    }
    return runs;
}

static Results *results_of(const Point *points, int n, Arena *arena) {
    return results_make("lines", "Which?", runs_of(points, n, arena), 2 * n, arena);
}

static void test_lines__over_the_mini_batch_at_each_global_batch(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const Point points[] = {{0, 256, 64},  {0, 256, 4}, {0, 256, 16},
                            {0, 512, 128}, {0, 512, 8}, {0, 128, 32}}; /* the last one is alone */
    const Results *results = results_of(points, 6, arena);
    Lines lines = lines_by_mini_batch(results->cells, arena);
    assert_int_equal(lines.n, 2);
    assert_string_equal(lines.line[0].label, "B = 256");
    assert_string_equal(lines.line[1].label, "B = 512");
    assert_int_equal(lines.line[0].n, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(lines.line[0].cell[i]->mini_batch, 4 << (2 * i));
        assert_int_equal(lines.line[0].cell[i]->global_batch, 256);
        assert_int_equal(lines.line[0].cell[i]->n_trials, 2);
    }
    assert_int_equal(lines.line[1].cell[0]->mini_batch, 8);
    arena_end(arena);
}

static void test_lines__over_the_mini_batch_keep_other_settings_apart(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const Point points[] = {{0, 256, 64}, {0, 256, 4}, {1, 256, 4}, {1, 256, 16}};
    RunRecord *runs = runs_of(points, 4, arena);
    const Results *results = results_make("lines", "Which?", runs, 8, arena);
    Lines lines = lines_by_mini_batch(results->cells, arena);
    assert_int_equal(lines.n, 2);
    assert_string_equal(lines.line[0].label, "B = 256, lars");
    assert_string_equal(lines.line[1].label, "B = 256, momentum");
    assert_int_equal(lines.line[0].cell[1]->mini_batch, 16);
    assert_int_equal(lines.line[1].cell[1]->mini_batch, 64);
    arena_end(arena);
}

static void test_lines__one_mini_batch_a_global_batch_is_no_line(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const Point points[] = {{0, 128, 32}, {0, 256, 64}, {0, 512, 128}};
    const Results *results = results_of(points, 3, arena);
    assert_int_equal(lines_by_mini_batch(results->cells, arena).n, 0);
    assert_null(lines_flat(&results->lines, results->cells, arena));
    assert_non_null(figure_mini_batch.missing(results, arena));
    assert_null(figure_accuracy.missing(results, arena));
    arena_end(arena);
}

/* At one global batch the figures against it would be points without lines. */
static void test_figure__mini_batch_stands_in_where_only_it_was_swept(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const Point one[] = {{0, 256, 64}, {0, 256, 4}},
                two[] = {{0, 256, 64}, {0, 256, 4}, {0, 512, 64}, {0, 512, 4}};
    const FigureType *const against_global[] = {&figure_accuracy, &figure_steps_to_target,
                                                &figure_examples_to_target};
    const Results *alone = results_of(one, 2, arena), *beside = results_of(two, 4, arena);
    assert_null(figure_mini_batch.missing(alone, arena));
    assert_null(figure_mini_batch.missing(beside, arena));
    for (int i = 0; i < 3; i++) {
        assert_non_null(strstr(against_global[i]->missing(alone, arena), "mini_batch"));
        assert_null(against_global[i]->missing(beside, arena));
    }
    arena_end(arena);
}

static void test_figure__mini_batch_tells_what_was_measured(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const Point points[] = {{0, 256, 4}, {0, 256, 64}};
    RunRecord *runs = runs_of(points, 2, arena);
    const double accuracy[] = {0.5, 0.7, 0.8, 0.9};
    for (int i = 0; i < 4; i++) {
        runs[i].summary.best_valid_accuracy = accuracy[i];
        runs[i].summary.examples_to_target = 1000 * (i + 1);
        runs[i].summary.outcome = i == 3 ? OUTCOME_BUDGET_SPENT : OUTCOME_REACHED;
    }
    const Results *results = results_make("lines", "Which?", runs, 4, arena);
    const Table *table = figure_mini_batch.table(results, arena);
    assert_int_equal(table_rows(table), 2);
    const double expected[2][4] = {{4, 0.6, 0.5, 0.7}, {64, 0.85, 0.8, 0.9}};
    for (int r = 0; r < 2; r++)
        for (int c = 0; c < 4; c++)
            assert_float_equal(table_at(table, r, 3 + c).number, expected[r][c], 1e-12);
    assert_float_equal(table_at(table, 0, 10).number, 1500, 0);
    assert_true(isnan(table_at(table, 1, 10).number)); /* half of the seeds missed */
    assert_float_equal(table_at(table, 1, 11).number, 3000, 0);
    const char *caption = figure_mini_batch.caption(results, arena);
    assert_non_null(strstr(caption, "B = 256: 60.00 % at b = 4, 85.00 % at b = 64."));
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines__over_the_mini_batch_at_each_global_batch),
        cmocka_unit_test(test_lines__over_the_mini_batch_keep_other_settings_apart),
        cmocka_unit_test(test_lines__one_mini_batch_a_global_batch_is_no_line),
        cmocka_unit_test(test_figure__mini_batch_stands_in_where_only_it_was_swept),
        cmocka_unit_test(test_figure__mini_batch_tells_what_was_measured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
