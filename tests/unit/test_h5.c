#include "lab/store/h5.h"
#include "lab/store/provenance.h"
#include "lab/store/schema.h"
#include "tests/unit/fixture_store.h"

#include <hdf5.h>
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

/* A finished run, read back from its journal. */
static RunRecord run_new(const char *folder, const char *run_id, Arena *arena) {
    RunRecord run;
    bool found;
    assert_ok(run_load(&run, &found, fixture_run(folder, run_id, true, arena), arena));
    assert_true(found);
    return run;
}

/* `n` steps instead of the fixture's few: long enough to be compressed. */
static void lengthen(RunRecord *run, int n, Arena *arena) {
    run->steps = ARENA_ARRAY(arena, StepRow, n);
    run->n_steps = n;
    for (int i = 0; i < n; i++)
        run->steps[i] = fixture_step(i);
}

static hid_t open_file(const char *path) {
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_true(file >= 0);
    return file;
}

static int read_dims(hid_t dataset, hsize_t dims[2]) {
    hid_t space = H5Dget_space(dataset);
    int n = H5Sget_simple_extent_dims(space, dims, NULL);
    H5Sclose(space);
    return n;
}

static const void *expected_row(const RunRecord *run, SchemaGroup group, int64_t i) {
    return group == GROUP_STEPS    ? (const void *)&run->steps[i]
           : group == GROUP_EVAL   ? (const void *)&run->evals[i]
           : group == GROUP_LAYERS ? (const void *)&run->layers[i]
                                   : (const void *)&run->curvatures[i];
}

/* One column of the file holds the bits of the record, whatever its shape. */
static void assert_column(hid_t file, const char *root, const RunRecord *run,
                          const Column *column) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s/%s", root, schema_group_name(column->group), column->name);
    hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT);
    assert_true(dataset >= 0);
    hsize_t dims[2] = {0, 1};
    int n_dims = read_dims(dataset, dims);
    assert_int_equal(n_dims, column->group == GROUP_LAYERS ? 2 : 1);
    assert_int_equal(dims[0], column->group == GROUP_STEPS       ? run->n_steps
                              : column->group == GROUP_CURVATURE ? run->n_curvatures
                                                                 : run->n_evals);
    assert_int_equal(dims[1], n_dims == 2 ? run->header.n_layers : 1);
    int64_t n = (int64_t)(dims[0] * dims[1]);
    uint64_t *values = calloc((size_t)n + 1, sizeof *values);
    hid_t type = column->type == COLUMN_INT64 ? H5T_NATIVE_INT64 : H5T_NATIVE_DOUBLE;
    assert_true(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    for (int64_t i = 0; i < n; i++)
        assert_memory_equal(&values[i],
                            (const char *)expected_row(run, column->group, i) + column->offset, 8);
    free(values);
    H5Dclose(dataset);
}

static int64_t n_rows(const RunRecord *run, SchemaGroup group) {
    return group == GROUP_STEPS       ? run->n_steps
           : group == GROUP_CURVATURE ? run->n_curvatures
           : group == GROUP_EVAL      ? run->n_evals
                                      : (int64_t)run->n_evals * run->header.n_layers;
}

/* Nothing was measured, or every row has the value that a column's absence means. */
static bool may_be_absent(const RunRecord *run, const Column *column) {
    bool same = schema_may_lack(column);
    for (int64_t i = 0; i < n_rows(run, column->group) && same; i++) {
        double value;
        memcpy(&value, (const char *)expected_row(run, column->group, i) + column->offset, 8);
        same = value == column->left_out || (isnan(value) && isnan(column->left_out));
    }
    return same || (column->group == GROUP_CURVATURE && run->n_curvatures == 0);
}

static bool is_there(hid_t file, const char *root, const Column *column) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", root, schema_group_name(column->group));
    if (H5Lexists(file, path, H5P_DEFAULT) <= 0)
        return false;
    snprintf(path, sizeof path, "%s/%s/%s", root, schema_group_name(column->group), column->name);
    return H5Lexists(file, path, H5P_DEFAULT) > 0;
}

static void assert_run(const char *path, const char *root, const RunRecord *run) {
    hid_t file = open_file(path);
    for (int i = 0; i < schema_n_columns; i++) {
        const Column *column = &schema_columns[i];
        assert_int_equal(is_there(file, root, column), !may_be_absent(run, column));
        if (is_there(file, root, column))
            assert_column(file, root, run, column);
    }
    H5Fclose(file);
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
    assert_ok(h5_write_all(runs, 3, "study", path));
    for (int i = 0; i < 3; i++)
        assert_run(path, arena_print(arena, "/runs/%s", names[i]), &runs[i]);
    assert_ok(h5_write_all(NULL, 0, "study", arena_print(arena, "%s/nothing.h5", folder)));
    folder_end(folder, arena);
}

/* A gathered file is made again when a run came, went or changed, or when it cannot be read. */
static void test_h5__a_gathered_file_says_what_it_holds(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena), *path = arena_print(arena, "%s/study.h5", folder);
    RunRecord runs[3];
    for (int i = 0; i < 3; i++)
        runs[i] = run_new(folder, arena_print(arena, "run%d", i), arena);
    assert_false(h5_is_current(path, runs, 3));
    assert_ok(h5_write_all(runs, 3, "study", path));
    assert_true(h5_is_current(path, runs, 3));
    assert_false(h5_is_current(path, runs, 2));
    assert_false(h5_is_current(path, runs + 1, 2));
    fixture_run(folder, "run1", true, arena); /* measured again: another end, another journal */
    const char *again = arena_print(arena, "%s/runs/run1", folder);
    size_t n;
    char *bytes = journal_of(again, &n, arena);
    RunRecord before = runs[1];
    bool found;
    runs[1] = fixture_load(again, &found, arena);
    assert_int_equal(h5_is_current(path, runs, 3), runs[1].mark == before.mark);
    assert_ok(io_write(arena_print(arena, "%s/journal", again), bytes, n - 100)); /* torn */
    runs[1] = fixture_load(again, &found, arena);
    assert_true(found && runs[1].mark != before.mark);
    assert_false(h5_is_current(path, runs, 3));
    assert_ok(h5_write_all(runs, 3, "study", path));
    assert_true(h5_is_current(path, runs, 3));
    assert_int_equal(truncate(path, 5000), 0);
    assert_false(h5_is_current(path, runs, 3));
    assert_ok(io_write(path, "nothing", 7));
    assert_false(h5_is_current(path, runs, 3));
    scratch_end(folder, arena);
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
    Error *error = h5_write_all(runs, 2, "study", path);
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
        cmocka_unit_test(test_h5__a_gathered_file_says_what_it_holds),
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
