/* Gathering while runs go on: what has ended is in the file before its end, and nothing moves while
 * somebody is measured. */
#include "lab/cli/gathering.c" /* the room above all others is no library */

#include "lab/base/clock.h"
#include "tests/unit/fixture_h5.h"

static bool is_idle(Gathering *gathering) {
    pthread_mutex_lock(&gathering->lock);
    bool idle = !gathering->asked;
    pthread_mutex_unlock(&gathering->lock);
    return idle;
}

static void wait_until_idle(Gathering *gathering) {
    double limit_s = clock_s() + 60;
    while (!is_idle(gathering) && clock_s() < limit_s)
        clock_nap(0.001);
    assert_true(is_idle(gathering));
}

static int count_in(const Gathering *gathering) {
    int n = 0;
    for (int i = 0; i < STUDY_RUNS && gathering->file; i++) {
        char id[16];
        snprintf(id, sizeof id, "run%d", i);
        n += h5_gathered_holds(gathering->file, id);
    }
    return n;
}

static void assert_file(const char *path, const RunRecord *runs, int n, Arena *arena) {
    assert_true(h5_is_current(path, runs, n));
    for (int i = 0; i < n; i++)
        assert_run(path, arena_print(arena, "/runs/%s", runs[i].header.run_id), &runs[i]);
}

static void test_gathering__takes_in_what_has_ended(void **state) {
    (void)state;
    Study study = study_new();
    Gathering *gathering = gathering_new(study.folder, "study", study.arena);
    for (int i = 0; i < 4; i++)
        gathering_see(gathering, study.runs[i].header.run_id);
    gathering_see(gathering, "missing"); /* is an error at the end, if anywhere */
    wait_until_idle(gathering);
    assert_int_equal(count_in(gathering), 4);
    assert_false(io_exists(study.path));
    assert_ok(gathering_finish(gathering, study.runs, STUDY_RUNS, false));
    gathering_end(gathering);
    assert_file(study.path, study.runs, STUDY_RUNS, study.arena);
    study_end(&study);
}

/* A run of seconds is left for the end: its journal takes memory and time. */
static void test_gathering__leaves_long_runs(void **state) {
    (void)state;
    Study study = study_new();
    assert_int_equal(
        truncate(arena_print(study.arena, "%s/runs/run1/journal", study.folder), 2 << 20), 0);
    Gathering *gathering = gathering_new(study.folder, "study", study.arena);
    for (int i = 0; i < 3; i++)
        gathering_see(gathering, study.runs[i].header.run_id);
    wait_until_idle(gathering);
    assert_int_equal(count_in(gathering), 2);
    assert_ok(gathering_finish(gathering, study.runs, STUDY_RUNS, false));
    gathering_end(gathering);
    assert_file(study.path, study.runs, STUDY_RUNS, study.arena);
    study_end(&study);
}

/* After a pause the thread does nothing until it is told of another run. */
static void test_gathering__a_pause_leaves_nothing_to_do(void **state) {
    (void)state;
    Study study = study_new();
    Gathering *gathering = gathering_new(study.folder, "study", study.arena);
    gathering_pause(gathering); /* before the first run, too */
    for (int k = 0; k < 200; k++)
        gathering_see(gathering, study.runs[k % STUDY_RUNS].header.run_id);
    gathering_pause(gathering);
    assert_true(is_idle(gathering) && gathering->first == NULL);
    gathering_see(gathering, study.runs[STUDY_RUNS - 1].header.run_id);
    wait_until_idle(gathering);
    assert_true(h5_gathered_holds(gathering->file, study.runs[STUDY_RUNS - 1].header.run_id));
    assert_ok(gathering_finish(gathering, study.runs, STUDY_RUNS, false));
    gathering_end(gathering);
    assert_file(study.path, study.runs, STUDY_RUNS, study.arena);
    study_end(&study);
}

/* Ctrl-C: nothing was written, and nothing goes on. */
static void test_gathering__ends_in_the_middle(void **state) {
    (void)state;
    Study study = study_new();
    for (int k = 0; k < 3; k++) {
        Gathering *gathering = gathering_new(study.folder, "study", study.arena);
        for (int i = 0; i < k * STUDY_RUNS; i++)
            gathering_see(gathering, study.runs[i % STUDY_RUNS].header.run_id);
        gathering_end(gathering);
        assert_false(io_exists(study.path));
    }
    study_end(&study);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gathering__takes_in_what_has_ended),
        cmocka_unit_test(test_gathering__leaves_long_runs),
        cmocka_unit_test(test_gathering__a_pause_leaves_nothing_to_do),
        cmocka_unit_test(test_gathering__ends_in_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
