/* The critical batch of invented runs by every estimator. */
#include "lab/analyze/critical.h"
#include "tests/unit/fixture_runs.h"

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

static Criticals study(int n_seeds, Arena *arena) {
    int n;
    RunRecord *runs = fixture_study(&n, n_seeds, arena);
    Lines *lines = ARENA_NEW(arena, Lines);
    *lines = lines_make(cells_make(runs, n, arena), arena);
    return critical_make(lines, arena);
}

static const Critical *of(const Criticals *criticals, const char *label) {
    for (int i = 0; i < criticals->n; i++)
        if (strcmp(criticals->critical[i].label, label) == 0)
            return &criticals->critical[i];
    fail_msg("no line '%s'", label);
    return NULL;
}

/* The fixture's S(B) = s_min + e_min / B steps, rounded up to the next evaluation. */
static void test_critical__fit_finds_the_fixture(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Criticals criticals = study(6, arena);
    for (int o = 0; o < 3; o++) {
        const FixtureOptimizer *truth = &fixture_optimizers[o];
        const Critical *critical = of(&criticals, truth->name);
        assert_null(critical->missing);
        assert_null(critical->fit.unidentified);
        double expected = truth->e_min / truth->s_min;
        assert_true(critical->fit.b_crit > 0.8 * expected &&
                    critical->fit.b_crit < 1.25 * expected);
        near(critical->fit.e_min, truth->e_min, 0.1 * truth->e_min);
    }
    assert_float_equal(of(&criticals, "momentum")->largest, 512, 0); /* misses from 1024 */
    assert_float_equal(of(&criticals, "lars")->largest, 2048, 0);
    arena_end(arena);
}

static void test_critical__cautions_are_said_in_words(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Criticals criticals = study(2, arena);
    const char *said = critical_sentence(of(&criticals, "momentum"), arena);
    assert_non_null(strstr(said, "only 2 seeds"));
    assert_non_null(strstr(said, "missed the target at batch 1,024 (2 of 2) and 2,048 (2 of 2)"));
    assert_non_null(strstr(said, "critical batch "));
    /* the budget is ten times what the fit promises at 1024 */
    assert_non_null(strstr(said, "the fit promises the target after"));
    assert_null(strstr(critical_sentence(of(&criticals, "lars"), arena), "missed"));
    assert_non_null(strstr(critical_headline(&criticals, arena), " with lars"));
    arena_end(arena);
}

static void test_critical__prediction_is_the_published_sum(void **state) {
    (void)state;
    double noise[] = {NAN, 10, NAN, 40, 160};
    StepRow steps[5];
    for (int i = 0; i < 5; i++)
        steps[i] = (StepRow){.step = i + 1, .noise_scale = noise[i]};
    RunRecord run = {.n_steps = 5, .steps = steps};
    run.summary.steps_to_target = NAN;
    run.header.global_batch = 32;
    Prediction prediction = critical_predict(&run);
    static const double held[] = {10, 10, 10, 40, 160};
    for (double batch = 1; batch < 1e4; batch *= 4) {
        double steps_needed = 0;
        for (int i = 0; i < 5; i++)
            steps_needed += (1 + held[i] / batch) / (1 + held[i] / 32);
        near(prediction.s_min + prediction.e_min / batch, steps_needed, 1e-9 * steps_needed);
    }
    near(prediction.s_min + prediction.e_min / 32, 5, 1e-12); /* at its own batch: the run itself */
    near(prediction.b_crit, prediction.e_min / prediction.s_min, 1e-12);
    for (int i = 0; i < 5; i++)
        steps[i].noise_scale = NAN;
    assert_true(isnan(critical_predict(&run).b_crit));
}

/* A logger that writes every fourth step of a run, which goes on after its target; and a batch that
 * doubles half-way: each step is worth 1 / (1 + b / B) of its own B. */
static void test_critical__prediction_counts_steps_not_rows(void **state) {
    (void)state;
    StepRow dense[8], sparse[4];
    for (int i = 0; i < 8; i++)
        dense[i] = (StepRow){.step = i + 1, .global_batch = 32, .noise_scale = i < 4 ? 20 : 80};
    for (int i = 0; i < 4; i++)
        sparse[i] = (StepRow){.step = 4 * i + 4, .global_batch = 32, .noise_scale = i ? 80 : 20};
    RunRecord every = {.n_steps = 8, .steps = dense}, fourth = {.n_steps = 4, .steps = sparse};
    every.header.global_batch = fourth.header.global_batch = 32;
    every.summary.steps_to_target = fourth.summary.steps_to_target = 8;
    Prediction a = critical_predict(&every), b = critical_predict(&fourth);
    near(a.s_min + a.e_min / 32, 8, 1e-12);
    near(b.s_min, a.s_min, 1e-12);
    near(b.e_min, a.e_min, 1e-12);
    fourth.summary.steps_to_target = 6; /* between two rows */
    b = critical_predict(&fourth);
    near(b.s_min + b.e_min / 32, 6, 1e-12);

    for (int i = 4; i < 8; i++)
        dense[i].global_batch = 64;
    a = critical_predict(&every);
    near(a.s_min, 4 / (1 + 20.0 / 32) + 4 / (1 + 80.0 / 64), 1e-12);
    near(a.e_min, 80 / (1 + 20.0 / 32) + 320 / (1 + 80.0 / 64), 1e-12);
}

static void test_critical__table_names_every_estimator(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Criticals criticals = study(2, arena);
    Table *table = critical_table(&criticals, &(Brancheds){0}, arena);
    assert_int_equal(table_rows(table),
                     3 * 4 + 2); /* lamb alone has a preconditioner, lars a curvature */
    static const char *const names[] = {"hyperbola fit", "20 % point", "noise-scale prediction",
                                        "noise scale", "noise scale, preconditioned"};
    for (int r = 0, of = 0; r < table_rows(table); r++, of++) {
        bool curved = strcmp(table_at(table, r, 1).text, "noise scale, curvature") == 0;
        if (r > 0 && strcmp(table_at(table, r, 0).text, table_at(table, r - 1, 0).text) != 0)
            of = 0;
        if (!curved)
            assert_string_equal(table_at(table, r, 1).text, names[of]);
        assert_true(of < 4 || strcmp(table_at(table, r, 0).text, curved ? "lars" : "lamb") == 0);
        assert_true(table_at(table, r, 3).number <= table_at(table, r, 2).number); /* low, batch */
        assert_true(table_at(table, r, 2).number <= table_at(table, r, 4).number);
    }
    arena_end(arena);
}

static void test_critical__two_batches_are_no_fit(void **state) {
    (void)state;
    Arena *arena = arena_new();
    RunRecord runs[2];
    for (int i = 0; i < 2; i++) {
        FixtureRun run = {
            .optimizer = fixture_optimizers[1], .global_batch = 128 << i, .replicas = 1};
        runs[i] = fixture_run(&run, arena);
    }
    Lines lines = lines_make(cells_make(runs, 2, arena), arena);
    Criticals criticals = critical_make(&lines, arena);
    assert_int_equal(criticals.n, 1);
    assert_non_null(strstr(criticals.critical[0].missing, "2 batch sizes only"));
    assert_null(critical_headline(&criticals, arena));
    assert_null(critical_sentence(&criticals.critical[0], arena));
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_critical__fit_finds_the_fixture),
        cmocka_unit_test(test_critical__cautions_are_said_in_words),
        cmocka_unit_test(test_critical__prediction_is_the_published_sum),
        cmocka_unit_test(test_critical__prediction_counts_steps_not_rows),
        cmocka_unit_test(test_critical__table_names_every_estimator),
        cmocka_unit_test(test_critical__two_batches_are_no_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
