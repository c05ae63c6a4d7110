/* Pruning: who goes on from a rung depends on what every point was there, and on nothing else. */
#include "lab/sweep/prune.h"
#include "lab/sweep/campaign.h"
#include "tests/unit/search_files.h"

/* 16 steps a trial (64 examples, batch 16, 4 epochs): rungs at steps 4 and 8. */
#define SPACE "\"space\": {\"lr.base\": {\"min\": 1e-3, \"max\": 1, \"scale\": \"log\"}}"
#define SEARCH_OF(prune)                                                                           \
    "\"search\": {\"trials\": 6, \"rerun_seeds\": 1, " SPACE ", \"prune\": " prune "}"
#define HALVING SEARCH_OF("{\"rule\": \"halving\", \"rungs\": [0.25, 0.5], \"keep\": 0.5}")
#define MEDIAN SEARCH_OF("{\"rungs\": [64, 128]}")
enum { POINTS = 6 };

static const double accuracy[POINTS] = {0.3, 0.8, 0.1, 0.6, 0.7, 0.2}; /* best: 1, 4, 3 */

typedef struct Study {
    Arena *arena;
    const char *folder;
    Experiment experiment;
    Plan plan;
} Study;

/* In its own arena: the plan points to the experiment. */
static Study *study_new(const char *lines) {
    Arena *arena = arena_new();
    Study *study = ARENA_NEW(arena, Study);
    study->arena = arena;
    study->folder = scratch_new(arena);
    assert_ok(search_load(&study->experiment, study->folder, lines, arena));
    assert_ok(plan_new(&study->plan, &study->experiment, study->folder, NULL, NULL, arena));
    return study;
}

static Plan again(Study *study) {
    Plan plan;
    assert_ok(plan_new(&plan, &study->experiment, study->folder, NULL, NULL, study->arena));
    return plan;
}

static void pause_at(Study *study, int point, int64_t step) {
    search_run_to(&study->plan, &study->plan.runs[point], step, step, accuracy[point],
                  OUTCOME_INTERRUPTED);
}

static void assert_pruned(const Plan *plan, const int *expected) {
    for (int i = 0; i < POINTS; i++)
        assert_int_equal(plan->runs[i].pruned, expected[i]);
}

static void test_prune__counts(void **state) {
    (void)state;
    static const double fractions[] = {0.1, 0.35}, examples[] = {1000, 2500};
    Prune halving = {PRUNE_HALVING, {2, fractions}, 1.0 / 3},
          median = {PRUNE_MEDIAN, {2, examples}, 0.5};
    assert_int_equal(prune_step(&halving, 0, 100, 6400), 10);
    assert_int_equal(prune_step(&halving, 1, 101, 6464), 36); /* 35.35 */
    assert_int_equal(prune_step(&median, 0, 100, 6400), 16);  /* 15.6 */
    assert_int_equal(prune_step(&median, 1, 100, 6400), 40);  /* 39.06 */
    assert_int_equal(prune_keeps(&halving, 9, 9), 3);
    assert_int_equal(prune_keeps(&halving, 9, 3), 1);
    assert_int_equal(prune_keeps(&halving, 9, 1), 1);
    assert_int_equal(prune_keeps(&median, 9, 4), 5); /* of all that began */
}

static void test_prune__halving_keeps_the_best_at_every_rung(void **state) {
    (void)state;
    Study *study = study_new(HALVING);
    Plan *plan = &study->plan;
    const Phase *first = &plan->phases[0], *second = &plan->phases[1], *last = &plan->phases[2];
    assert_true(first->rung == 1 && second->rung == 2 && last->rung == 0);
    for (int i = 0; i < POINTS; i++) {
        assert_true(plan_run_is_left(plan, first, first->run[i]));
        assert_false(plan_run_is_left(plan, second, first->run[i])); /* not decided */
        assert_false(plan_run_is_left(plan, last, first->run[i]));
        pause_at(study, i, 4);
    }
    assert_ok(plan_refresh(plan));
    assert_pruned(plan, (const int[]){1, 0, 1, 0, 0, 1});
    for (int i = 0; i < POINTS; i++) {
        assert_false(plan_run_is_left(plan, first, first->run[i]));
        assert_true(plan_run_is_left(plan, second, first->run[i]) == !plan->runs[i].pruned);
    }
    for (int i = 0; i < POINTS; i++)
        if (!plan->runs[i].pruned)
            pause_at(study, i, 8);
    assert_ok(plan_refresh(plan)); /* 3 alive: 2 go on */
    assert_pruned(plan, (const int[]){1, 0, 1, 1, 0, 1});
    assert_int_equal(plan->winner[0], WINNER_UNKNOWN);
    search_run_to(plan, &plan->runs[1], 16, 8, accuracy[1], OUTCOME_BUDGET_SPENT);
    search_run_to(plan, &plan->runs[4], 12, 8, accuracy[4], OUTCOME_REACHED);
    assert_ok(plan_refresh(plan));
    assert_int_equal(plan->winner[0], 4);
    Plan fresh = again(study);
    assert_pruned(&fresh, (const int[]){1, 0, 1, 1, 0, 1});
    assert_int_equal(fresh.winner[0], 4);
    assert_int_equal(fresh.n_runs, plan->n_runs);
    scratch_end(study->folder, study->arena);
}

/* The last to come decides nothing: any order gives the same, and nobody stops before it is there.
 */
static void test_prune__the_order_of_arrival_does_not_matter(void **state) {
    (void)state;
    static const int orders[3][POINTS] = {
        {0, 1, 2, 3, 4, 5}, {5, 4, 3, 2, 1, 0}, {1, 4, 3, 0, 2, 5}};
    for (int k = 0; k < 3; k++) {
        Study *study = study_new(HALVING);
        for (int i = 0; i < POINTS; i++) {
            assert_pruned(&study->plan, (const int[]){0, 0, 0, 0, 0, 0});
            pause_at(study, orders[k][i], 4);
            assert_ok(plan_refresh(&study->plan));
        }
        assert_pruned(&study->plan, (const int[]){1, 0, 1, 0, 0, 1});
        scratch_end(study->folder, study->arena);
    }
}

/* Nor does what a point did behind the rung in an earlier campaign. */
static void test_prune__only_rows_up_to_the_rung_count(void **state) {
    (void)state;
    Study *study = study_new(HALVING);
    for (int i = 0; i < POINTS; i++)
        if (i % 2)
            pause_at(study, i, 4);
        else
            search_run_to(&study->plan, &study->plan.runs[i], 14, 4, accuracy[i],
                          i == 2 ? OUTCOME_REACHED : OUTCOME_INTERRUPTED);
    assert_ok(plan_refresh(&study->plan));
    assert_pruned(&study->plan, (const int[]){1, 0, 1, 0, 0, 1});
    scratch_end(study->folder, study->arena);
}

static void test_prune__the_median_is_that_of_all_points(void **state) {
    (void)state;
    Study *study = study_new(MEDIAN);
    for (int i = 0; i < POINTS; i++)
        pause_at(study, i, 4);
    assert_ok(plan_refresh(&study->plan));
    assert_pruned(&study->plan, (const int[]){1, 0, 1, 0, 0, 1});
    for (int i = 0; i < POINTS; i++)
        if (!study->plan.runs[i].pruned)
            pause_at(study, i, 8);
    assert_ok(plan_refresh(&study->plan)); /* still in the better half of the six */
    assert_pruned(&study->plan, (const int[]){1, 0, 1, 0, 0, 1});
    scratch_end(study->folder, study->arena);
}

static void test_prune__who_ended_before_the_rung_is_not_pruned(void **state) {
    (void)state;
    Study *study = study_new(HALVING);
    for (int i = 0; i < POINTS; i++)
        if (i == 2)
            search_run_to(&study->plan, &study->plan.runs[i], 2, 1, 0, OUTCOME_DIVERGED);
        else if (i == 0)
            search_run_to(&study->plan, &study->plan.runs[i], 3, 1, 0.3, OUTCOME_REACHED);
        else
            pause_at(study, i, 4);
    assert_ok(plan_refresh(&study->plan)); /* 0 reached the target, then 1 and 4 */
    assert_pruned(&study->plan, (const int[]){0, 0, 0, 1, 0, 1});
    assert_int_equal(study->plan.runs[2].outcome, OUTCOME_DIVERGED);
    scratch_end(study->folder, study->arena);
}

static void test_prune__the_journal_says_so(void **state) {
    (void)state;
    Study *study = study_new(HALVING);
    for (int i = 0; i < POINTS; i++)
        pause_at(study, i, 4);
    assert_ok(plan_refresh(&study->plan));
    assert_ok(campaign_mark_pruned(&study->plan));
    for (int i = 0; i < POINTS; i++) {
        bool found;
        const char *run_folder = plan_run_folder(&study->plan, &study->plan.runs[i], study->arena);
        RunRecord run = fixture_load(run_folder, &found, study->arena);
        assert_true(found && run.finished && run.summary.outcome == OUTCOME_INTERRUPTED);
        assert_int_equal(run.summary.pruned_at_step, study->plan.runs[i].pruned ? 4 : 0);
        assert_true(run.n_steps == 4 && run.n_evals == 1 && run.summary.steps_run == 4);
        assert_ok(run_mark_pruned(run_folder, 4)); /* now all of them, some twice */
        run = fixture_load(run_folder, &found, study->arena);
        assert_true(run.finished && run.summary.pruned_at_step == 4 && run.n_steps == 4);
    }
    search_finish(&study->plan, &study->plan.runs[0], OUTCOME_REACHED, 100);
    const char *ended = plan_run_folder(&study->plan, &study->plan.runs[0], study->arena);
    assert_ok(run_mark_pruned(ended, 4));
    bool found;
    RunRecord run = fixture_load(ended, &found, study->arena);
    assert_true(run.summary.outcome == OUTCOME_REACHED && run.summary.pruned_at_step == 0);
    scratch_end(study->folder, study->arena);
}

/* The final record of a point's journal, and whatever follows, is torn off. */
static void tear(Study *study, int point) {
    const char *journal =
        arena_print(study->arena, "%s/journal",
                    plan_run_folder(&study->plan, &study->plan.runs[point], study->arena));
    char *bytes;
    size_t n;
    assert_ok(io_read(&bytes, &n, journal, study->arena));
    assert_ok(io_write(journal, bytes, n - 3));
}

/* A writer that was killed behind the rung was there. One that was killed at the rung's own step
 * may not have paused: its last digest would be missing for ever. */
static void test_prune__an_unfinished_journal_counts_up_to_its_last_step(void **state) {
    (void)state;
    Study *study = study_new(HALVING);
    PlannedRun *run = &study->plan.runs[1];
    for (int i = 0; i < POINTS; i++)
        pause_at(study, i, 4);
    tear(study, 1);
    assert_ok(plan_refresh(&study->plan));
    assert_int_equal(run->reached_steps, 3);
    assert_pruned(&study->plan, (const int[]){0, 0, 0, 0, 0, 0});
    assert_true(plan_run_is_left(&study->plan, &study->plan.phases[0], run));
    search_run_to(&study->plan, run, 5, 5, accuracy[1], OUTCOME_INTERRUPTED);
    tear(study, 1);
    assert_ok(plan_refresh(&study->plan));
    assert_int_equal(run->reached_steps, 4);
    assert_pruned(&study->plan, (const int[]){1, 0, 1, 0, 0, 1});
    scratch_end(study->folder, study->arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prune__counts),
        cmocka_unit_test(test_prune__halving_keeps_the_best_at_every_rung),
        cmocka_unit_test(test_prune__the_order_of_arrival_does_not_matter),
        cmocka_unit_test(test_prune__only_rows_up_to_the_rung_count),
        cmocka_unit_test(test_prune__the_median_is_that_of_all_points),
        cmocka_unit_test(test_prune__who_ended_before_the_rung_is_not_pruned),
        cmocka_unit_test(test_prune__the_journal_says_so),
        cmocka_unit_test(test_prune__an_unfinished_journal_counts_up_to_its_last_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
