/* Lesser targets, read off the evaluations of invented runs. */
#include "lab/analyze/targets.h"
#include "tests/unit/fixture_runs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <math.h>

typedef struct Study {
    Lines lines;
    Criticals criticals;
    RunRecord *runs;
    int n;
} Study;

static Study study_of(RunRecord *runs, int n, Arena *arena) {
    Study out = {.runs = runs, .n = n};
    out.lines = lines_make(cells_make(runs, n, arena), arena);
    return out;
}

static Targets targets_of(Study *study, const TargetsAsked *asked, Arena *arena) {
    study->criticals = critical_make(&study->lines, arena);
    return targets_make(&study->lines, &study->criticals, asked, arena);
}

static Study fixture(int n_seeds, Arena *arena) {
    int n;
    RunRecord *runs = fixture_study(&n, n_seeds, arena);
    return study_of(runs, n, arena);
}

static void test_targets__lesser_ones_come_first_and_the_own_last(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Study study = fixture(2, arena);
    Targets targets = targets_of(&study, NULL, arena);
    assert_null(targets.missing);
    assert_true(targets.n >= 3);
    for (int t = 0; t < targets.n; t++) {
        assert_true(targets.target[t].own == (t == targets.n - 1));
        assert_true(t == 0 || targets.target[t].value > targets.target[t - 1].value);
    }
    assert_true(targets.target[targets.n - 1].value == FIXTURE_TARGET);
    arena_end(arena);
}

/* From first principles: every run again, its first evaluation at or past the value. */
static void test_targets__count_from_the_first_evaluation_that_shows_them(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Study study = fixture(1, arena);
    TargetsAsked asked = {2, {0.8, 0.6}};
    Targets targets = targets_of(&study, &asked, arena);
    assert_int_equal(targets.n, 3);
    assert_true(targets.target[0].value == 0.6 && targets.target[1].value == 0.8);
    for (int t = 0; t < 2; t++)
        for (int l = 0; l < study.lines.n; l++)
            for (int i = 0; i < study.lines.line[l].n; i++) {
                const RunRecord *run = study.lines.line[l].cell[i]->runs[0];
                double examples = NAN;
                for (int e = run->n_evals - 1; e >= 0; e--)
                    if (run->evals[e].valid_accuracy >= targets.target[t].value)
                        examples = (double)run->evals[e].examples;
                const TargetLine *line = &targets.target[t].line[l];
                assert_int_equal(line->n_reached[i], isfinite(examples));
                assert_true(line->examples[i].median == examples ||
                            (isnan(examples) && isnan(line->examples[i].median)));
            }
    arena_end(arena);
}

static void test_targets__the_own_target_keeps_its_fit(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Study study = fixture(3, arena);
    Targets targets = targets_of(&study, NULL, arena);
    const Target *own = &targets.target[targets.n - 1];
    for (int l = 0; l < study.lines.n; l++) {
        assert_true(own->line[l].fit.b_crit == study.criticals.critical[l].fit.b_crit);
        assert_true(own->line[l].fit.e_min > targets.target[0].line[l].fit.e_min);
        assert_non_null(targets_sentence(&targets, l, arena));
    }
    assert_int_equal(table_rows(targets_fits(&targets, arena)), 3 * targets.n);
    arena_end(arena);
}

/* A line that never reached the target is compared by the hardest one that it shares with the
 * others. */
static void test_targets__a_line_that_failed_gets_one_that_all_reached(void **state) {
    (void)state;
    Arena *arena = arena_new();
    RunRecord runs[8];
    for (int i = 0; i < 8; i++) {
        FixtureRun run = {.optimizer = fixture_optimizers[1 + i / 4],
                          .global_batch = 64 << (i % 4),
                          .replicas = 1};
        if (i / 4 == 1)
            run.optimizer.misses_from = 1; /* stays at 0.88 */
        runs[i] = fixture_run(&run, arena);
    }
    Study study = study_of(runs, 8, arena);
    Targets targets = targets_of(&study, NULL, arena);
    const Target *shared = &targets.target[targets.n - 2];
    assert_true(shared->value > 0.8 && shared->value < 0.88);
    for (int l = 0; l < 2; l++) {
        int n = 0;
        for (int i = 0; i < 4; i++)
            n += shared->line[l].n_reached[i];
        assert_true(n >= 3);
    }
    arena_end(arena);
}

static void test_targets__coarse_evaluations_give_a_reason(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Study study = fixture(1, arena);
    for (int i = 0; i < study.n; i++) { /* as if there had been one in eight, and the last */
        RunRecord *run = &study.runs[i];
        int kept = 0;
        for (int e = 0; e < run->n_evals; e++)
            if (e % 8 == 7 || e == run->n_evals - 1)
                run->evals[kept++] = run->evals[e];
        run->n_evals = kept;
    }
    Targets targets = targets_of(&study, NULL, arena);
    assert_non_null(strstr(targets.missing, "too far apart"));
    assert_int_equal(targets.n, 1); /* its own */
    arena_end(arena);
}

static void test_targets__losses_fall(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Study study = fixture(1, arena);
    for (int i = 0; i < study.n; i++) {
        study.runs[i].header.metric = "valid_loss";
        study.runs[i].header.target = 0.3;
    }
    study = study_of(study.runs, study.n, arena);
    TargetsAsked asked = {3, {1.0, 0.5, 0.2}};
    Targets targets = targets_of(&study, &asked, arena);
    assert_int_equal(targets.n, 3); /* 0.2 is harder than their own */
    assert_true(targets.target[0].value == 1.0 && targets.target[1].value == 0.5);
    assert_string_equal(target_text(&targets, &targets.target[1], arena), "0.5");
    assert_true(targets.target[0].line[0].examples[0].median <
                targets.target[1].line[0].examples[0].median);
    arena_end(arena);
}

static void must_refuse(const Study *study, double value, const char *says) {
    TargetsAsked asked = {1, {value}};
    Error *error = targets_check(&study->lines, &asked);
    assert_non_null(error);
    assert_int_equal(error_code(error), CODE_USAGE);
    assert_non_null(strstr(error_root(error), says));
    error_end(error);
}

/* The runs stopped at their own target, so nothing beyond it can be read off them. */
static void test_targets__what_the_runs_cannot_show_is_refused(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Study study = fixture(1, arena);
    TargetsAsked own = {2, {0.5, FIXTURE_TARGET}};
    assert_null(targets_check(&study.lines, &own));
    must_refuse(&study, 0.95, "harder than the runs' own");
    must_refuse(&study, 90, "is no valid_accuracy");
    must_refuse(&study, 0, "is no valid_accuracy");
    must_refuse(&study, -0.5, "is no valid_accuracy");
    study.runs[0].header.target = 0.8;
    Study mixed = study_of(study.runs, study.n, arena);
    must_refuse(&mixed, 0.5, "different targets of their own");
    arena_end(arena);
}

/* The metric is top-5 accuracy of the test set: its own column, and larger is better. */
static void test_targets__every_metric_is_read_from_its_own_column(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Study study = fixture(1, arena);
    for (int i = 0; i < study.n; i++) {
        study.runs[i].header.metric = "test_top5";
        for (int e = 0; e < study.runs[i].n_evals; e++) {
            study.runs[i].evals[e].test_top5 = study.runs[i].evals[e].valid_accuracy;
            study.runs[i].evals[e].valid_accuracy = 0;
            study.runs[i].evals[e].test_accuracy = 0;
        }
    }
    study = study_of(study.runs, study.n, arena);
    TargetsAsked asked = {1, {0.6}};
    Targets targets = targets_of(&study, &asked, arena);
    assert_true(targets.target[0].line[0].n_reached[0] > 0);
    assert_string_equal(target_text(&targets, &targets.target[0], arena), "60 %");
    arena_end(arena);
}

/* Bits per byte fall, and are a loss in nats divided by ln 2. */
static void test_targets__bits_per_byte_fall(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Study study = fixture(1, arena);
    for (int i = 0; i < study.n; i++) {
        study.runs[i].header.metric = "valid_bits_per_byte";
        study.runs[i].header.target = 0.3;
    }
    study = study_of(study.runs, study.n, arena);
    TargetsAsked asked = {1, {1.0}};
    assert_null(targets_check(&study.lines, &asked));
    must_refuse(&study, 0.2, "harder than the runs' own");
    Targets targets = targets_of(&study, &asked, arena);
    const RunRecord *run = study.lines.line[0].cell[0]->runs[0];
    double examples = NAN;
    for (int e = run->n_evals - 1; e >= 0; e--)
        if (run->evals[e].valid_loss <= log(2))
            examples = (double)run->evals[e].examples;
    assert_true(isfinite(examples) && targets.target[0].line[0].examples[0].median == examples);
    assert_string_equal(target_text(&targets, &targets.target[0], arena), "1");
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_targets__lesser_ones_come_first_and_the_own_last),
        cmocka_unit_test(test_targets__count_from_the_first_evaluation_that_shows_them),
        cmocka_unit_test(test_targets__the_own_target_keeps_its_fit),
        cmocka_unit_test(test_targets__a_line_that_failed_gets_one_that_all_reached),
        cmocka_unit_test(test_targets__coarse_evaluations_give_a_reason),
        cmocka_unit_test(test_targets__losses_fall),
        cmocka_unit_test(test_targets__what_the_runs_cannot_show_is_refused),
        cmocka_unit_test(test_targets__every_metric_is_read_from_its_own_column),
        cmocka_unit_test(test_targets__bits_per_byte_fall),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
