#include "lab/store/provenance.h"
#include "tests/unit/fixture_h5.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* The folder's files stay when BATCHLAB_KEEP names it: tests/peer reads them with other programs.
 */
static const char *folder_new(Arena *arena) {
    const char *kept = getenv("BATCHLAB_KEEP");
    return kept ? arena_copy(arena, kept) : scratch_new(arena);
}

static void folder_end(const char *folder, Arena *arena) {
    if (getenv("BATCHLAB_KEEP"))
        arena_end(arena);
    else
        scratch_end(folder, arena);
}

static Error *write_all(const RunRecord *runs, int n, const char *path, Arena *arena) {
    return h5_gathered_write(h5_gathered_new(path, arena), runs, n, "study", path);
}

static void test_h5__a_run_holds_every_column(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = folder_new(arena);
    RunRecord run = run_new(folder, "0123456789abcdef-r1t1", arena);
    assert_run(arena_print(arena, "%s/runs/%s/run.h5", folder, run.header.run_id), "", &run);
    folder_end(folder, arena);
}

/* A column whose rows all have the value that its absence means is left out; one other row brings
 * it. */
static void test_h5__columns_that_say_nothing_are_left_out(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = folder_new(arena), *path = arena_print(arena, "%s/run.h5", folder);
    RunRecord run = run_new(folder, "plain", arena);
    lengthen(&run, 9, arena);
    for (int i = 0; i < 9; i++) {
        run.steps[i].lr_gain = 1;
        run.steps[i].preconditioned_trace = NAN;
    }
    run.n_curvatures = 0;
    assert_ok(h5_write_run(&run, path));
    assert_run(path, "", &run);
    hid_t file = open_file(path);
    assert_false(H5Lexists(file, "steps/lr_gain", H5P_DEFAULT));
    assert_false(H5Lexists(file, "steps/preconditioned_trace", H5P_DEFAULT));
    assert_false(H5Lexists(file, "curvature", H5P_DEFAULT));
    H5Fclose(file);
    run.steps[8].lr_gain = 0.5;
    run.steps[0].preconditioned_trace = 2;
    assert_ok(h5_write_run(&run, path));
    assert_run(path, "", &run);
    folder_end(folder, arena);
}

/* Long runs are compressed, empty ones have their datasets all the same. */
static void test_h5__runs_are_gathered(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = folder_new(arena);
    RunRecord runs[3];
    const char *names[] = {"empty", "long", "short"};
    for (int i = 0; i < 3; i++)
        runs[i] = run_new(folder, names[i], arena);
    runs[0].n_steps = runs[0].n_evals = runs[0].n_curvatures = runs[0].n_digests =
        runs[0].header.n_layers = 0;
    lengthen(&runs[1], 5000, arena);
    const char *path = arena_print(arena, "%s/study.h5", folder);
    assert_ok(write_all(runs, 3, path, arena));
    for (int i = 0; i < 3; i++)
        assert_run(path, arena_print(arena, "/runs/%s", names[i]), &runs[i]);
    assert_ok(write_all(NULL, 0, arena_print(arena, "%s/nothing.h5", folder), arena));
    folder_end(folder, arena);
}

static void test_h5__attributes_are_there(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    RunRecord run = run_new(folder, "a", arena);
    hid_t file = open_file(arena_print(arena, "%s/runs/a/run.h5", folder));
    uint64_t seed = 0;
    hid_t attribute = H5Aopen(file, "seed", H5P_DEFAULT);
    assert_true(H5Aread(attribute, H5T_NATIVE_UINT64, &seed) >= 0);
    H5Aclose(attribute);
    assert_true(seed == run.header.seed);
    double best = 0;
    attribute = H5Aopen_by_name(file, "summary", "best_valid_accuracy", H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Aread(attribute, H5T_NATIVE_DOUBLE, &best) >= 0);
    H5Aclose(attribute);
    assert_true(best == run.summary.best_valid_accuracy);
    assert_true(H5Aexists_by_name(file, "provenance", "end_utc", H5P_DEFAULT) > 0);
    assert_true(H5Aexists_by_name(file, "provenance", "cpu", H5P_DEFAULT) > 0);
    H5Fclose(file);
    scratch_end(folder, arena);
}

static void test_h5__same_record_same_bytes(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    RunRecord run = run_new(folder, "a", arena);
    char *first, *second;
    size_t n_first, n_second;
    const char *path = arena_print(arena, "%s/again.h5", folder);
    assert_ok(h5_write_run(&run, path));
    assert_ok(io_read(&first, &n_first, path, arena));
    sleep(1); /* a time stamp would show */
    assert_ok(h5_write_run(&run, path));
    assert_ok(io_read(&second, &n_second, path, arena));
    assert_int_equal(n_first, n_second);
    assert_memory_equal(first, second, n_first);
    scratch_end(folder, arena);
}

static void test_h5__trouble_is_an_error(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    RunRecord runs[2] = {run_new(folder, "a", arena), run_new(folder, "a", arena)};
    const char *path = arena_print(arena, "%s/study.h5", folder);
    Error *error = write_all(runs, 2, path, arena);
    assert_non_null(error);
    assert_non_null(strstr(error_text(error), "HDF5 cannot make group 'a'"));
    assert_non_null(strstr(error_root(error), "already exists")); /* HDF5's own words */
    error_end(error);
    assert_false(io_exists(path));
    error = h5_write_run(&runs[0], arena_print(arena, "%s/missing/run.h5", folder));
    assert_non_null(error);
    assert_int_equal(error_code(error), CODE_IO);
    error_end(error);
    assert_ok(h5_write_run(&runs[0], path)); /* the library is as good as before */
    assert_run(path, "", &runs[0]);
    scratch_end(folder, arena);
}

/* Leaves through exit(), as a program does: HDF5's handler at exit must find nothing to trip over.
 */
static void write_on_a_full_disk(const RunRecord *run, const char *path) {
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {4096, 4096};
    setrlimit(RLIMIT_FSIZE, &limit);
    Error *error = h5_write_run(run, path);
    int code = error && error_code(error) == CODE_IO ? 74 : 1;
    error_end(error);
    exit(code);
}

static void test_h5__a_full_disk_neither_crashes_nor_harms_the_old_file(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    RunRecord run = run_new(folder, "a", arena);
    const char *path = arena_print(arena, "%s/runs/a/run.h5", folder);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        write_on_a_full_disk(&run, path);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 74);
    assert_run(path, "", &run);
    scratch_end(folder, arena);
}

static void test_h5__h5dump_reads_it(void **state) {
    (void)state;
    if (system("command -v h5dump >/dev/null") != 0)
        skip();
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    run_new(folder, "a", arena);
    assert_int_equal(
        system(arena_print(arena, "h5dump -H '%s/runs/a/run.h5' | grep -q noise_trace", folder)),
        0);
    scratch_end(folder, arena);
}

/* ---- results/README.md draws the schema: each row of the tables stands there, and no other */

static int count(const char *text, const char *what) {
    int n = 0;
    for (const char *at = text; (at = strstr(at, what)) != NULL; at++)
        n++;
    return n;
}

static void assert_drawn(const char *page, const char *row) {
    if (strstr(page, row) == NULL)
        fail_msg("results/README.md lacks the row\n%s", row);
}

static void test_h5__the_page_draws_every_column_and_attribute(void **state) {
    (void)state;
    Arena *arena = arena_new();
    char *page;
    size_t n;
    assert_ok(io_read(&page, &n, SOURCE_DIR "/results/README.md", arena));
    for (int i = 0; i < schema_n_columns; i++) {
        const Column *c = &schema_columns[i];
        assert_drawn(page,
                     arena_print(arena, "| `/%s/%s` | %s | %s | %s | %s |\n",
                                 schema_group_name(c->group), c->name, schema_type_name(c->type),
                                 c->unit, c->trajectory ? "yes" : "no", c->meaning));
    }
    int n_attributes = 0;
#define ATTRIBUTE(group, type, name, unit, meaning, value)                                         \
    assert_drawn(page, "| `" #name "` | " DRAW_##type " | " unit " | " meaning " |\n");            \
    n_attributes++;
#define DRAW_TEXT "text"
#define DRAW_WHOLE "int64"
#define DRAW_SEED "uint64"
#define DRAW_REAL "double"
#include "lab/store/attributes.def"
    assert_int_equal(count(page, "\n| `/"), schema_n_columns);
    assert_int_equal(count(page, "\n| `") - count(page, "\n| `/"), n_attributes);
    arena_end(arena);
}

static void test_h5__provenance_names_build_machine_and_libraries(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const Json *object = provenance_make("Open MPI 4.1.4", 2, arena);
    const char *const texts[] = {"version",   "git_commit",  "build", "compiler",
                                 "flags",     "cpu",         "isa",   "host",
                                 "system",    "binding",     "mpi",   "onednn",
                                 "blas_core", "blas_config", "hdf5",  "start_utc"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const Json *value = json_find(object, texts[i]);
        assert_true(value && value->kind == JSON_TEXT && value->text[0]);
    }
    assert_true(json_find(object, "cores")->number >= 1);
    assert_true(json_find(object, "hosts")->number == 2);
    assert_string_equal(json_find(object, "build")->text, provenance_build());
    assert_int_equal(strlen(provenance_build()), 16);
    unsigned major, minor, release;
    H5get_libversion(&major, &minor, &release);
    assert_string_equal(h5_library(), arena_print(arena, "%u.%u.%u", major, minor, release));
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_h5__a_run_holds_every_column),
        cmocka_unit_test(test_h5__columns_that_say_nothing_are_left_out),
        cmocka_unit_test(test_h5__runs_are_gathered),
        cmocka_unit_test(test_h5__attributes_are_there),
        cmocka_unit_test(test_h5__same_record_same_bytes),
        cmocka_unit_test(test_h5__trouble_is_an_error),
        cmocka_unit_test(test_h5__a_full_disk_neither_crashes_nor_harms_the_old_file),
        cmocka_unit_test(test_h5__h5dump_reads_it),
        cmocka_unit_test(test_h5__the_page_draws_every_column_and_attribute),
        cmocka_unit_test(test_h5__provenance_names_build_machine_and_libraries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
