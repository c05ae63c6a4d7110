/* A run that is followed while its journal grows, is cut anywhere, or begins again. */
#include "lab/store/run_follow.h"
#include "tests/unit/fixture_store.h"

#include <unistd.h>

static const char *make_run(const char *folder, Arena *arena) {
    RunHeader header = fixture_header(arena);
    RunWriter *writer;
    RunSummary summary = fixture_summary();
    assert_ok(run_begin(&writer, folder, &header, arena));
    assert_ok(fixture_record(writer, FIXTURE_STEPS));
    assert_ok(run_finish(writer, &summary));
    return arena_print(arena, "%s/runs/%s", folder, header.run_id);
}

/* Every prefix, one byte longer each time: never an error, never a row twice, none missed. */
static void test_run_follow__any_prefix_can_be_read_on(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena), *run_folder = make_run(folder, arena);
    const char *journal = arena_print(arena, "%s/journal", run_folder);
    char *bytes;
    size_t n;
    assert_ok(io_read(&bytes, &n, journal, arena));
    assert_int_equal(truncate(journal, 0), 0);
    RunFollow run = run_follow_new(run_folder, arena);
    IoLog *log;
    assert_ok(io_log_open(&log, journal, false, arena));
    int64_t before = 0;
    for (size_t i = 0; i < n; i++) {
        bool news;
        assert_ok(io_log_add(log, bytes + i, 1));
        assert_ok(io_log_flush(log));
        assert_ok(run_follow_look(&run, &news));
        assert_true(run.n_steps - before == 0 || (news && run.n_steps - before == 1));
        before = run.n_steps;
        if (run.n_steps)
            assert_int_equal(run.step.step, run.n_steps);
        assert_int_equal(run.finished, i + 1 == n);
    }
    assert_ok(io_log_close(log));
    assert_int_equal(run.n_steps, FIXTURE_STEPS);
    assert_int_equal(run.n_evals, FIXTURE_STEPS / 2);
    assert_true(run.eval.valid_accuracy == fixture_eval(FIXTURE_STEPS / 2 - 1).valid_accuracy);
    assert_int_equal(run.summary.outcome, fixture_summary().outcome);
    assert_string_equal(run.header.run_id, "0123456789abcdef-r1t1");
    assert_int_equal(run_follow_steps(&run), 4); /* a verify run */
    assert_true(fabs(run.examples_s - 32 / 1e-3) < 1e-6);
    run_follow_end(&run);
    scratch_end(folder, arena);
}

static void test_run_follow__another_journal_is_read_from_its_start(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    RunHeader header = fixture_header(arena);
    const char *run_folder = arena_print(arena, "%s/runs/%s", folder, header.run_id);
    RunFollow run = run_follow_new(run_folder, arena);
    bool news;
    assert_ok(run_follow_look(&run, &news)); /* nothing there */
    assert_false(news || run.begun);
    make_run(folder, arena);
    assert_ok(run_follow_look(&run, &news));
    assert_true(news && run.finished);
    const char *journal = arena_print(arena, "%s/journal", run_folder);
    assert_int_equal(rename(journal, arena_print(arena, "%s.replaced-1", journal)), 0);
    RunWriter *writer;
    header.seed = 5;
    assert_ok(run_begin(&writer, folder, &header, arena));
    assert_ok(fixture_record(writer, 2));
    assert_ok(run_follow_look(&run, &news));
    assert_true(news && run.begun && !run.finished);
    assert_int_equal(run.n_steps, 2);
    assert_int_equal(run.header.seed, 5);
    run_abandon(writer);
    run_follow_end(&run);
    scratch_end(folder, arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_follow__any_prefix_can_be_read_on),
        cmocka_unit_test(test_run_follow__another_journal_is_read_from_its_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
