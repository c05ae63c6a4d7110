/* Searches: who wins, who speaks for a cell, which axes warn. */
#include "lab/analyze/lines.h"
#include "tests/unit/fixture_search.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>

static const FixtureSearch narrow = {.min = 0.001, .max = 10, .trials = 12, .reruns = 3};

static const Cells *cells_of(const FixtureSearch *search, const char *optimizer, int64_t batch,
                             RunRecord **runs_out, Arena *arena) {
    RunRecord *runs = ARENA_ARRAY(arena, RunRecord, search->trials + search->reruns);
    int n = 0, o = strcmp(optimizer, "momentum") == 0 ? 0 : strcmp(optimizer, "lars") == 0 ? 1 : 2;
    FixtureRun base = {.optimizer = fixture_optimizers[o], .global_batch = batch};
    fixture_search_cell(runs, &n, search, &base, arena);
    if (runs_out)
        *runs_out = runs;
    return cells_make(runs, n, arena);
}

static void test_searches__a_study_is_a_line_an_optimizer(void **state) {
    (void)state;
    Arena *arena = arena_new();
    int n;
    RunRecord *runs = fixture_searched(&n, &narrow, arena);
    const Cells *cells = cells_make(runs, n, arena);
    assert_int_equal(cells->n_series, 3);
    assert_int_equal(cells->n_cells, 3 * FIXTURE_SEARCH_BATCHES);
    static const char *const names[] = {"momentum", "lars", "lamb"};
    for (int s = 0; s < 3; s++) { /* the learning rate differs everywhere and names nothing */
        assert_string_equal(cells->series[s].label, names[s]);
        assert_int_equal(cells->series[s].n_cells, FIXTURE_SEARCH_BATCHES);
        for (int i = 0; i < FIXTURE_SEARCH_BATCHES; i++)
            assert_int_equal(cells->series[s].cells[i].n_trials, narrow.reruns);
    }
    arena_end(arena);
}

/* From first principles: the least examples among the points; the median of the fresh seeds. */
static void test_searches__the_winners_reruns_speak(void **state) {
    (void)state;
    Arena *arena = arena_new();
    RunRecord *runs;
    const Cells *cells = cells_of(&narrow, "lars", 128, &runs, arena);
    assert_int_equal(cells->n_cells, 1);
    const Cell *cell = &cells->cells[0];
    double least = INFINITY, most = 0, x[3];
    int winner = -1;
    for (int p = 0; p < narrow.trials; p++) {
        double examples = runs[p].summary.examples_to_target,
               accuracy = runs[p].summary.best_valid_accuracy;
        if (examples < least || (examples == least && accuracy > most)) {
            least = examples;
            most = accuracy;
            winner = p;
        }
    }
    assert_int_equal(cell->search->winner->index, winner);
    assert_int_equal(cell->search->winner->rank, 1);
    for (int r = 0; r < 3; r++) {
        x[r] = runs[narrow.trials + r].summary.examples_to_target;
        assert_true(cell->runs[r] == &runs[narrow.trials + r]);
    }
    double low = fmin(fmin(x[0], x[1]), x[2]), high = fmax(fmax(x[0], x[1]), x[2]);
    assert_true(cell->examples.median == x[0] + x[1] + x[2] - low - high);
    assert_false(cell->selected);
    arena_end(arena);
}

/* Among many points that differ by their luck alone, the winner's own run is too good. */
static void test_searches__the_chosen_seed_is_biased_and_stays_out(void **state) {
    (void)state;
    Arena *arena = arena_new();
    FixtureSearch flat = {.min = 0.19, .max = 0.21, .trials = 40, .reruns = 5};
    int n_biased = 0;
    for (int s = 0; s < 20; s++) {
        RunRecord *runs = ARENA_ARRAY(arena, RunRecord, 45);
        int n = 0;
        FixtureRun base = {.optimizer = fixture_optimizers[1], .global_batch = 128};
        for (int p = 0; p < 40; p++) { /* every point with a seed of its own */
            base.seed = (uint64_t)(1000 + 100 * s + p);
            runs[n++] = fixture_search_run(&flat, base, p, SEARCH_POINT,
                                           0.19 * pow(0.21 / 0.19, (p + 0.5) / 40), 0.9, arena);
        }
        const Cell *alone = &cells_make(runs, n, arena)->cells[0];
        assert_true(alone->selected);
        double lr = search_value(alone->search->winner, &alone->search->axis[0])->number;
        for (int r = 0; r < 5; r++) {
            base.seed = (uint64_t)(100 * s + r);
            runs[n++] = fixture_search_run(&flat, base, alone->search->winner->index, SEARCH_RERUN,
                                           lr, 0.9, arena);
        }
        const Cell *rerun = &cells_make(runs, n, arena)->cells[0];
        assert_false(rerun->selected);
        assert_int_equal(rerun->n_trials, 5);
        n_biased += alone->examples.median < rerun->examples.median;
    }
    assert_true(n_biased >= 18);
    arena_end(arena);
}

static void test_searches__without_reruns_the_point_stands_in_and_is_marked(void **state) {
    (void)state;
    Arena *arena = arena_new();
    FixtureSearch bare = narrow;
    bare.reruns = 0;
    RunRecord *runs;
    const Cell *cell = &cells_of(&bare, "lamb", 64, &runs, arena)->cells[0];
    assert_true(cell->selected);
    assert_int_equal(cell->n_trials, 1);
    assert_true(cell->runs[0] == cell->search->winner->run);
    arena_end(arena);
}

static void test_searches__every_point_keeps_its_name(void **state) {
    (void)state;
    Arena *arena = arena_new();
    RunRecord *runs = ARENA_ARRAY(arena, RunRecord, narrow.trials);
    FixtureSearch bare = narrow;
    bare.reruns = 0;
    int n = 0;
    FixtureRun base = {.optimizer = fixture_optimizers[1], .global_batch = 32};
    fixture_search_cell(runs, &n, &bare, &base, arena);
    int diverged = 0;
    for (int p = 0; p < n; p++)
        diverged += runs[p].summary.outcome == OUTCOME_DIVERGED;
    assert_true(diverged > 0);
    runs[1].summary.outcome = OUTCOME_INTERRUPTED;
    runs[1].summary.pruned_at_step = 7;
    runs[2].summary.outcome = OUTCOME_INTERRUPTED;
    runs[3].summary.outcome = OUTCOME_FAILED;
    const SearchCell *search = cells_make(runs, n, arena)->cells[0].search;
    assert_int_equal(search->n_points, n);
    assert_int_equal(search->n_of[POINT_DIVERGED], diverged);
    assert_int_equal(search->n_of[POINT_PRUNED], 1);
    assert_int_equal(search->n_of[POINT_UNFINISHED], 1);
    assert_int_equal(search->n_of[POINT_FAILED], 1);
    assert_int_equal(search->n_of[POINT_REACHED] + search->n_of[POINT_MISSED], n - diverged - 3);
    assert_true(search_infeasible(search) == (double)diverged / (n - 2));
    for (int i = 0; i < n; i++)
        assert_int_equal(search->point[i].index, i);
    arena_end(arena);
}

static void test_searches__all_diverged_is_a_cell_that_diverged(void **state) {
    (void)state;
    Arena *arena = arena_new();
    FixtureSearch wild = {.min = 50, .max = 5000, .trials = 6, .reruns = 0};
    const Cell *cell = &cells_of(&wild, "lars", 128, NULL, arena)->cells[0];
    assert_null(cell->search->winner);
    assert_non_null(cell->search->best);
    assert_int_equal(cell->n_of[OUTCOME_DIVERGED], 1);
    assert_true(isnan(cell->examples.median));
    assert_true(search_infeasible(cell->search) == 1);
    arena_end(arena);
}

/* The best rate of LARS at 128 is 0.226; the axis ends just above, just below, or far away. */
static void test_searches__an_optimum_at_an_edge_warns(void **state) {
    (void)state;
    Arena *arena = arena_new();
    FixtureSearch low = {.min = 0.2, .max = 20, .trials = 10, .reruns = 1},
                  high = {.min = 0.0025, .max = 0.25, .trials = 10, .reruns = 1},
                  inside = {.min = 0.02, .max = 2, .trials = 10, .reruns = 1};
    const SearchCell *at_low = cells_of(&low, "lars", 128, NULL, arena)->cells[0].search;
    assert_int_equal(at_low->n_edges, 1);
    assert_false(at_low->edge[0].high);
    assert_non_null(strstr(search_edges(at_low, arena), "lower end of lr, 0.2"));
    const SearchCell *at_high = cells_of(&high, "lars", 128, NULL, arena)->cells[0].search;
    assert_int_equal(at_high->n_edges, 1);
    assert_true(at_high->edge[0].high);
    assert_non_null(strstr(search_edges(at_high, arena), "upper end of lr, 0.25"));
    const SearchCell *none = cells_of(&inside, "lars", 128, NULL, arena)->cells[0].search;
    assert_int_equal(none->n_edges, 0);
    assert_string_equal(search_edges(none, arena), "");
    arena_end(arena);
}

/* After an edge warning the range is widened; the points of both spaces are one search. */
static void test_searches__a_widened_search_counts_all_its_points(void **state) {
    (void)state;
    Arena *arena = arena_new();
    FixtureSearch before = {.min = 0.2, .max = 20, .trials = 6, .reruns = 1},
                  after = {.min = 0.002, .max = 20, .trials = 13, .reruns = 1};
    RunRecord *runs = ARENA_ARRAY(arena, RunRecord, 20);
    int n = 0;
    FixtureRun base = {.optimizer = fixture_optimizers[1], .global_batch = 128};
    fixture_search_cell(runs, &n, &before, &base, arena);
    fixture_search_cell(runs, &n, &after, &base, arena);
    const Cell *cell = &cells_make(runs, n, arena)->cells[0];
    assert_int_equal(cell->search->n_points, 19);
    assert_int_equal(cell->search->trials, 13);
    assert_true(cell->search->axis[0].min == 0.002 && cell->search->axis[0].max == 20);
    assert_int_equal(cell->n_trials, 1); /* the rerun of the winner, not of the older one */
    assert_string_equal(json_canonical(cell->search->winner->values, arena),
                        json_canonical(json_find(cell->runs[0]->search, "values"), arena));
    arena_end(arena);
}

static void test_searches__a_plain_sweep_beside_it_keeps_its_own_line(void **state) {
    (void)state;
    Arena *arena = arena_new();
    RunRecord *runs = ARENA_ARRAY(arena, RunRecord, narrow.trials + narrow.reruns + 1);
    int n = 0;
    FixtureRun base = {.optimizer = fixture_optimizers[1], .global_batch = 128};
    fixture_search_cell(runs, &n, &narrow, &base, arena);
    runs[n] = fixture_search_run(&narrow, base, 0, SEARCH_POINT, 0.3, 0.9, arena);
    runs[n].search = NULL;
    runs[n++].header.search = NULL;
    const Cells *cells = cells_make(runs, n, arena);
    assert_int_equal(cells->n_series, 2);
    assert_string_equal(cells->series[0].label, "lars");
    assert_string_equal(cells->series[1].label, "lars, tuned");
    arena_end(arena);
}

/* A trial is one, whoever asked for it: the point's run is a seed of the plain cell too. */
static void test_searches__a_plain_cell_counts_a_seed_that_is_a_point(void **state) {
    (void)state;
    Arena *arena = arena_new();
    RunRecord *runs = ARENA_ARRAY(arena, RunRecord, narrow.trials + narrow.reruns + 2);
    int n = 0;
    FixtureRun base = {.optimizer = fixture_optimizers[1], .global_batch = 128};
    fixture_search_cell(runs, &n, &narrow, &base, arena);
    const RunRecord *point = &runs[0];
    FixtureRun plain = base;
    plain.seed = 900;
    for (int i = 0; i < 2; i++, plain.seed++) {
        runs[n] = fixture_run(&plain, arena);
        runs[n].header.config = point->header.config;
        runs[n++].config = point->config;
    }
    const Cells *cells = cells_make(runs, n, arena);
    assert_int_equal(cells->n_cells, 2);
    for (int i = 0; i < 2; i++) {
        const Cell *cell = &cells->cells[i];
        assert_int_equal(cell->search ? cell->search->n_points : cell->n_trials,
                         cell->search ? narrow.trials : 3);
    }
    arena_end(arena);
}

static void test_searches__settings_read_as_a_person_says_them(void **state) {
    (void)state;
    Arena *arena = arena_new();
    FixtureSearch two = narrow;
    two.momentum_too = true;
    const SearchCell *search = cells_of(&two, "momentum", 128, NULL, arena)->cells[0].search;
    const char *text = search_settings(search, search->winner, arena);
    double lr = search_value(search->winner, &search->axis[0])->number,
           momentum = search_value(search->winner, &search->axis[1])->number;
    assert_string_equal(text, arena_print(arena, "lr %.4g, momentum %.4g", lr, momentum));
    assert_int_equal(search_axis_of(search, "optimizer.momentum"), 1);
    assert_int_equal(search_axis_of(search, "model.hidden"), -1);
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_searches__a_study_is_a_line_an_optimizer),
        cmocka_unit_test(test_searches__the_winners_reruns_speak),
        cmocka_unit_test(test_searches__the_chosen_seed_is_biased_and_stays_out),
        cmocka_unit_test(test_searches__without_reruns_the_point_stands_in_and_is_marked),
        cmocka_unit_test(test_searches__every_point_keeps_its_name),
        cmocka_unit_test(test_searches__all_diverged_is_a_cell_that_diverged),
        cmocka_unit_test(test_searches__an_optimum_at_an_edge_warns),
        cmocka_unit_test(test_searches__a_widened_search_counts_all_its_points),
        cmocka_unit_test(test_searches__a_plain_sweep_beside_it_keeps_its_own_line),
        cmocka_unit_test(test_searches__a_plain_cell_counts_a_seed_that_is_a_point),
        cmocka_unit_test(test_searches__settings_read_as_a_person_says_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
