/* Runs whose disk is waited for in the background: the same files, and no error is lost. */
#include "lab/store/run.h"
#include "tests/unit/fixture_store.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static RunWriter *begin(const char *folder, const char *run_id, Background *background,
                        Arena *arena) {
    RunHeader header = fixture_header(arena);
    header.run_id = run_id;
    RunWriter *writer;
    assert_ok(run_begin(&writer, folder, &header, arena));
    run_in_background(writer, &(RunAside){background, NULL});
    return writer;
}

static void assert_same_run(const char *folder, const char *run_id, Arena *arena) {
    bool found;
    const char *run_folder = arena_print(arena, "%s/runs/%s", folder, run_id);
    RunRecord run = fixture_load(run_folder, &found, arena);
    assert_true(found && run.finished);
    assert_int_equal(run.n_steps, FIXTURE_STEPS);
    assert_rows(&run);
    assert_int_equal(run.summary.outcome, OUTCOME_DIVERGED);
    assert_true(io_exists(arena_print(arena, "%s/run.h5", run_folder)));
}

/* Many short runs, each ended before the one before is on the disk, the writer's memory gone. */
static void test_run_background__every_run_ends_as_in_the_foreground(void **state) {
    (void)state;
    enum { RUNS = 100 };
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    Background *background;
    assert_ok(background_new(&background, arena));
    for (int i = 0; i < RUNS; i++) {
        Arena *own = arena_new();
        RunWriter *writer = begin(folder, arena_print(own, "run%03d", i), background, own);
        assert_ok(fixture_record(writer, FIXTURE_STEPS));
        RunSummary summary = fixture_summary();
        assert_ok(run_finish(writer, &summary));
        arena_end(own);
        bool finished;
        Outcome outcome; /* whoever looks now sees that it ended */
        assert_ok(run_is_finished(&finished, &outcome,
                                  arena_print(arena, "%s/runs/run%03d", folder, i), arena));
        assert_true(finished);
    }
    assert_ok(background_end(background));
    for (int i = 0; i < RUNS; i++)
        assert_same_run(folder, arena_print(arena, "run%03d", i), arena);
    scratch_end(folder, arena);
}

static void test_run_background__an_error_comes_with_a_later_call(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    Background *background;
    assert_ok(background_new(&background, arena));
    RunWriter *writer = begin(folder, "a", background, arena);
    assert_ok(fixture_record(writer, FIXTURE_STEPS));
    /* run.h5 cannot take the place of a folder that holds something */
    assert_ok(io_folder(arena_print(arena, "%s/runs/a/run.h5/full", folder)));
    RunSummary summary = fixture_summary();
    Error *error = run_finish(writer, &summary); /* now or at the end, as the thread is quick */
    error = error ? error : background_wait(background);
    assert_non_null(error);
    assert_int_equal(error_code(error), CODE_IO);
    assert_non_null(strstr(error_text(error), "is complete, but its HDF5 file is not"));
    error_end(error);
    assert_ok(background_end(background));
    bool found;
    assert_true(fixture_load(arena_print(arena, "%s/runs/a", folder), &found, arena).finished &&
                found);
    scratch_end(folder, arena);
}

/* A run that may go on: whoever has its trial next may change its files, so nothing of it is left
 * to be done. A job that is held back shows that run_finish waits. */
static Error *take_a_while(void *data) {
    usleep(100000);
    *(bool *)data = true;
    return NULL;
}

static void test_run_background__a_run_that_may_go_on_is_waited_for(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    Background *background;
    assert_ok(background_new(&background, arena));
    RunWriter *writer = begin(folder, "a", background, arena);
    assert_ok(fixture_record(writer, FIXTURE_STEPS));
    bool done = false;
    background_add(background, take_a_while, &done);
    RunSummary summary = fixture_summary();
    summary.outcome = OUTCOME_INTERRUPTED;
    assert_ok(run_finish(writer, &summary));
    assert_true(done);
    assert_true(io_exists(arena_print(arena, "%s/runs/a/run.h5", folder)));
    assert_ok(background_end(background));
    scratch_end(folder, arena);
}

/* A run that is given up while its rows are on their way, and its memory with it. */
static void test_run_background__a_run_may_be_abandoned(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    Background *background;
    assert_ok(background_new(&background, arena));
    for (int i = 0; i < 50; i++) {
        Arena *own = arena_new();
        RunWriter *writer = begin(folder, arena_print(own, "run%d", i), background, own);
        assert_ok(fixture_record(writer, FIXTURE_STEPS));
        run_abandon(writer);
        arena_end(own);
        bool found;
        const char *run_folder = arena_print(arena, "%s/runs/run%d", folder, i);
        RunRecord run = fixture_load(run_folder, &found, arena);
        assert_true(found && !run.finished && run.n_steps == FIXTURE_STEPS);
    }
    assert_ok(background_end(background));
    scratch_end(folder, arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_background__every_run_ends_as_in_the_foreground),
        cmocka_unit_test(test_run_background__an_error_comes_with_a_later_call),
        cmocka_unit_test(test_run_background__a_run_that_may_go_on_is_waited_for),
        cmocka_unit_test(test_run_background__a_run_may_be_abandoned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
