#include "lab/store/journal.h"
#include "tests/unit/fixture_store.h"

#include <fcntl.h>
#include <unistd.h>

static void test_journal__frames_stand_alone(void **state) {
    (void)state;
    uint8_t bytes[64] = {0};
    memcpy(bytes + JOURNAL_HEAD, "abc", 3);
    size_t n = journal_seal(bytes, FRAME_HEADER, 3);
    assert_int_equal(n, JOURNAL_HEAD + 3 + JOURNAL_TAIL);
    size_t both = n + journal_seal(bytes + n, 77, 0);
    Frame frame;
    assert_true(journal_next(&frame, bytes, both, 0));
    assert_int_equal(frame.type, FRAME_HEADER);
    assert_memory_equal(frame.payload, "abc", 3);
    assert_true(journal_next(&frame, bytes, both, frame.end));
    assert_int_equal(frame.type, 77);
    assert_int_equal(frame.n, 0);
    assert_false(journal_next(&frame, bytes, both, both));
    assert_true(journal_last(&frame, bytes, both));
    assert_int_equal(frame.type, 77);
    assert_true(journal_last(&frame, bytes, n));
    assert_int_equal(frame.type, FRAME_HEADER);
}

static void test_journal__every_flipped_bit_is_seen(void **state) {
    (void)state;
    uint8_t bytes[64] = {0};
    memcpy(bytes + JOURNAL_HEAD, "payload", 7);
    size_t n = journal_seal(bytes, FRAME_STEP, 7);
    Frame frame;
    for (size_t bit = 0; bit < 8 * n; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(journal_next(&frame, bytes, n, 0));
        assert_false(journal_last(&frame, bytes, n));
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_true(journal_next(&frame, bytes, n, 0));
}

/* Puts `n` bytes into the journal of a run folder. It is written over, and cut only afterwards: a
 * file system that must free a file's blocks thousands of times makes the test wait for its disk.
 */
static const char *copy_of(const char *folder, const char *bytes, size_t n, Arena *arena) {
    const char *copy = arena_print(arena, "%s/copy", folder);
    assert_ok(io_folder(copy));
    int file = open(arena_print(arena, "%s/journal", copy), O_WRONLY | O_CREAT, 0666);
    assert_true(file >= 0);
    assert_int_equal(write(file, bytes, n), n);
    assert_int_equal(ftruncate(file, (off_t)n), 0);
    close(file);
    return copy;
}

/* A writer may die after any byte. */
static void test_journal__torn_at_every_byte(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    size_t n;
    char *bytes = journal_of(fixture_run(folder, "a", true, arena), &n, arena);
    int64_t seen = 0;
    for (size_t cut = 0; cut <= n; cut++) {
        Arena *scratch = arena_new();
        const char *copy = copy_of(folder, bytes, cut, scratch);
        bool found, finished;
        Outcome outcome;
        RunRecord run = fixture_load(copy, &found, scratch);
        assert_ok(run_is_finished(&finished, &outcome, copy, scratch));
        assert_int_equal(finished, cut == n);
        assert_int_equal(outcome, cut == n ? OUTCOME_DIVERGED : OUTCOME_INTERRUPTED);
        assert_int_equal(run.finished, finished);
        assert_true(run.n_steps >= seen && run.n_steps <= seen + 1);
        assert_int_equal(run.summary.outcome, found ? outcome : 0);
        seen = run.n_steps;
        assert_rows(&run);
        arena_end(scratch);
    }
    assert_int_equal(seen, FIXTURE_STEPS);
    scratch_end(folder, arena);
}

/* Of an unfinished run whatever stands before the damage survives, and nothing of what follows. */
static void test_journal__bit_flips_end_an_unfinished_run(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    size_t n;
    char *bytes = journal_of(fixture_run(folder, "a", false, arena), &n, arena);
    for (size_t at = 0; at < n; at++) {
        Arena *scratch = arena_new();
        bytes[at] ^= (char)(1 << at % 8);
        bool found;
        RunRecord run = fixture_load(copy_of(folder, bytes, n, scratch), &found, scratch);
        assert_false(run.finished);
        assert_true(run.n_steps + run.n_evals + run.n_digests < FIXTURE_STEPS + 2 + 2);
        assert_rows(&run);
        bytes[at] ^= (char)(1 << at % 8);
        arena_end(scratch);
    }
    scratch_end(folder, arena);
}

/* A run that ended must not quietly become an interrupted one. */
static void test_journal__damage_inside_a_finished_run_is_an_error(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    size_t n;
    char *bytes = journal_of(fixture_run(folder, "a", true, arena), &n, arena);
    Frame header;
    assert_true(journal_next(&header, (uint8_t *)bytes, n, 0));
    size_t places[] = {0, 5, 40, header.end, header.end + 30};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        bytes[places[i]] ^= 4;
        const char *copy = copy_of(folder, bytes, n, arena);
        RunRecord run;
        bool found, finished;
        Outcome outcome;
        Error *error = run_load(&run, &found, copy, arena);
        assert_non_null(error);
        assert_int_equal(error_code(error), CODE_IO);
        assert_non_null(strstr(error_text(error), "is damaged at byte"));
        error_end(error);
        assert_ok(run_is_finished(&finished, &outcome, copy, arena));
        assert_true(finished); /* so that `--rerun` takes it, and nothing else does */
        bytes[places[i]] ^= 4;
    }
    scratch_end(folder, arena);
}

/* What follows a final frame does not undo it. */
static void test_journal__bytes_behind_the_end_are_dropped(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    size_t n;
    char *bytes = journal_of(fixture_run(folder, "a", true, arena), &n, arena);
    char *longer = arena_alloc(arena, n + 100);
    memcpy(longer, bytes, n);
    memset(longer + n, 'x', 100);
    const char *copy = copy_of(folder, longer, n + 100, arena);
    bool found, finished;
    Outcome outcome;
    RunRecord run = fixture_load(copy, &found, arena);
    assert_true(found && run.finished);
    assert_ok(run_is_finished(&finished, &outcome, copy, arena));
    assert_true(finished);
    assert_int_equal(outcome, OUTCOME_DIVERGED);
    scratch_end(folder, arena);
}

static void test_journal__random_bytes_are_no_run(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    uint32_t word = 12345;
    char bytes[600];
    for (int round = 0; round < 200; round++) {
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (char)((word = word * 1664525 + 1013904223) >> 24);
        if (round % 2)
            journal_seal((uint8_t *)bytes, FRAME_FINAL, 3); /* begins well, but is no header */
        bool found = true;
        fixture_load(copy_of(folder, bytes, sizeof bytes, arena), &found, arena);
        assert_false(found);
    }
    bool found = true, finished = true;
    Outcome outcome;
    fixture_load("/nonexistent/run", &found, arena);
    assert_false(found);
    assert_ok(run_is_finished(&finished, &outcome, "/nonexistent/run", arena));
    assert_false(finished);
    scratch_end(folder, arena);
}

static size_t add_frame(uint8_t *to, FrameType type, const void *payload, size_t n) {
    memcpy(to + JOURNAL_HEAD, payload, n);
    return journal_seal(to, type, n);
}

/* Other columns in another order: read by name; what is absent is NaN or 0, what is unknown is
 * skipped. */
static void test_journal__another_schema_is_read_by_name(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    const char *header =
        "{\"run_id\":\"old\",\"columns\":{\"steps\":"
        "[\"lr:double\",\"colour:int64\",\"step:int64\",\"examples:double\",\"grad_norm:int64\"]}}";
    uint8_t bytes[1024];
    size_t n = add_frame(bytes, FRAME_HEADER, header, strlen(header));
    double values[5] = {0.5, 0, 0, 4096, 0};
    memcpy(&values[1], &(int64_t){-3}, 8);
    memcpy(&values[2], &(int64_t){7}, 8);
    memcpy(&values[4], &(int64_t){11}, 8);
    n += add_frame(bytes + n, FRAME_STEP, values, sizeof values);
    n += add_frame(bytes + n, 99, "of a newer program", 18);
    n += add_frame(bytes + n, FRAME_STEP, values, sizeof values);
    bool found;
    RunRecord run = fixture_load(copy_of(folder, (char *)bytes, n, arena), &found, arena);
    assert_true(found);
    assert_int_equal(run.n_steps, 2);
    const StepRow *row = &run.steps[1];
    assert_true(row->lr == 0.5 && row->step == 7 && row->examples == 4096 && row->grad_norm == 11);
    assert_true(isnan(row->train_loss) && isnan(row->step_s) && row->global_batch == 0);
    assert_true(run.header.n_layers == 0 && isnan(run.header.target));
    scratch_end(folder, arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_journal__frames_stand_alone),
        cmocka_unit_test(test_journal__every_flipped_bit_is_seen),
        cmocka_unit_test(test_journal__torn_at_every_byte),
        cmocka_unit_test(test_journal__bit_flips_end_an_unfinished_run),
        cmocka_unit_test(test_journal__damage_inside_a_finished_run_is_an_error),
        cmocka_unit_test(test_journal__bytes_behind_the_end_are_dropped),
        cmocka_unit_test(test_journal__random_bytes_are_no_run),
        cmocka_unit_test(test_journal__another_schema_is_read_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
