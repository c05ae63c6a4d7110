#include "lab/store/journal.h"
#include "lab/store/run_json.h"
#include "tests/unit/fixture_store.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void assert_ok(Error *error) {
    if (error) {
        error_print(error, stderr);
        fail();
    }
}

static RunRecord load(const char *folder, bool *found, Arena *arena) {
    RunRecord run;
    assert_ok(run_load(&run, found, folder, arena));
    return run;
}

static void assert_same_double(double a, double b) {
    assert_memory_equal(&a, &b, sizeof a);
}

/* The first rows of `run` are the rows that were recorded, bit for bit. */
static void assert_rows(const RunRecord *run) {
    for (int i = 0; i < run->n_steps; i++) {
        StepRow expected = fixture_step(i);
        assert_memory_equal(&run->steps[i], &expected, sizeof expected);
    }
    for (int i = 0; i < run->n_evals; i++) {
        EvalRow expected = fixture_eval(i);
        assert_memory_equal(&run->evals[i], &expected, sizeof expected);
        for (int j = 0; j < FIXTURE_LAYERS; j++) {
            LayerRow layer = fixture_layer(i, j);
            assert_memory_equal(&run->layers[i * FIXTURE_LAYERS + j], &layer, sizeof layer);
        }
    }
}

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

static void assert_header(const RunHeader *header, const RunHeader *expected) {
    assert_string_equal(header->run_id, expected->run_id);
    assert_string_equal(header->config, expected->config);
    assert_string_equal(header->metric, expected->metric);
    assert_true(header->seed == expected->seed);
    assert_int_equal(header->mode, RUN_VERIFY);
    assert_int_equal(header->threads, 3);
    assert_int_equal(header->n_weights, FIXTURE_WEIGHTS);
    assert_true(header->alone && header->canonical && !header->oversubscribed);
    assert_true(header->target == 0.75 && header->flops_per_example == 12.5);
    assert_int_equal(header->n_layers, FIXTURE_LAYERS);
    assert_string_equal(header->layer_names[1], expected->layer_names[1]);
    assert_string_equal(json_find(header->provenance, "remark")->text, "an \"abacus\"");
}

static void test_journal__a_finished_run_comes_back(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    const char *run_folder = fixture_run(folder, "0123456789abcdef-r1t1", true, arena);
    bool found;
    RunRecord run = load(run_folder, &found, arena);
    assert_true(found && run.finished);
    assert_int_equal(run.n_steps, FIXTURE_STEPS);
    assert_int_equal(run.n_evals, 2);
    assert_rows(&run);
    RunHeader header = fixture_header(arena);
    assert_header(&run.header, &header);
    assert_true(json_get(run.config, "lr.base")->number == 0.1);
    RunSummary summary = fixture_summary();
    assert_int_equal(run.summary.outcome, OUTCOME_DIVERGED);
    assert_int_equal(run.summary.steps_run, FIXTURE_STEPS);
    assert_same_double(run.summary.best_valid_accuracy, summary.best_valid_accuracy);
    assert_same_double(run.summary.test_accuracy_at_best_valid, -0.0);
    assert_same_double(run.summary.final_test_accuracy, 5e-324);
    assert_same_double(run.summary.final_valid_loss, INFINITY);
    assert_true(isnan(run.summary.steps_to_target));
    assert_int_equal(run.n_digests, 2);
    assert_int_equal(run.digests[1].step, 4);
    assert_string_equal(run.trajectory_sha256, run.digests[1].sha256);
    assert_int_equal(strlen(run.weights_sha256), 64);
    assert_int_equal(strlen(run.end_utc), 20);
    assert_true(io_exists(arena_print(arena, "%s/run.h5", run_folder)));
    scratch_end(folder, arena);
}

/* Reads the journal, puts `n` of its bytes into a fresh run folder, and loads that. */
static const char *copy_of(const char *folder, const char *bytes, size_t n, Arena *arena) {
    const char *copy = arena_print(arena, "%s/copy", folder);
    assert_ok(io_folder(copy));
    FILE *file = fopen(arena_print(arena, "%s/journal", copy), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    fclose(file);
    return copy;
}

static char *journal_of(const char *run_folder, size_t *n, Arena *arena) {
    char *bytes;
    assert_ok(io_read(&bytes, n, arena_print(arena, "%s/journal", run_folder), arena));
    return bytes;
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
        RunRecord run = load(copy, &found, scratch);
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
        RunRecord run = load(copy_of(folder, bytes, n, scratch), &found, scratch);
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
    size_t places[] = {0, 5, 40, n / 2};
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
    RunRecord run = load(copy, &found, arena);
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
        load(copy_of(folder, bytes, sizeof bytes, arena), &found, arena);
        assert_false(found);
    }
    bool found = true, finished = true;
    Outcome outcome;
    load("/nonexistent/run", &found, arena);
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
    RunRecord run = load(copy_of(folder, (char *)bytes, n, arena), &found, arena);
    assert_true(found);
    assert_int_equal(run.n_steps, 2);
    const StepRow *row = &run.steps[1];
    assert_true(row->lr == 0.5 && row->step == 7 && row->examples == 4096 && row->grad_norm == 11);
    assert_true(isnan(row->train_loss) && isnan(row->step_s) && row->global_batch == 0);
    assert_true(run.header.n_layers == 0 && isnan(run.header.target));
    scratch_end(folder, arena);
}

static void test_journal__an_unfinished_run_is_summed_up_from_its_rows(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    bool found;
    RunRecord run = load(fixture_run(folder, "a", false, arena), &found, arena);
    assert_true(found && !run.finished);
    assert_int_equal(run.summary.outcome, OUTCOME_INTERRUPTED);
    assert_int_equal(run.summary.steps_run, FIXTURE_STEPS);
    assert_true(run.summary.steps_to_target == 4 && run.summary.examples_to_target == 128);
    assert_true(run.summary.seconds_to_target == 1.0);
    assert_true(run.summary.best_valid_accuracy == 0.75 && run.summary.final_valid_loss == 1.0);
    assert_true(run.summary.test_accuracy_at_best_valid == 0.625);
    assert_int_equal(strlen(run.trajectory_sha256), 64);
    assert_string_equal(run.weights_sha256, "none");
    scratch_end(folder, arena);
}

static void test_journal__unfinished_runs_are_kept_finished_ones_replaced(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    fixture_run(folder, "a", false, arena);
    fixture_run(folder, "a", false, arena);
    const char *run_folder = fixture_run(folder, "a", true, arena);
    assert_true(io_exists(arena_print(arena, "%s/journal.interrupted-1", run_folder)));
    assert_true(io_exists(arena_print(arena, "%s/journal.interrupted-2", run_folder)));
    fixture_run(folder, "a", false, arena);
    assert_false(io_exists(arena_print(arena, "%s/journal.interrupted-3", run_folder)));
    assert_false(
        io_exists(arena_print(arena, "%s/run.h5", run_folder))); /* it told of the old run */
    scratch_end(folder, arena);
}

static void test_journal__all_runs_sorted_broken_ones_left_out(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    RunRecord *runs;
    int n = -1;
    assert_ok(run_load_all(&runs, &n, folder, arena));
    assert_int_equal(n, 0);
    const char *names[] = {"c", "a", "b", "d", "e"};
    for (int i = 0; i < 5; i++)
        fixture_run(folder, names[i], i != 1, arena);
    size_t bytes_n;
    char *bytes = journal_of(arena_print(arena, "%s/runs/b", folder), &bytes_n, arena);
    bytes[bytes_n / 2] ^= 1;
    assert_ok(io_write(arena_print(arena, "%s/runs/b/journal", folder), bytes, bytes_n));
    assert_int_equal(rename(arena_print(arena, "%s/runs/d", folder),
                            arena_print(arena, "%s/runs/copy-of-d", folder)),
                     0);
    assert_ok(io_folder(arena_print(arena, "%s/runs/empty", folder)));
    assert_ok(run_load_all(&runs, &n, folder, arena));
    assert_int_equal(n, 3);
    assert_string_equal(runs[0].header.run_id, "a");
    assert_string_equal(runs[1].header.run_id, "c");
    assert_string_equal(runs[2].header.run_id, "e");
    scratch_end(folder, arena);
}

/* Runs `body` in a process of its own and returns how that ended. */
static int in_child(void (*body)(const char *folder, Arena *arena), const char *folder,
                    Arena *arena) {
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        int nowhere = open("/dev/null", O_WRONLY);
        dup2(nowhere, 2);
        signal(SIGABRT, SIG_DFL);
        body(folder, arena);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void record_after_the_end(const char *folder, Arena *arena) {
    RunHeader header = fixture_header(arena);
    RunWriter *writer;
    if (run_begin(&writer, folder, &header, arena))
        _exit(1);
    RunSummary summary = fixture_summary();
    if (run_finish(writer, &summary))
        _exit(1);
    fixture_record(writer, 1);
}

static void test_journal__recording_after_the_end_is_a_bug(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    int status = in_child(record_after_the_end, folder, arena);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    scratch_end(folder, arena);
}

/* Exits 0 when a full disk is an error at the evaluation that syncs, and the run then cannot
 * finish. */
static void fill_the_disk(const char *folder, Arena *arena) {
    signal(SIGXFSZ, SIG_IGN);
    RunHeader header = fixture_header(arena);
    RunWriter *writer;
    if (run_begin(&writer, folder, &header, arena))
        _exit(1);
    struct rlimit limit = {6000, 6000};
    setrlimit(RLIMIT_FSIZE, &limit);
    Error *error = NULL;
    for (int i = 0; i < 20 && !error; i++)
        error = fixture_record(writer, FIXTURE_STEPS);
    if (!error || error_code(error) != CODE_IO)
        _exit(2);
    RunSummary summary = fixture_summary();
    Error *end = run_finish(writer, &summary);
    _exit(end && error_code(end) == CODE_IO ? 0 : 3);
}

static void test_journal__a_full_disk_leaves_a_readable_unfinished_run(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    int status = in_child(fill_the_disk, folder, arena);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    bool found;
    RunRecord run =
        load(arena_print(arena, "%s/runs/0123456789abcdef-r1t1", folder), &found, arena);
    assert_true(found && !run.finished);
    assert_true(run.n_steps >= 2);
    scratch_end(folder, arena);
}

static void test_journal__numbers_beyond_json_survive(void **state) {
    (void)state;
    Arena *arena = arena_new();
    uint64_t seeds[] = {0, 1ull << 53, (1ull << 53) + 1, UINT64_MAX};
    double numbers[] = {0x1p53, 12345678901234568, -INFINITY, -0.0};
    for (int i = 0; i < 4; i++) {
        RunHeader header = fixture_header(arena), back;
        header.seed = seeds[i];
        header.n_weights = INT64_MAX - i;
        header.flops_per_example = numbers[i];
        header.target = NAN;
        header.metric = NULL;
        const char *text = json_canonical(run_json_header(&header, arena), arena);
        Json *object;
        assert_ok(json_parse(&object, text, strlen(text), NULL, arena));
        assert_ok(run_json_read_header(&back, object, arena));
        assert_true(back.seed == seeds[i] && back.n_weights == INT64_MAX - i);
        assert_same_double(back.flops_per_example, numbers[i]);
        assert_true(isnan(back.target) && back.metric == NULL);
    }
    arena_end(arena);
}

/* A run under a collective without the contract has no digest, but its weights have a hash. */
static void test_journal__no_contract_no_digest(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    RunHeader header = fixture_header(arena);
    header.canonical = false;
    RunWriter *writer;
    assert_ok(run_begin(&writer, folder, &header, arena));
    assert_ok(fixture_record(writer, FIXTURE_STEPS));
    RunSummary summary = fixture_summary();
    assert_ok(run_finish(writer, &summary));
    bool found;
    RunRecord run = load(arena_print(arena, "%s/runs/%s", folder, header.run_id), &found, arena);
    assert_true(found && run.finished);
    assert_string_equal(run.trajectory_sha256, "none");
    assert_int_equal(run.n_digests, 0);
    assert_int_equal(strlen(run.weights_sha256), 64);
    scratch_end(folder, arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_journal__frames_stand_alone),
        cmocka_unit_test(test_journal__every_flipped_bit_is_seen),
        cmocka_unit_test(test_journal__a_finished_run_comes_back),
        cmocka_unit_test(test_journal__torn_at_every_byte),
        cmocka_unit_test(test_journal__bit_flips_end_an_unfinished_run),
        cmocka_unit_test(test_journal__damage_inside_a_finished_run_is_an_error),
        cmocka_unit_test(test_journal__bytes_behind_the_end_are_dropped),
        cmocka_unit_test(test_journal__random_bytes_are_no_run),
        cmocka_unit_test(test_journal__another_schema_is_read_by_name),
        cmocka_unit_test(test_journal__an_unfinished_run_is_summed_up_from_its_rows),
        cmocka_unit_test(test_journal__unfinished_runs_are_kept_finished_ones_replaced),
        cmocka_unit_test(test_journal__all_runs_sorted_broken_ones_left_out),
        cmocka_unit_test(test_journal__recording_after_the_end_is_a_bug),
        cmocka_unit_test(test_journal__a_full_disk_leaves_a_readable_unfinished_run),
        cmocka_unit_test(test_journal__numbers_beyond_json_survive),
        cmocka_unit_test(test_journal__no_contract_no_digest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
