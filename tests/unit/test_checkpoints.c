/* The checkpoints of a trial: which one a run continues from, and what its journal then holds. */
#include "lab/store/checkpoints.h"
#include "lab/store/run_rows.h"
#include "tests/unit/fixture_store.h"

#include <unistd.h>

static const float weights[FIXTURE_WEIGHTS] = {7, 6, 5, 4, 3, 2, 1};

static RunHeader full_header(const char *run_id, Arena *arena) {
    RunHeader header = fixture_header(arena);
    header.mode = RUN_FULL;
    header.run_id = run_id;
    return header;
}

static void checkpoint_at(RunWriter *writer, int64_t step) {
    Recorder recorder = run_recorder(writer);
    const StateArray arrays[] = {
        {"weights", STATE_FLOAT, FIXTURE_WEIGHTS, (void *)(uintptr_t)weights}};
    assert_ok(recorder.checkpoint(recorder.self, step, arrays, 1));
}

/* Steps first..last with their evaluations, as fixture_record makes them. */
static void record(RunWriter *writer, int first, int last) {
    Recorder recorder = run_recorder(writer);
    for (int i = first - 1; i < last; i++) {
        StepRow step = fixture_step(i);
        assert_ok(recorder.step(recorder.self, &step));
        if (i % 2 == 0)
            continue;
        EvalRow eval = fixture_eval(i / 2);
        LayerRow layers[FIXTURE_LAYERS] = {fixture_layer(i / 2, 0), fixture_layer(i / 2, 1)};
        assert_ok(recorder.eval(recorder.self, &eval, layers, FIXTURE_LAYERS));
        assert_ok(recorder.digest(recorder.self, i + 1, weights, FIXTURE_WEIGHTS));
    }
}

/* A run with checkpoints at steps 1, 2 and 3 that ends after 4 steps without a word. */
static const char *interrupted_run(const char *folder, const char *run_id, Arena *arena) {
    RunHeader header = full_header(run_id, arena);
    RunWriter *writer;
    assert_ok(run_begin(&writer, folder, &header, arena));
    for (int step = 1; step <= 3; step++) {
        record(writer, step, step);
        checkpoint_at(writer, step);
    }
    record(writer, 4, 4);
    run_abandon(writer);
    return arena_print(arena, "%s/runs/%s", folder, run_id);
}

static const char *checkpoint_path(const char *folder, int step, Arena *arena) {
    return arena_print(arena, "%s/trials/0123456789abcdef/checkpoint-%012d", folder, step);
}

/* stderr of `checkpoints_find` goes nowhere in these tests; the step tells what was chosen. */
static int64_t found_step(const char *folder, const RunHeader *header, Arena *arena) {
    Resume resume;
    assert_ok(checkpoints_find(&resume, folder, header, arena));
    assert_true((resume.path != NULL) == (resume.step > 0));
    if (resume.path)
        assert_int_equal(resume.before.n_steps, resume.step);
    return resume.step;
}

static void damage(const char *path, Arena *arena) {
    char *bytes;
    size_t n;
    assert_ok(io_read(&bytes, &n, path, arena));
    bytes[n / 2] ^= 1;
    assert_ok(io_write(path, bytes, n));
}

static void test_checkpoints__the_last_two_are_kept(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    interrupted_run(folder, "a", arena);
    assert_false(io_exists(checkpoint_path(folder, 1, arena)));
    assert_true(io_exists(checkpoint_path(folder, 2, arena)));
    assert_true(io_exists(checkpoint_path(folder, 3, arena)));
    scratch_end(folder, arena);
}

static void test_checkpoints__a_damaged_one_falls_back_to_the_one_before(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    interrupted_run(folder, "a", arena);
    RunHeader header = full_header("a", arena);
    assert_int_equal(found_step(folder, &header, arena), 3);
    damage(checkpoint_path(folder, 3, arena), arena);
    assert_int_equal(found_step(folder, &header, arena), 2);
    assert_int_equal(truncate(checkpoint_path(folder, 2, arena), 100), 0);
    assert_int_equal(found_step(folder, &header, arena), 0);
    scratch_end(folder, arena);
}

static void test_checkpoints__what_does_not_fit_is_passed_over(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    const char *run_folder = interrupted_run(folder, "a", arena);
    RunHeader header = full_header("b", arena); /* another layout continues too */
    assert_int_equal(found_step(folder, &header, arena), 3);
    Json *provenance = json_copy(header.provenance, arena);
    assert_ok(json_set(provenance, "onednn", json_text("0.0", arena), arena));
    RunHeader other = header;
    other.provenance = provenance;
    assert_int_equal(found_step(folder, &other, arena), 0); /* another library, other bits */
    const char *trials = arena_print(arena, "%s/trials", folder);
    assert_int_equal(rename(arena_print(arena, "%s/0123456789abcdef", trials),
                            arena_print(arena, "%s/fedcba9876543210", trials)),
                     0);
    other = header;
    other.trial_id = "fedcba9876543210";
    assert_int_equal(found_step(folder, &other, arena), 0); /* another trial's */
    assert_int_equal(rename(arena_print(arena, "%s/fedcba9876543210", trials),
                            arena_print(arena, "%s/0123456789abcdef", trials)),
                     0);
    assert_int_equal(unlink(arena_print(arena, "%s/journal", run_folder)), 0);
    assert_int_equal(found_step(folder, &header, arena), 0); /* its rows are gone */
    scratch_end(folder, arena);
}

/* Its writer died between the last record and the removal: a second layout really starts again. */
static void test_checkpoints__of_a_run_that_ended_are_removed(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    const char *run_folder = interrupted_run(folder, "a", arena);
    const char *saved = arena_print(arena, "%s.saved", checkpoint_path(folder, 3, arena));
    assert_int_equal(link(checkpoint_path(folder, 3, arena), saved), 0);
    RunHeader header = full_header("a", arena);
    RunWriter *writer;
    assert_ok(run_begin(&writer, folder, &header, arena));
    record(writer, 1, 4);
    RunSummary summary = fixture_summary();
    assert_ok(run_finish(writer, &summary)); /* removes them, .saved too: it has the prefix */
    assert_false(io_exists(checkpoint_path(folder, 3, arena)) || io_exists(saved));
    fixture_run(folder, "c", true, arena);
    header = full_header("c", arena);
    assert_ok(run_begin(&writer, folder, &header, arena));
    record(writer, 1, 3);
    checkpoint_at(writer, 3);
    char *bytes;
    size_t n;
    for (int i = 0; i < 1000 && !io_exists(checkpoint_path(folder, 3, arena)); i++)
        usleep(5000); /* its thread waits for the disk */
    assert_ok(io_read(&bytes, &n, checkpoint_path(folder, 3, arena), arena));
    assert_ok(run_finish(writer, &summary));
    assert_ok(io_write(checkpoint_path(folder, 3, arena), bytes, n));
    assert_int_equal(found_step(folder, &header, arena), 0);
    assert_false(io_exists(checkpoint_path(folder, 3, arena)));
    assert_ok(io_write(checkpoint_path(folder, 3, arena), bytes, n));
    checkpoints_tidy(folder, header.trial_id); /* without anybody who wants to continue */
    assert_false(io_exists(checkpoint_path(folder, 3, arena)));
    interrupted_run(folder, "d", arena);
    assert_true(io_exists(checkpoint_path(folder, 3, arena)));
    checkpoints_tidy(folder, header.trial_id); /* that of a run that may go on stays */
    assert_true(io_exists(checkpoint_path(folder, 3, arena)));
    assert_true(io_is_folder(run_folder));
    scratch_end(folder, arena);
}

static void test_checkpoints__a_killed_writer_s_half_is_removed(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    interrupted_run(folder, "a", arena);
    const char *half = arena_print(arena, "%s.tmp-1", checkpoint_path(folder, 4, arena));
    assert_ok(io_write(half, "half", 4));
    RunHeader header = full_header("a", arena);
    assert_int_equal(found_step(folder, &header, arena), 3);
    assert_false(io_exists(half));
    scratch_end(folder, arena);
}

static void assert_copied(const RunRecord *run, int64_t resumed_from) {
    for (int64_t i = 0; i < run->n_steps; i++) {
        StepRow expected = fixture_step((int)i), row = run->steps[i];
        assert_memory_equal(&row, &expected, offsetof(StepRow, sample_s));
        assert_true(isnan(row.step_s) == (i < resumed_from));
        assert_true(isnan(row.sample_s) == (i < resumed_from));
    }
    for (int i = 0; i < run->n_evals; i++) {
        EvalRow expected = fixture_eval(i);
        assert_memory_equal(&run->evals[i], &expected, sizeof expected);
    }
}

/* Twice, the second time on another layout: rows, evaluations, digests of one run. */
static void test_checkpoints__a_continued_run_has_every_row_and_digest(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    RunHeader header = full_header("whole", arena);
    header.trial_id = "aaaaaaaaaaaaaaaa";
    RunWriter *writer;
    RunSummary summary = fixture_summary();
    assert_ok(run_begin(&writer, folder, &header, arena));
    record(writer, 1, FIXTURE_STEPS);
    assert_ok(run_finish(writer, &summary));
    bool found;
    RunRecord whole = fixture_load(arena_print(arena, "%s/runs/whole", folder), &found, arena);

    const char *first = interrupted_run(folder, "a", arena);
    for (int part = 0; part < 2; part++) {
        header = full_header(part ? "b" : "a", arena);
        Resume resume;
        assert_ok(checkpoints_find(&resume, folder, &header, arena));
        header.resumed_from = resume.step;
        assert_int_equal(resume.step, 3 + part);
        assert_ok(run_continue(&writer, folder, &header, &resume.before, arena));
        record(writer, 4 + part, 4 + part);
        if (part == 0) {
            checkpoint_at(writer, 4);
            run_abandon(writer);
        }
    }
    assert_ok(run_finish(writer, &summary));
    RunRecord run = fixture_load(arena_print(arena, "%s/runs/b", folder), &found, arena);
    assert_true(found && run.finished);
    assert_int_equal(run.header.resumed_from, 4);
    assert_int_equal(run.n_steps, FIXTURE_STEPS);
    assert_copied(&run, 4);
    assert_int_equal(run.n_evals, whole.n_evals);
    assert_int_equal(run.n_digests, whole.n_digests);
    for (int i = 0; i < run.n_digests; i++)
        assert_memory_equal(&run.digests[i], &whole.digests[i], sizeof run.digests[i]);
    assert_true(io_exists(arena_print(arena, "%s/journal.interrupted-1", first)));
    run = fixture_load(first, &found, arena);
    assert_true(found && !run.finished && run.n_steps == 4);
    scratch_end(folder, arena);
}

/* The rows may stand in a journal that was set aside, for example when its job died twice. */
static void test_checkpoints__rows_are_found_in_older_journals(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    interrupted_run(folder, "a", arena);
    RunHeader header = full_header("a", arena);
    RunWriter *writer;
    assert_ok(run_begin(&writer, folder, &header, arena));
    RunSummary failed = fixture_summary();
    failed.outcome = OUTCOME_FAILED;
    assert_ok(run_finish(writer, &failed));
    assert_int_equal(found_step(folder, &header, arena), 3);
    scratch_end(folder, arena);
}

static void test_checkpoints__verify_runs_write_none(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    RunHeader header = fixture_header(arena);
    RunWriter *writer;
    assert_ok(run_begin(&writer, folder, &header, arena));
    assert_null(run_recorder(writer).checkpoint);
    run_abandon(writer);
    header.mode = RUN_FULL;
    header.canonical = false; /* other bits than the trial's */
    assert_ok(run_begin(&writer, folder, &header, arena));
    assert_null(run_recorder(writer).checkpoint);
    run_abandon(writer);
    scratch_end(folder, arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checkpoints__the_last_two_are_kept),
        cmocka_unit_test(test_checkpoints__a_damaged_one_falls_back_to_the_one_before),
        cmocka_unit_test(test_checkpoints__what_does_not_fit_is_passed_over),
        cmocka_unit_test(test_checkpoints__of_a_run_that_ended_are_removed),
        cmocka_unit_test(test_checkpoints__a_killed_writer_s_half_is_removed),
        cmocka_unit_test(test_checkpoints__a_continued_run_has_every_row_and_digest),
        cmocka_unit_test(test_checkpoints__rows_are_found_in_older_journals),
        cmocka_unit_test(test_checkpoints__verify_runs_write_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
