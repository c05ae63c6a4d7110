/* The cells of a search, and the plan that grows with it. */
#include "lab/sweep/campaign.h"
#include "tests/unit/search_files.h"

/* ---- cells */

#define RATE "\"lr.base\": {\"min\": 1e-3, \"max\": 1, \"scale\": \"log\"}"

static Experiment load(const char *folder, const char *lines, Arena *arena) {
    Experiment experiment;
    assert_ok(search_load(&experiment, folder, lines, arena));
    return experiment;
}

static double rate_of(const Experiment *experiment, int cell, int point) {
    return experiment->trials[experiment->cells[cell].trial[point]].settings.lr.base;
}

static void test_search_plan__cells_share_points_and_more_trials_keep_them(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    Experiment few =
        load(folder,
             "\"sweep\": {\"global_batch\": [8, 16, 32], \"optimizer\": [\"momentum\", "
             "\"lamb\"]}, \"search\": {\"trials\": 5, \"space\": {" RATE "}}",
             arena);
    Experiment more =
        load(folder,
             "\"sweep\": {\"global_batch\": [8, 16, 32], \"optimizer\": "
             "[\"momentum\", \"lamb\"]}, \"search\": {\"trials\": 9, \"space\": {" RATE "}}",
             arena);
    assert_int_equal(few.n_cells, 6);
    assert_int_equal(few.n_trials, 30);
    assert_int_equal(more.n_trials, 54);
    for (int cell = 0; cell < 6; cell++) {
        assert_string_equal(few.cells[cell].id, more.cells[cell].id);
        for (int other = 0; other < cell; other++)
            assert_string_not_equal(few.cells[cell].id, few.cells[other].id);
        for (int point = 0; point < 5; point++) {
            assert_true(rate_of(&few, cell, point) == rate_of(&few, 0, point));
            assert_string_equal(few.trials[few.cells[cell].trial[point]].id,
                                more.trials[more.cells[cell].trial[point]].id);
        }
    }
    scratch_end(folder, arena);
}

static void test_search_plan__the_order_of_lines_changes_nothing(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    Experiment a = load(folder,
                        "\"search\": {\"trials\": 4, \"space\": {" RATE
                        ", \"optimizer.momentum\": {\"min\": 0.5, \"max\": 0.9}}}",
                        arena);
    Experiment b = load(folder,
                        "\"search\": {\"trials\": 4, \"space\": {\"optimizer.momentum\": {\"min\": "
                        "0.5, \"max\": 0.9}, " RATE "}}",
                        arena);
    assert_string_equal(a.sha256, b.sha256);
    for (int i = 0; i < 4; i++)
        assert_string_equal(a.trials[i].id, b.trials[i].id);
    scratch_end(folder, arena);
}

static void test_search_plan__each_optimizer_may_have_its_own_space(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    Experiment experiment =
        load(folder,
             "\"sweep\": {\"optimizer\": [\"momentum\", \"lamb\", {\"name\": \"sgd\"}]},"
             "\"search\": {\"trials\": 8, \"space\": {" RATE
             ", \"optimizer.momentum\": {\"min\": 0.5, \"max\": 0.9}},"
             "\"spaces\": {\"lamb\": {\"optimizer.momentum\": null, \"lr.base\": {\"min\": 1e-4, "
             "\"max\": 1e-3, \"scale\": \"log\"}}, \"sgd\": {\"optimizer.momentum\": null}}}",
             arena);
    assert_int_equal(experiment.n_cells, 3);
    assert_int_equal(experiment.cells[0].space.n_axes, 2);
    assert_int_equal(experiment.cells[1].space.n_axes, 1);
    for (int point = 0; point < 8; point++) {
        double lamb = rate_of(&experiment, 1, point), sgd = rate_of(&experiment, 2, point);
        assert_true(lamb >= 1e-4 && lamb <= 1e-3 && sgd >= 1e-3 && sgd <= 1);
        assert_true(sgd == rate_of(&experiment, 0, point)); /* the same axis, the same values */
    }
    scratch_end(folder, arena);
}

static void test_search_plan__counts_are_whole_and_equal_points_are_one_trial(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    Experiment experiment =
        load(folder,
             "\"search\": {\"trials\": 12, \"space\": {\"lr.warmup.steps\": {\"min\": 1, \"max\": "
             "3}}}",
             arena);
    assert_int_equal(experiment.n_trials, 3);
    const SweepCell *cell = &experiment.cells[0];
    for (int point = 0; point < 12; point++) {
        const PlannedTrial *trial = &experiment.trials[cell->trial[point]];
        assert_true(trial->point <= point); /* the first of those that are equal */
        assert_int_equal(cell->trial[trial->point], cell->trial[point]);
    }
    scratch_end(folder, arena);
}

/* What only the search sets may be missing in the trial; a bare name becomes an object. */
static void test_search_plan__fills_what_the_trial_leaves_open(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    Experiment experiment =
        load(folder,
             "\"sweep\": {\"lr\": [{\"schedule\": \"cosine\"}, {\"schedule\": \"constant\"}]},"
             "\"search\": {\"trials\": 2, \"space\": {" RATE
             ", \"clip.norm\": {\"values\": [1, 5]}, \"lr.scaling\": {\"values\": [\"none\", "
             "\"sqrt\"]}}}",
             arena);
    assert_int_equal(experiment.n_cells, 2);
    assert_true(experiment.trials[0].settings.clip.norm >= 1);
    scratch_end(folder, arena);
}

/* ---- the plan */

#define SWEPT "\"sweep\": {\"global_batch\": [8, 16]}, "
#define SEARCHED "\"search\": {\"trials\": 3, \"rerun_seeds\": 2, \"space\": {" RATE "}}"

static Plan plan_of(const Experiment *experiment, const char *folder, Arena *arena) {
    Plan plan;
    assert_ok(plan_new(&plan, experiment, folder, NULL, NULL, arena));
    return plan;
}

static void assert_same_plan(const Plan *a, const Plan *b) {
    assert_int_equal(a->n_runs, b->n_runs);
    assert_int_equal(a->n_phases, b->n_phases);
    for (int i = 0; i < a->n_phases; i++) {
        assert_int_equal(a->phases[i].n, b->phases[i].n);
        for (int j = 0; j < a->phases[i].n; j++) {
            const PlannedRun *x = a->phases[i].run[j], *y = b->phases[i].run[j];
            assert_string_equal(x->id, y->id);
            assert_true(x->done == y->done && x->trial->role == y->trial->role);
        }
    }
}

/* Examples to target of a point: the second is the best in both cells. */
static double examples_of(int point) {
    return point == 1 ? 100 : 200 + point;
}

static void test_search_plan__the_plan_grows_with_what_is_on_disk(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    Experiment experiment = load(folder, SWEPT SEARCHED, arena);
    Plan plan = plan_of(&experiment, folder, arena);
    assert_int_equal(plan.n_runs, 6);
    assert_int_equal(plan_count_pending(&plan), 8); /* 2 cells, 2 seeds, trained and verified */
    for (int point = 0; point < 3; point++) {
        assert_int_equal(plan.winner[0], WINNER_UNKNOWN);
        search_finish(&plan, &plan.runs[point], OUTCOME_REACHED, examples_of(point));
        assert_ok(plan_refresh(&plan));
    }
    assert_int_equal(plan.winner[0], 1);
    assert_int_equal(plan.winner[1], WINNER_UNKNOWN);
    assert_int_equal(plan.n_runs, 10);
    assert_int_equal(plan_count_pending(&plan), 4);
    const PlannedTrial *rerun = plan.runs[6].trial, *best = plan.runs[1].trial;
    assert_true(rerun->role == SEARCH_RERUN && rerun->point == 1 && rerun->seed == 1);
    assert_string_equal(rerun->config, best->config);
    assert_string_not_equal(rerun->id, best->id);
    Plan again = plan_of(&experiment, folder, arena);
    assert_same_plan(&plan, &again);
    for (int point = 3; point < 6; point++)
        search_finish(&plan, &plan.runs[point], OUTCOME_REACHED, examples_of(point - 3));
    assert_ok(plan_refresh(&plan));
    again = plan_of(&experiment, folder, arena);
    assert_same_plan(&plan, &again);
    Plan told = plan_of(&experiment, arena_print(arena, "%s/elsewhere", folder), arena);
    assert_int_equal(told.n_runs, 6);
    plan_take_winners(&told, plan.winner);
    assert_int_equal(told.n_runs, 14);
    for (int i = 0; i < told.n_runs; i++)
        assert_string_equal(told.runs[i].id, plan.runs[i].id);
    scratch_end(folder, arena);
}

/* Cells that end in another order than they stand in the file. */
static void test_search_plan__growing_late_leaves_runs_where_they_are(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    Experiment experiment = load(folder, SWEPT SEARCHED, arena);
    Plan plan = plan_of(&experiment, folder, arena);
    for (int i = 3; i < 6; i++)
        search_finish(&plan, &plan.runs[i], OUTCOME_REACHED, examples_of(i - 3));
    assert_ok(plan_refresh(&plan));
    const PlannedRun *early = &plan.runs[6];
    const char *id = early->id;
    for (int i = 0; i < 3; i++)
        search_finish(&plan, &plan.runs[i], OUTCOME_REACHED, examples_of(i));
    assert_ok(plan_refresh(&plan));
    assert_int_equal(plan.n_runs, 14);
    assert_ptr_equal(plan.phases[1].run[0], early);
    assert_string_equal(early->id, id);
    scratch_end(folder, arena);
}

/* Its journal does not name the search, so nobody who reads the search would see it. */
static void test_search_plan__a_plain_run_of_a_point_is_trained_once_more(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    Experiment experiment = load(folder, SEARCHED, arena);
    Plan plan = plan_of(&experiment, folder, arena);
    for (int i = 0; i < 3; i++)
        search_finish_as(&plan, &plan.runs[i], OUTCOME_REACHED, examples_of(i), i == 1);
    assert_ok(plan_refresh(&plan));
    assert_true(plan.runs[0].done && !plan.runs[1].done && plan.runs[1].rerun);
    assert_int_equal(plan.winner[0], WINNER_UNKNOWN);
    Plan stale;
    assert_ok(plan_new(&stale, &experiment, folder, "failed", NULL, arena));
    assert_true(stale.runs[1].rerun && !stale.runs[0].rerun); /* --rerun asks for others */
    assert_ok(campaign_set_aside(&plan));
    assert_false(plan.runs[1].rerun);
    search_finish(&plan, &plan.runs[1], OUTCOME_REACHED, examples_of(1));
    assert_ok(plan_refresh(&plan));
    assert_int_equal(plan.winner[0], 1);
    scratch_end(folder, arena);
}

static void test_search_plan__points_that_all_diverged_have_no_winner(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    Experiment experiment = load(folder, SEARCHED, arena);
    Plan plan = plan_of(&experiment, folder, arena);
    for (int i = 0; i < 3; i++)
        search_finish(&plan, &plan.runs[i], i == 1 ? OUTCOME_FAILED : OUTCOME_DIVERGED, NAN);
    assert_ok(plan_refresh(&plan));
    assert_int_equal(plan.winner[0], WINNER_NONE);
    assert_int_equal(plan.n_runs, 3);
    assert_int_equal(plan_count_pending(&plan), 0);
    scratch_end(folder, arena);
}

/* An interrupted point is not an ended one, whatever it reached. */
static void test_search_plan__waits_for_interrupted_points(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    Experiment experiment = load(folder, SEARCHED, arena);
    Plan plan = plan_of(&experiment, folder, arena);
    for (int i = 0; i < 3; i++)
        search_finish(&plan, &plan.runs[i], i == 1 ? OUTCOME_INTERRUPTED : OUTCOME_REACHED, 100);
    assert_ok(plan_refresh(&plan));
    assert_int_equal(plan.winner[0], WINNER_UNKNOWN);
    scratch_end(folder, arena);
}

static void test_search_plan__more_trials_may_change_the_winner(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    Experiment experiment = load(folder, SEARCHED, arena);
    Plan plan = plan_of(&experiment, folder, arena);
    for (int i = 0; i < 3; i++)
        search_finish(&plan, &plan.runs[i], OUTCOME_REACHED, examples_of(i));
    assert_ok(plan_refresh(&plan));
    for (int i = 3; i < plan.n_runs; i++)
        search_finish(&plan, &plan.runs[i], OUTCOME_REACHED, 100);
    Experiment more = load(
        folder, "\"search\": {\"trials\": 5, \"rerun_seeds\": 2, \"space\": {" RATE "}}", arena);
    Plan larger = plan_of(&more, folder, arena);
    assert_int_equal(larger.n_runs, 5);
    assert_int_equal(plan_count_done(&larger), 3);
    search_finish(&larger, &larger.runs[3], OUTCOME_REACHED, 500);
    search_finish(&larger, &larger.runs[4], OUTCOME_REACHED, 50);
    assert_ok(plan_refresh(&larger));
    assert_int_equal(larger.winner[0], 4);
    assert_int_equal(plan_count_done(&larger), 5); /* none of the old winner's runs is its */
    assert_true(io_exists(plan_run_folder(&plan, &plan.runs[3], arena))); /* which stay */
    scratch_end(folder, arena);
}

/* ---- the record */

static void test_search_plan__a_run_can_tell_its_point(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    Experiment experiment = load(folder, SEARCHED, arena);
    for (int point = 0; point < 3; point++) {
        const char *entry = search_entry(&experiment.cells[0], point, SEARCH_RERUN, arena);
        Json *object;
        assert_ok(json_parse(&object, entry, strlen(entry), "entry", arena));
        RunSearch read;
        assert_true(run_search_read(&read, object, arena));
        assert_true(read.point == point && read.role == SEARCH_RERUN && read.trials == 3);
        assert_string_equal(read.cell, experiment.cells[0].id);
        assert_true(read.value[0]->number == rate_of(&experiment, 0, point));
        assert_true(read.goal.metric == GOAL_EXAMPLES_TO_TARGET && !read.goal.maximize);
    }
    scratch_end(folder, arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_search_plan__cells_share_points_and_more_trials_keep_them),
        cmocka_unit_test(test_search_plan__the_order_of_lines_changes_nothing),
        cmocka_unit_test(test_search_plan__each_optimizer_may_have_its_own_space),
        cmocka_unit_test(test_search_plan__counts_are_whole_and_equal_points_are_one_trial),
        cmocka_unit_test(test_search_plan__fills_what_the_trial_leaves_open),
        cmocka_unit_test(test_search_plan__the_plan_grows_with_what_is_on_disk),
        cmocka_unit_test(test_search_plan__growing_late_leaves_runs_where_they_are),
        cmocka_unit_test(test_search_plan__a_plain_run_of_a_point_is_trained_once_more),
        cmocka_unit_test(test_search_plan__points_that_all_diverged_have_no_winner),
        cmocka_unit_test(test_search_plan__waits_for_interrupted_points),
        cmocka_unit_test(test_search_plan__more_trials_may_change_the_winner),
        cmocka_unit_test(test_search_plan__a_run_can_tell_its_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
