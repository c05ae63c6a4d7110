/* What a campaign does to a folder in which others work too. */
#include "lab/sweep/campaign.h"
#include "lab/sweep/claim.h"
#include "tests/unit/search_files.h"

/* Two trials that differ in their seed. */
static Plan *two_trials(Experiment *experiment, const char *folder, const char *rerun,
                        Arena *arena) {
    Plan *plan = ARENA_NEW(arena, Plan);
    assert_ok(
        search_load(experiment, folder, "\"seeds\": 2, \"layouts\": {\"mode\": \"full\"}", arena));
    assert_ok(plan_new(plan, experiment, folder, rerun, NULL, arena));
    assert_int_equal(plan->n_runs, 2);
    return plan;
}

static Outcome outcome_of(const Plan *plan, const PlannedRun *run, Arena *arena) {
    bool finished;
    Outcome outcome;
    assert_ok(run_is_finished(&finished, &outcome, plan_run_folder(plan, run, arena), arena));
    return finished ? outcome : OUTCOME_N;
}

static void test_campaign__a_crashed_run_is_not_failed_under_its_next_owner(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    Experiment experiment;
    Plan *plan = two_trials(&experiment, folder, NULL, arena);
    const Phase *phase = &plan->phases[0];
    PlannedRun *run = &plan->runs[0], *other = &plan->runs[1];
    IoLock *theirs;
    assert_ok(claim_hold(&theirs, plan, run, arena));
    assert_non_null(theirs);
    assert_ok(campaign_mark_failed(plan, phase, run, "rank 0 was killed by signal 9"));
    assert_int_equal(outcome_of(plan, run, arena), OUTCOME_N);
    search_finish(plan, run, OUTCOME_REACHED, 100);
    io_unlock(theirs);
    assert_ok(campaign_mark_failed(plan, phase, run, "rank 0 was killed by signal 9"));
    assert_int_equal(outcome_of(plan, run, arena), OUTCOME_REACHED);
    assert_true(run->done);
    assert_ok(campaign_mark_failed(plan, phase, other, "rank 0 was killed by signal 9"));
    assert_int_equal(outcome_of(plan, other, arena), OUTCOME_FAILED);
    scratch_end(folder, arena);
}

static void test_campaign__a_rerun_leaves_what_others_do_again(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    Experiment experiment;
    Plan *plan = two_trials(&experiment, folder, NULL, arena);
    search_finish(plan, &plan->runs[0], OUTCOME_FAILED, 0);
    search_finish(plan, &plan->runs[1], OUTCOME_FAILED, 0);
    plan = two_trials(&experiment, folder, "failed", arena);
    IoLock *theirs;
    assert_ok(claim_hold(&theirs, plan, &plan->runs[0], arena));
    assert_ok(campaign_set_aside(plan));
    assert_int_equal(outcome_of(plan, &plan->runs[0], arena), OUTCOME_FAILED);
    assert_int_equal(outcome_of(plan, &plan->runs[1], arena), OUTCOME_N);
    assert_true(io_exists(
        arena_print(arena, "%s/journal.replaced-1", plan_run_folder(plan, &plan->runs[1], arena))));
    io_unlock(theirs);
    plan->runs[1].rerun = true; /* asked at the same moment: its journal is aside already */
    assert_ok(campaign_set_aside(plan));
    scratch_end(folder, arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_campaign__a_crashed_run_is_not_failed_under_its_next_owner),
        cmocka_unit_test(test_campaign__a_rerun_leaves_what_others_do_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
