/* What runs are called, and which of them are done: hosts and labels are part of a layout. */
#include "lab/sweep/campaign.h"
#include "tests/unit/search_files.h"

#define VERIFIED "\"layouts\": {\"replicas\": [1, 2, 4], \"steps\": 3"
#define TRAINED "\"layouts\": {\"mode\": \"full\", \"replicas\": [1, 2, 4]"

/* Four ranks with two slots a host, and all of them on one. */
static const int two_a_host[] = {1, 1, 2, 2}, one_a_host[] = {1, 2, 3, 4}, here[] = {1, 1, 1, 1};

static Plan *plan_on(const Experiment *experiment, const char *folder, const int *hosts,
                     Arena *arena) {
    Plan *plan = ARENA_NEW(arena, Plan);
    PlanRanks *ranks = ARENA_NEW(arena, PlanRanks);
    *ranks = (PlanRanks){4, hosts};
    assert_ok(plan_new(plan, experiment, folder, NULL, hosts ? ranks : NULL, arena));
    return plan;
}

/* Behind the trial. */
static const char *rest(const Plan *plan, int i) {
    return plan->runs[i].id + strlen(plan->runs[i].trial->id);
}

static void finish_all(const Plan *plan) {
    for (int i = 0; i < plan->n_runs; i++)
        if (!plan->runs[i].done)
            search_finish(plan, &plan->runs[i], OUTCOME_REACHED, 100);
}

static void test_layout__a_run_id_tells_hosts_collective_label_and_steps(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    Experiment experiment;
    assert_ok(search_load(&experiment, folder, VERIFIED ", \"label\": \"ib_100G\"}", arena));
    Plan *plan = plan_on(&experiment, folder, two_a_host, arena);
    assert_int_equal(plan->n_runs, 4);
    assert_string_equal(rest(plan, 0), "-r1t1"); /* trains, whatever it is called */
    assert_string_equal(rest(plan, 1), "-r1t1-lib_100G-v3");
    assert_string_equal(rest(plan, 2), "-r2t1-lib_100G-v3");
    assert_string_equal(rest(plan, 3), "-r4t1-h2-lib_100G-v3");
    assert_int_equal(plan->runs[3].hosts, 2);
    assert_ok(search_load(&experiment, folder,
                          TRAINED ", \"collective\": \"ring\", \"label\": \"b\"}", arena));
    plan = plan_on(&experiment, folder, one_a_host, arena);
    assert_string_equal(rest(plan, 0), "-r1t1-cring-lb");
    assert_string_equal(rest(plan, 2), "-r4t1-h4-cring-lb");
    assert_ok(search_load(&experiment, folder, TRAINED ", \"bucket_kib\": 8}", arena));
    plan = plan_on(&experiment, folder, one_a_host, arena);
    assert_string_equal(rest(plan, 0), "-r1t1");
    assert_string_equal(rest(plan, 1), "-r2t1-h2-b8");
    plan = plan_on(&experiment, folder, here, arena);
    assert_string_equal(rest(plan, 1), "-r2t1-b8");
    scratch_end(folder, arena);
}

static void test_layout__replicas_on_one_host_do_not_count_on_two(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    Experiment experiment;
    assert_ok(search_load(&experiment, folder, VERIFIED "}", arena));
    finish_all(plan_on(&experiment, folder, here, arena));
    assert_int_equal(plan_count_done(plan_on(&experiment, folder, here, arena)), 4);
    Plan *plan = plan_on(&experiment, folder, two_a_host, arena);
    assert_int_equal(plan_count_done(plan), 3); /* four replicas need both hosts */
    assert_false(plan->runs[3].done);
    finish_all(plan);
    assert_int_equal(plan_count_done(plan_on(&experiment, folder, two_a_host, arena)), 4);
    plan = plan_on(&experiment, folder, one_a_host, arena);
    assert_int_equal(plan_count_done(plan), 2);
    /* more replicas than the job has ranks: as good as unknown */
    plan->ranks = NULL;
    PlanRanks two = {2, one_a_host};
    assert_ok(plan_new(plan, &experiment, folder, NULL, &two, arena));
    assert_false(plan->runs[2].done);
    assert_true(plan->runs[3].done && plan->runs[3].hosts == 0);
    scratch_end(folder, arena);
}

/* A login node sees what a job measured, and what is done there is not asked for again. */
static void test_layout__unknown_hosts_take_over_what_is_done(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    Experiment experiment;
    assert_ok(search_load(&experiment, folder, TRAINED ", \"label\": \"a\"}", arena));
    Plan *plan = plan_on(&experiment, folder, NULL, arena);
    assert_string_equal(rest(plan, 2), "-r4t1-la");
    Plan *far = plan_on(&experiment, folder, one_a_host, arena);
    search_finish(far, &far->runs[1], OUTCOME_REACHED, 100);
    search_finish(far, &far->runs[2], OUTCOME_INTERRUPTED, 100); /* is not done on four */
    assert_ok(plan_refresh(plan));
    assert_int_equal(plan_count_done(plan), 1);
    assert_string_equal(rest(plan, 1), "-r2t1-h2-la");
    assert_string_equal(rest(plan, 2), "-r4t1-la");
    Plan *near = plan_on(&experiment, folder, two_a_host, arena);
    search_finish(near, &near->runs[2], OUTCOME_DIVERGED, 100);
    assert_ok(plan_refresh(plan));
    assert_string_equal(rest(plan, 2), "-r4t1-h2-la");
    assert_int_equal(plan->runs[2].outcome, OUTCOME_DIVERGED);
    search_finish(far, &far->runs[2], OUTCOME_REACHED, 100); /* of several the fewest hosts */
    assert_string_equal(rest(plan_on(&experiment, folder, NULL, arena), 2), "-r4t1-h2-la");
    /* another label, another number of replicas, or nothing that a run of ours is called */
    assert_ok(search_load(&experiment, folder, TRAINED "}", arena));
    PlannedRun odd = {.trial = plan->runs[0].trial};
    const char *const names[] = {"-r4t1-h5", "-r4t1-h1", "-r4t1-h", "-r4t1-h2x", "-r4t1-h-2"};
    for (int i = 0; i < 5; i++) {
        odd.id = arena_print(arena, "%s%s", odd.trial->id, names[i]);
        search_finish(plan, &odd, OUTCOME_REACHED, 100);
    }
    assert_int_equal(plan_count_done(plan_on(&experiment, folder, NULL, arena)), 0);
    scratch_end(folder, arena);
}

static void test_layout__a_driver_hears_on_how_many_hosts_its_workers_are(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    Experiment experiment;
    assert_ok(search_load(&experiment, folder, TRAINED "}", arena));
    Plan *far = plan_on(&experiment, folder, one_a_host, arena);
    search_finish(far, &far->runs[1], OUTCOME_REACHED, 100);
    Plan *plan = plan_on(&experiment, folder, NULL, arena);
    assert_true(plan->runs[1].done && !plan->runs[2].done);
    plan_know_hosts(plan, 1, 1);
    assert_string_equal(rest(plan, 1), "-r2t1");
    assert_ok(plan_refresh(plan));
    assert_false(plan->runs[1].done);
    plan_know_hosts(plan, 1, 2);
    plan_know_hosts(plan, 2, 4);
    assert_ok(plan_refresh(plan));
    assert_true(plan->runs[1].done);
    assert_ok(campaign_mark_failed(plan, &plan->phases[2], &plan->runs[2], "killed"));
    assert_string_equal(rest(plan, 2), "-r4t1-h4");
    RunRecord record;
    bool found;
    assert_ok(run_load(&record, &found, plan_run_folder(plan, &plan->runs[2], arena), arena));
    assert_true(found && record.header.hosts == 4 && record.header.label == NULL);
    scratch_end(folder, arena);
}

static void test_layout__a_rerun_goes_by_the_id_that_a_plan_shows(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    Experiment experiment;
    assert_ok(search_load(&experiment, folder, VERIFIED "}", arena));
    finish_all(plan_on(&experiment, folder, one_a_host, arena));
    Plan *plan = plan_on(&experiment, folder, NULL, arena), again;
    const char *id = plan->runs[2].id;
    assert_int_equal(plan_count_done(plan), 4);
    assert_ok(plan_new(&again, &experiment, folder, id, NULL, arena));
    assert_int_equal(plan_count_done(&again), 3);
    assert_ok(campaign_set_aside(&again));
    assert_ok(plan_refresh(&again));
    assert_int_equal(plan_count_done(&again), 3);
    assert_string_equal(rest(&again, 2), "-r2t1-v3"); /* on how many hosts nobody knows */
    PlanRanks ranks = {4, here};
    Error *error = plan_new(&again, &experiment, folder, id, &ranks, arena);
    assert_non_null(error); /* not a run of this job */
    assert_non_null(strstr(error_text(error), "-r4t1-v3"));
    error_end(error);
    scratch_end(folder, arena);
}

static void test_layout__a_label_is_another_measurement_of_the_same_training(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    Experiment plain, labelled;
    assert_ok(search_load(&plain, folder, VERIFIED "}", arena));
    finish_all(plan_on(&plain, folder, here, arena));
    assert_ok(search_load(&labelled, folder, VERIFIED ", \"label\": \"_0\"}", arena));
    assert_string_equal(plain.trials[0].id, labelled.trials[0].id);
    assert_string_not_equal(plain.sha256, labelled.sha256);
    assert_int_equal(plan_count_done(plan_on(&labelled, folder, here, arena)), 1); /* trained */
    assert_int_equal(plan_count_done(plan_on(&labelled, folder, NULL, arena)), 1);
    assert_ok(search_load(&plain, folder, TRAINED ", \"label\": null}", arena));
    finish_all(plan_on(&plain, folder, here, arena));
    assert_ok(search_load(&labelled, folder, TRAINED ", \"label\": \"_0\"}", arena));
    assert_int_equal(plan_count_done(plan_on(&labelled, folder, here, arena)), 0);
    scratch_end(folder, arena);
}

static void test_layout__refuses_labels_that_are_no_part_of_a_name(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    const char *const bad[] = {"\"\"",     "\"a-b\"",      "\"a b\"",
                               "\"../a\"", "\"\xc3\xa9\"", "\"abcdefghijklmnopqrstuvwxy\"",
                               "7",        "[\"a\"]"};
    const char *const good[] = {"\"7\"", "\"abcdefghijklmnopqrstuvwx\"", "\"A_9\"", "null"};
    Experiment experiment;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *lines = arena_print(arena, VERIFIED ", \"label\": %s}", bad[i]);
        Error *error = search_load(&experiment, folder, lines, arena);
        assert_non_null(error);
        assert_int_equal(error_code(error), CODE_USAGE);
        assert_non_null(strstr(error_text(error), "layouts.label"));
        error_end(error);
    }
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        const char *lines = arena_print(arena, VERIFIED ", \"label\": %s}", good[i]);
        assert_ok(search_load(&experiment, folder, lines, arena));
    }
    scratch_end(folder, arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout__a_run_id_tells_hosts_collective_label_and_steps),
        cmocka_unit_test(test_layout__replicas_on_one_host_do_not_count_on_two),
        cmocka_unit_test(test_layout__unknown_hosts_take_over_what_is_done),
        cmocka_unit_test(test_layout__a_driver_hears_on_how_many_hosts_its_workers_are),
        cmocka_unit_test(test_layout__a_rerun_goes_by_the_id_that_a_plan_shows),
        cmocka_unit_test(test_layout__a_label_is_another_measurement_of_the_same_training),
        cmocka_unit_test(test_layout__refuses_labels_that_are_no_part_of_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
