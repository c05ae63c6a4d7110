/* The figure of noise scales by tensor: what its table holds of invented runs whose tensors share
 * the gradient in known parts. */
#include "lab/analyze/figure.h"
#include "tests/unit/fixture_runs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static const FigureType *figure(void) {
    return (const FigureType *)figure_table[FIGURE_ID_noise_layers];
}

enum {
    PANEL,
    SERIES,
    GLOBAL_BATCH,
    LINE,
    PLACE,
    TENSOR,
    SCALE,
    LOW,
    HIGH,
    BLOCKS,
    NOISE,
    GRADIENT
};

/* Of the noise the tensors have 8, 4, 2 and 1 fifteenths, of |G|^2 a quarter each. */
static void test_noise_layers__tensors_stand_by_their_share(void **state) {
    (void)state;
    Arena *arena = arena_new();
    int n;
    RunRecord *runs = fixture_study(&n, 3, arena);
    const Results *results = results_make(NULL, NULL, runs, n, arena);
    assert_null(figure()->missing(results, arena));
    Table *table = figure()->table(results, arena);
    assert_true(table_rows(table) > 5 * FIXTURE_TENSORS);
    int n_intervals = 0, n_lines[4] = {0};
    for (int r = 0; r < table_rows(table); r++) {
        int place = (int)table_at(table, r, PLACE).number, whole = r - r % (FIXTURE_TENSORS + 1);
        assert_int_equal(place, r - whole); /* they come by name, which is by share here */
        double scale = table_at(table, r, SCALE).number, low = table_at(table, r, LOW).number,
               high = table_at(table, r, HIGH).number;
        n_lines[(int)table_at(table, r, LINE).number]++;
        if (place == 0) {
            assert_string_equal(table_at(table, r, TENSOR).text, "whole gradient");
            assert_true(table_at(table, r, NOISE).number == 1);
            continue;
        }
        assert_true(fabs(table_at(table, r, NOISE).number - (16 >> place) / 15.0) < 1e-9);
        assert_true(fabs(table_at(table, r, GRADIENT).number - 0.25) < 0.1);
        if (isnan(low) || isnan(high))
            continue;
        assert_true(low < scale && scale < high);
        n_intervals++;
    }
    assert_true(n_intervals > 20);
    assert_true(n_lines[1] > 0 && n_lines[2] > 0 && n_lines[3] > 0 && n_lines[0] > n_lines[1]);
    arena_end(arena);
}

/* Cells of which every run diverged are in the table, but not in the picture. */
static void test_noise_layers__diverged_cells_are_not_drawn(void **state) {
    (void)state;
    Arena *arena = arena_new();
    RunRecord runs[4];
    for (int i = 0; i < 4; i++) {
        FixtureRun run = {.optimizer = {"momentum", 24, 70000, 0, i < 2 ? 0 : 64},
                          .global_batch = i < 2 ? 64 : 1024,
                          .seed = (uint64_t)i,
                          .replicas = 1};
        runs[i] = fixture_run(&run, arena);
    }
    Table *table = figure()->table(results_make(NULL, NULL, runs, 4, arena), arena);
    for (int r = 0; r < table_rows(table); r++)
        assert_int_equal(table_at(table, r, LINE).number > 0,
                         table_at(table, r, GLOBAL_BATCH).number == 64);
    arena_end(arena);
}

/* A line of which every run diverged has no panel: gnuplot refuses an empty one. */
static void test_noise_layers__a_line_that_diverged_has_no_panel(void **state) {
    (void)state;
    Arena *arena = arena_new();
    RunRecord runs[8];
    for (int i = 0; i < 8; i++) {
        const char *name = i < 4 ? "lamb" : "momentum";
        FixtureRun run = {.optimizer = {name, 24, 70000, 0, i < 4 ? 1 : 0},
                          .global_batch = i % 4 < 2 ? 64 : 1024,
                          .seed = (uint64_t)i,
                          .replicas = 1};
        runs[i] = fixture_run(&run, arena);
    }
    const Results *results = results_make(NULL, NULL, runs, 8, arena);
    assert_null(figure()->missing(results, arena));
    Table *table = figure()->table(results, arena);
    int n_of[2] = {0};
    for (int r = 0; r < table_rows(table); r++) {
        bool momentum = strncmp(table_at(table, r, SERIES).text, "momentum", 8) == 0;
        assert_int_equal(table_at(table, r, PANEL).number, momentum ? 1 : 0);
        n_of[momentum]++;
    }
    assert_true(n_of[0] > 0 && n_of[1] > 0);
    assert_non_null(figure()->missing(results_make(NULL, NULL, runs, 4, arena), arena));
    arena_end(arena);
}

static void test_noise_layers__says_why_there_is_nothing(void **state) {
    (void)state;
    Arena *arena = arena_new();
    int n;
    RunRecord *runs = fixture_study(&n, 1, arena);
    for (int i = 0; i < n; i++)
        for (int e = 0; e < runs[i].n_evals * FIXTURE_TENSORS; e++)
            runs[i].layers[e].noise_trace = NAN; /* an older program's */
    const char *reason = figure()->missing(results_make(NULL, NULL, runs, n, arena), arena);
    assert_non_null(strstr(reason, "no run recorded"));
    for (int i = 0; i < n; i++)
        runs[i].header.n_layers = 1;
    reason = figure()->missing(results_make(NULL, NULL, runs, n, arena), arena);
    assert_non_null(strstr(reason, "one tensor"));
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_noise_layers__tensors_stand_by_their_share),
        cmocka_unit_test(test_noise_layers__diverged_cells_are_not_drawn),
        cmocka_unit_test(test_noise_layers__a_line_that_diverged_has_no_panel),
        cmocka_unit_test(test_noise_layers__says_why_there_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
