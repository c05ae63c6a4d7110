/* Whole runs on disk: begun, recorded, finished, interrupted, read back. */
#include "lab/store/run_json.h"
#include "tests/unit/fixture_store.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void assert_same_double(double a, double b) {
    assert_memory_equal(&a, &b, sizeof a);
}

static void assert_header(const RunHeader *header, const RunHeader *expected) {
    assert_string_equal(header->run_id, expected->run_id);
    assert_string_equal(header->config, expected->config);
    assert_string_equal(header->metric, expected->metric);
    assert_string_equal(run_label(header), run_label(expected));
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

static void test_run__a_finished_run_comes_back(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    const char *run_folder = fixture_run(folder, "0123456789abcdef-r1t1", true, arena);
    bool found;
    RunRecord run = fixture_load(run_folder, &found, arena);
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

static void test_run__an_unfinished_run_is_summed_up_from_its_rows(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    bool found;
    RunRecord run = fixture_load(fixture_run(folder, "a", false, arena), &found, arena);
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

static void test_run__unfinished_runs_are_kept_finished_ones_replaced(void **state) {
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

static void test_run__all_runs_sorted_broken_ones_left_out(void **state) {
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

static void test_run__recording_after_the_end_is_a_bug(void **state) {
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
    struct rlimit room, full = {6000, RLIM_INFINITY};
    getrlimit(RLIMIT_FSIZE, &room);
    full.rlim_max = room.rlim_max;
    setrlimit(RLIMIT_FSIZE, &full);
    Error *error = NULL;
    for (int i = 0; i < 20 && !error; i++)
        error = fixture_record(writer, FIXTURE_STEPS);
    if (!error || error_code(error) != CODE_IO)
        _exit(2);
    setrlimit(RLIMIT_FSIZE, &room); /* somebody made room: too late for this run */
    RunSummary summary = fixture_summary();
    Error *end = run_finish(writer, &summary);
    _exit(end && error_code(end) == CODE_IO ? 0 : 3);
}

static void test_run__a_full_disk_leaves_a_readable_unfinished_run(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    int status = in_child(fill_the_disk, folder, arena);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    bool found;
    RunRecord run =
        fixture_load(arena_print(arena, "%s/runs/0123456789abcdef-r1t1", folder), &found, arena);
    assert_true(found && !run.finished);
    assert_true(run.n_steps >= 2);
    scratch_end(folder, arena);
}

static void test_run__numbers_beyond_json_survive(void **state) {
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

/* Journals of before there were labels. */
static void test_run__a_header_without_label_has_none(void **state) {
    (void)state;
    Arena *arena = arena_new();
    RunHeader header = fixture_header(arena), back;
    char *text = arena_copy(arena, json_canonical(run_json_header(&header, arena), arena));
    char *label = strstr(text, "\"label\":\"net_1\",");
    assert_non_null(label);
    const char *rest = strchr(label, ',') + 1;
    memmove(label, rest, strlen(rest) + 1);
    Json *object;
    assert_ok(json_parse(&object, text, strlen(text), NULL, arena));
    assert_ok(run_json_read_header(&back, object, arena));
    assert_null(back.label);
    assert_string_equal(run_label(&back), "");
    assert_string_equal(back.run_id, header.run_id);
    arena_end(arena);
}

/* A run under a collective without the contract has no digest, but its weights have a hash. */
static void test_run__no_contract_no_digest(void **state) {
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
    RunRecord run =
        fixture_load(arena_print(arena, "%s/runs/%s", folder, header.run_id), &found, arena);
    assert_true(found && run.finished);
    assert_string_equal(run.trajectory_sha256, "none");
    assert_int_equal(run.n_digests, 0);
    assert_int_equal(strlen(run.weights_sha256), 64);
    scratch_end(folder, arena);
}

/* What a kill -9 loses: at most 64 rows, or a second of training. */
static void test_run__rows_reach_the_kernel_now_and_then(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    RunHeader header = fixture_header(arena);
    RunWriter *writer;
    assert_ok(run_begin(&writer, folder, &header, arena));
    Recorder recorder = run_recorder(writer);
    const char *run_folder = arena_print(arena, "%s/runs/%s", folder, header.run_id);
    for (int i = 0; i < 200; i++) {
        StepRow row = fixture_step(i);
        row.step_s = i < 190 ? 1e-6 : 1.5; /* slow steps at the end: each is written at once */
        assert_ok(recorder.step(recorder.self, &row));
        bool found;
        int64_t seen = fixture_load(run_folder, &found, arena).n_steps;
        assert_true(found && i + 1 - seen < (i < 190 ? 64 : 1));
    }
    run_abandon(writer);
    scratch_end(folder, arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run__a_finished_run_comes_back),
        cmocka_unit_test(test_run__an_unfinished_run_is_summed_up_from_its_rows),
        cmocka_unit_test(test_run__unfinished_runs_are_kept_finished_ones_replaced),
        cmocka_unit_test(test_run__all_runs_sorted_broken_ones_left_out),
        cmocka_unit_test(test_run__recording_after_the_end_is_a_bug),
        cmocka_unit_test(test_run__a_full_disk_leaves_a_readable_unfinished_run),
        cmocka_unit_test(test_run__numbers_beyond_json_survive),
        cmocka_unit_test(test_run__a_header_without_label_has_none),
        cmocka_unit_test(test_run__no_contract_no_digest),
        cmocka_unit_test(test_run__rows_reach_the_kernel_now_and_then),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
