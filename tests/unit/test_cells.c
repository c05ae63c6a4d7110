/* Cells, their labels, and the lines figures draw. */
#include "lab/analyze/answer.h"
#include "lab/analyze/cells.h"
#include "lab/analyze/labels.h"
#include "lab/analyze/lines.h"
#include "tests/unit/fixture_runs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>

static FixtureRun full(int optimizer, int64_t global_batch, uint64_t seed) {
    return (FixtureRun){.optimizer = fixture_optimizers[optimizer],
                        .global_batch = global_batch,
                        .seed = seed,
                        .replicas = 1,
                        .mode = RUN_FULL};
}

static void test_cells__spread_counts_a_miss_as_later_than_all(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Spread none = spread_make(NULL, 0, arena);
    assert_true(none.n == 0 && isnan(none.median) && isnan(none.low));
    Spread odd = spread_make((double[]){9, 1, 4}, 3, arena);
    assert_true(odd.n == 3 && odd.median == 4 && odd.low == 1 && odd.high == 9);
    Spread even = spread_make((double[]){4, 1}, 2, arena);
    assert_true(even.median == 2.5);
    Spread one_missed = spread_make((double[]){NAN, 7, 5}, 3, arena);
    assert_true(one_missed.n == 2 && one_missed.median == 7 && one_missed.high == 7);
    Spread half_missed = spread_make((double[]){NAN, 7}, 2, arena);
    assert_true(half_missed.n == 1 && isnan(half_missed.median) && half_missed.low == 7);
    arena_end(arena);
}

static void test_cells__study_is_grouped_by_everything_but_the_seed(void **state) {
    (void)state;
    Arena *arena = arena_new();
    int n;
    RunRecord *runs = fixture_study(&n, 3, arena);
    const Cells *cells = cells_make(runs, n, arena);
    assert_int_equal(cells->n_cells, 18);
    assert_int_equal(cells->n_series, 3);
    assert_string_equal(cells->series[0].label, "momentum"); /* in the order of optimizers.def */
    assert_string_equal(cells->series[1].label, "lars");
    for (int s = 0; s < 3; s++) {
        assert_int_equal(cells->series[s].n_cells, 6);
        for (int i = 0; i < 6; i++) {
            const Cell *cell = &cells->series[s].cells[i];
            assert_int_equal(cell->series, s);
            assert_int_equal(cell->n_trials, 3); /* verify runs are no trials of their own */
            for (int r = 0; r < 3; r++)
                assert_int_equal(cell->runs[r]->header.seed, r);
            assert_true(i == 0 || cell->global_batch > cell[-1].global_batch);
        }
    }
    arena_end(arena);
}

static void test_cells__median_is_that_of_the_runs(void **state) {
    (void)state;
    Arena *arena = arena_new();
    RunRecord runs[3];
    double steps[3];
    for (uint64_t seed = 0; seed < 3; seed++) {
        FixtureRun run = full(1, 128, seed);
        runs[seed] = fixture_run(&run, arena);
        steps[seed] = runs[seed].summary.steps_to_target;
    }
    const Cell *cell = &cells_make(runs, 3, arena)->cells[0];
    double low = fmin(fmin(steps[0], steps[1]), steps[2]),
           high = fmax(fmax(steps[0], steps[1]), steps[2]);
    assert_true(cell->steps.low == low && cell->steps.high == high && low < high);
    assert_true(cell->steps.median == steps[0] + steps[1] + steps[2] - low - high);
    assert_true(cell->examples.median == 128 * cell->steps.median);
    assert_int_equal(cell->n_of[OUTCOME_REACHED], 3);
    arena_end(arena);
}

static void test_cells__an_interrupted_run_gives_way_to_the_one_that_ended(void **state) {
    (void)state;
    Arena *arena = arena_new();
    FixtureRun run = full(1, 128, 0);
    RunRecord runs[2] = {fixture_run(&run, arena), fixture_run(&run, arena)};
    runs[0].summary.outcome = OUTCOME_INTERRUPTED;
    runs[0].header.run_id = "a-first-by-name";
    const Cell *cell = &cells_make(runs, 2, arena)->cells[0];
    assert_int_equal(cell->n_trials, 1);
    assert_int_equal(cell->n_of[OUTCOME_REACHED], 1);
    assert_int_equal(cell->n_of[OUTCOME_INTERRUPTED], 0);
    arena_end(arena);
}

static void test_cells__failed_and_interrupted_are_counted_but_not_averaged(void **state) {
    (void)state;
    Arena *arena = arena_new();
    RunRecord runs[3];
    for (uint64_t seed = 0; seed < 3; seed++) {
        FixtureRun run = full(1, 128, seed);
        runs[seed] = fixture_run(&run, arena);
    }
    runs[1].summary.outcome = OUTCOME_FAILED;
    runs[2].summary.outcome = OUTCOME_INTERRUPTED;
    const Cell *cell = &cells_make(runs, 3, arena)->cells[0];
    assert_int_equal(cell_n_done(cell), 1);
    assert_int_equal(cell->n_of[OUTCOME_FAILED], 1);
    assert_int_equal(cell->n_of[OUTCOME_INTERRUPTED], 1);
    assert_true(cell->steps.n == 1 && cell->steps.median == runs[0].summary.steps_to_target);
    arena_end(arena);
}

/* `n` learning rates of one optimizer at two batches. */
static RunRecord *learning_rates(int n, Arena *arena) {
    RunRecord *runs = ARENA_ARRAY(arena, RunRecord, 2 * n);
    for (int i = 0; i < 2 * n; i++) {
        FixtureRun run = full(1, i % 2 ? 128 : 32, 0);
        run.lr = 0.01 * (1 + i / 2);
        run.optimizer.e_min *= 1 + 0.1 * abs(i / 2 - 3); /* the fourth is the best */
        runs[i] = fixture_run(&run, arena);
    }
    return runs;
}

static void test_labels__name_what_differs_at_the_same_batch(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const Cells *cells = cells_make(learning_rates(2, arena), 4, arena);
    assert_int_equal(cells->n_series, 2);
    assert_string_equal(cells->series[0].label,
                        "lars, lr 0.01"); /* mini_batch differs only between batches */
    assert_string_equal(cells->series[1].label, "lars, lr 0.02");
    assert_int_equal(cells->series[1].n_cells, 2);
    arena_end(arena);
}

/* Every second learning rate gets another model, which shares no setting with the first. */
static void change_model(RunRecord *runs, int n, Arena *arena) {
    for (int i = 0; i < n; i += i % 2 ? 3 : 1) {
        const char *text = runs[i].header.config, *at = strstr(text, "\"hidden\":[128,128],");
        const char *rest = strstr(at, "\"mlp\"") + 5;
        Json *config;
        runs[i].header.config =
            arena_print(arena, "%.*s\"n\":1,\"name\":\"resnet\"%s", (int)(at - text), text, rest);
        assert_null(
            json_parse(&config, runs[i].header.config, strlen(runs[i].header.config), NULL, arena));
        runs[i].config = config;
    }
}

static void test_labels__kinds_are_named_without_their_settings(void **state) {
    (void)state;
    Arena *arena = arena_new();
    RunRecord *runs = learning_rates(4, arena);
    change_model(runs, 8, arena);
    const Cells *cells = cells_make(runs, 8, arena);
    for (int i = 0; i < cells->n_series; i++) {
        const char *label = cells->series[i].label;
        if (!strstr(label, ", model resnet") && !strstr(label, ", model mlp"))
            fail_msg("no model in '%s'", label);
        assert_null(strstr(label, "hidden"));
        assert_null(strstr(label, ", n 1"));
    }
    arena_end(arena);
}

static void test_labels__are_cut_at_a_character(void **state) {
    (void)state;
    Arena *arena = arena_new();
    assert_string_equal(label_fit("short", 10, arena), "short");
    assert_string_equal(label_fit("exactly", 7, arena), "exactly");
    assert_string_equal(label_fit("abcdefgh", 5, arena), "abcd\xe2\x80\xa6");
    assert_string_equal(label_fit("\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f", 3, arena),
                        "\xc3\xa4\xc3\xb6\xe2\x80\xa6");
    arena_end(arena);
}

static void test_lines__many_settings_become_the_best_one(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Lines few =
        lines_make(cells_make(learning_rates(LINES_MAX, arena), 2 * LINES_MAX, arena), arena);
    assert_int_equal(few.n, LINES_MAX);
    assert_false(few.best_only);
    int n = LINES_MAX + 1;
    const Cells *cells = cells_make(learning_rates(n, arena), 2 * n, arena);
    Lines lines = lines_make(cells, arena);
    assert_int_equal(lines.n, 1);
    assert_true(lines.best_only);
    assert_string_equal(lines.line[0].label, "lars, best of 9 settings");
    assert_int_equal(lines.line[0].n, 2);
    for (int i = 0; i < 2; i++)
        for (int c = 0; c < cells->n_cells; c++)
            if (cells->cells[c].global_batch == lines.line[0].cell[i]->global_batch)
                assert_true(lines.line[0].cell[i]->examples.median <=
                            cells->cells[c].examples.median);
    arena_end(arena);
}

static void test_lines__spread_keeps_the_ends(void **state) {
    (void)state;
    int index[8];
    assert_int_equal(lines_spread(index, 0, 8), 0);
    assert_int_equal(lines_spread(index, 5, 8), 5);
    assert_true(index[0] == 0 && index[4] == 4);
    assert_int_equal(lines_spread(index, 100, 8), 8);
    assert_true(index[0] == 0 && index[7] == 99);
    for (int i = 1; i < 8; i++)
        assert_true(index[i] > index[i - 1]);
}

/* A line whose medians are set by hand; NaN: not reached. */
static LineFacts facts_of(const double *examples, int n, int64_t *pays, Arena *arena) {
    Line line = {.label = "x", .n = n, .cell = ARENA_ARRAY(arena, const Cell *, n)};
    for (int i = 0; i < n; i++) {
        Cell *cell = ARENA_NEW(arena, Cell);
        cell->global_batch = 32 << i;
        cell->examples.median = examples[i];
        line.cell[i] = cell;
    }
    LineFacts facts = answer_facts(&line);
    *pays = facts.pays ? facts.pays->global_batch : 0;
    return facts;
}

static void test_answer__a_batch_pays_up_to_the_first_that_does_not(void **state) {
    (void)state;
    Arena *arena = arena_new();
    int64_t pays;
    facts_of((double[]){100, 110, 120, 130}, 4, &pays, arena);
    assert_int_equal(pays, 128); /* 120 = 1.2 times 100 still pays */
    facts_of((double[]){100, 130, 110, 90}, 4, &pays, arena);
    assert_int_equal(pays, 32); /* a cheaper batch behind a dear one is luck */
    LineFacts facts = facts_of((double[]){NAN, 100, 105, NAN}, 4, &pays, arena);
    assert_int_equal(pays, 128);
    assert_int_equal(facts.base->global_batch, 64);
    facts = facts_of((double[]){100, NAN, 105}, 3, &pays, arena);
    assert_int_equal(pays, 32);
    assert_int_equal(facts.largest->global_batch, 128);
    facts = facts_of((double[]){NAN, NAN}, 2, &pays, arena);
    assert_null(facts.base);
    assert_null(facts.pays);
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cells__spread_counts_a_miss_as_later_than_all),
        cmocka_unit_test(test_cells__study_is_grouped_by_everything_but_the_seed),
        cmocka_unit_test(test_cells__median_is_that_of_the_runs),
        cmocka_unit_test(test_cells__an_interrupted_run_gives_way_to_the_one_that_ended),
        cmocka_unit_test(test_cells__failed_and_interrupted_are_counted_but_not_averaged),
        cmocka_unit_test(test_labels__name_what_differs_at_the_same_batch),
        cmocka_unit_test(test_labels__kinds_are_named_without_their_settings),
        cmocka_unit_test(test_labels__are_cut_at_a_character),
        cmocka_unit_test(test_lines__many_settings_become_the_best_one),
        cmocka_unit_test(test_lines__spread_keeps_the_ends),
        cmocka_unit_test(test_answer__a_batch_pays_up_to_the_first_that_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
