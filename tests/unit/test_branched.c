/* The critical batch by branched training, of invented branches with known losses. */
#include "lab/analyze/branched.h"
#include "lab/analyze/critical.h"
#include "lab/analyze/results.h"
#include "tests/unit/fixture_branches.h"

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

enum { ROOM = 256 };

typedef struct Study {
    RunRecord *runs;
    int n;
    Arena *arena;
} Study;

/* The trunks of momentum and LARS and the branches of momentum. */
static Study study(int n_seeds, Arena *arena) {
    Study out = {.runs = ARENA_ARRAY(arena, RunRecord, ROOM), .arena = arena};
    for (int o = 0; o < 2; o++)
        for (int s = 0; s < n_seeds; s++) {
            FixtureRun trunk = {.optimizer = fixture_optimizers[o],
                                .global_batch = 32,
                                .seed = (uint64_t)s,
                                .replicas = 1,
                                .mode = RUN_FULL};
            out.runs[out.n++] = fixture_run(&trunk, arena);
        }
    out.n += fixture_branches(out.runs + out.n, 0, n_seeds, arena);
    return out;
}

static Brancheds make(const Study *study, const Json *rule) {
    return branched_make(study->runs, study->n, cells_make(study->runs, study->n, study->arena),
                         rule, study->arena);
}

static const Json *parse(const char *text, Arena *arena) {
    Json *out;
    assert_null(json_parse(&out, text, strlen(text), NULL, arena));
    return out;
}

/* The rule of shared/specs/methods.md 2, case by case. */
static void test_branched__rule_is_the_published_one(void **state) {
    (void)state;
    static const struct {
        double loss[5];
        int best;
    } cases[] = {
        {{1, 1.005, 1.009, 1.02, 1.03}, 2},     /* the third is within 0.01 of the first */
        {{1, 1.02, 1.005, 1.03, 1.03}, 2},      /* one bad batch does not end the search */
        {{1, 0.9, 0.905, 0.95, 0.9}, 4},        /* the best smaller one is what counts */
        {{1, 1.5, 1.5, 1.5, 1.5}, 0},           /* none */
        {{1, 1, 1, 1, 1}, 4},                   /* all */
        {{1, 1.01, INFINITY, NAN, 1.005}, 4},   /* what diverged is never good, nor in the way */
        {{1, INFINITY, INFINITY, NAN, NAN}, 0}, /* and never chosen */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(branch_best(cases[i].loss, 5, 0.01), cases[i].best);
}

static void test_branched__finds_the_largest_batch_that_is_as_good(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Study runs = study(3, arena);
    Brancheds all = make(&runs, NULL);
    assert_int_equal(all.n, 2);
    for (int point = 0; point < 2; point++) {
        const Branched *branched = &all.branched[point];
        assert_string_equal(branched->label, "momentum");
        assert_int_equal(branched->n_seeds, 3);
        assert_int_equal(branched->n_points, 6);
        near(branched->batch, point ? 32 * 8 : 32 * 2, 0);
        near(branched->range.low, branched->batch, 0);
        near(branched->range.high, 2 * branched->batch, 0);
        for (int i = 0; i < 6; i++)
            near(branched->point[i].loss - branched->point[0].loss, (point ? 0.001 : 0.004) * i * i,
                 1e-12);
    }
    /* shared evaluations only, in a moving average that starts at the first of them */
    double mean = fixture_branch_loss(&(FixtureBranch){.factor = 1}, 2048);
    for (int64_t seen = 4096; seen <= 8192; seen += 2048)
        mean += 0.5 * (fixture_branch_loss(&(FixtureBranch){.factor = 1}, seen) - mean);
    near(all.branched[0].point[0].loss, mean, 1e-12);
    arena_end(arena);
}

static void test_branched__rule_comes_from_the_experiment(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Study runs = study(1, arena);
    Brancheds all = make(&runs, parse("{\"tolerance\": 0.04, \"factors\": [1, 2]}", arena));
    near(all.branched[0].batch, 32 * 8, 0); /* 0.004 * 3^2 */
    all = make(&runs, parse("{\"tolerance\": 1}", arena));
    near(all.branched[0].batch, 32 * 32, 0);
    assert_true(isnan(all.branched[0].range.high)); /* the largest is still as good */
    /* every step of the branch and none of the trunk's */
    all = make(&runs, parse("{\"loss\": \"train_loss\", \"alpha\": 0.25}", arena));
    double mean = fixture_branch_loss(&(FixtureBranch){.excess = 0.016}, 128);
    for (int64_t seen = 256; seen <= 8192; seen += 128)
        mean += 0.25 * (fixture_branch_loss(&(FixtureBranch){.excess = 0.016}, seen) - mean);
    near(all.branched[0].point[2].loss, mean, 1e-12);
    arena_end(arena);
}

static RunRecord *branch_of(Study *study, uint64_t seed, int64_t factor) {
    for (int i = 0; i < study->n; i++) {
        RunRecord *run = &study->runs[i];
        const Json *k = json_get(run->config, "branch.factor");
        if (k && run->header.seed == seed && (int64_t)k->number == factor)
            return run;
    }
    return NULL;
}

static void test_branched__seeds_without_all_branches_stay_out(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Study runs = study(3, arena);
    branch_of(&runs, 1, 4)->summary.outcome = OUTCOME_INTERRUPTED;
    Brancheds all = make(&runs, NULL);
    assert_int_equal(all.branched[0].n_seeds, 2);
    assert_int_equal(all.branched[0].n_seeds_left_out, 1);
    near(all.branched[0].batch, 64, 0);
    for (uint64_t s = 0; s < 3; s++)
        branch_of(&runs, s, 2)->summary.outcome = OUTCOME_FAILED;
    all = make(&runs, NULL);
    assert_int_equal(all.branched[0].n_seeds, 0);
    assert_true(isnan(all.branched[0].batch));
    arena_end(arena);
}

/* Seeds that disagree widen the range; a branch that diverged is worse than any, whatever rows it
 * has. */
static void test_branched__range_is_over_seeds(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Study runs = study(2, arena);
    branch_of(&runs, 1, 2)->summary.outcome = OUTCOME_DIVERGED;
    branch_of(&runs, 1, 2)->n_evals = 1;
    Brancheds all = make(&runs, NULL);
    near(all.branched[0].batch, 32, 0); /* the mean diverged */
    near(all.branched[0].range.low, 32, 0);
    near(all.branched[0].range.high, 128, 0); /* seed 0 holds to 64 */
    assert_true(isinf(all.branched[0].point[1].loss));
    arena_end(arena);
}

static void test_branched__branches_are_no_cells(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Study runs = study(2, arena);
    const Results *results = results_make("study", "?", runs.runs, runs.n, arena);
    assert_int_equal(results->cells->n_cells, 2);
    for (int i = 0; i < 2; i++)
        assert_int_equal(results->cells->cells[i].n_trials, 2);
    for (int i = 0; i < runs.n; i++)
        runs.runs[i].header.alone = true;
    assert_int_equal(results_make("study", "?", runs.runs, runs.n, arena)->timings.n,
                     results_make("study", "?", runs.runs, 4, arena)->timings.n);
    Table *table = critical_table(&results->criticals, &results->brancheds, arena);
    int n_rows = 0, last = 0;
    for (int r = 0; r < table_rows(table); r++)
        if (strcmp(table_at(table, r, 1).text, "branched training") == 0) {
            assert_string_equal(table_at(table, r, 0).text, "momentum");
            near(table_at(table, r, 2).number, n_rows++ ? 256 : 64, 0);
            last = r;
        }
    assert_int_equal(n_rows, 2);
    assert_true(last + 1 < table_rows(table)); /* beside its own line, before the next one's */
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_branched__rule_is_the_published_one),
        cmocka_unit_test(test_branched__finds_the_largest_batch_that_is_as_good),
        cmocka_unit_test(test_branched__rule_comes_from_the_experiment),
        cmocka_unit_test(test_branched__seeds_without_all_branches_stay_out),
        cmocka_unit_test(test_branched__range_is_over_seeds),
        cmocka_unit_test(test_branched__branches_are_no_cells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
