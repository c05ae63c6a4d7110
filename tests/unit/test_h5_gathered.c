/* <experiment>.h5: what of it is made again when runs come, go and change. */
#include "lab/store/provenance.h"
#include "tests/unit/fixture_h5.h"

#include <unistd.h>

/* What `path` holds, brought up to date. */
static Error *write_all(const RunRecord *runs, int n, const char *path, Arena *arena) {
    return h5_gathered_write(h5_gathered_new(path, arena), runs, n, "study", path);
}

static void assert_all(const char *path, const RunRecord *runs, int n, Arena *arena) {
    hid_t file = open_file(path), group = H5Gopen2(file, "/runs", H5P_DEFAULT);
    H5G_info_t info;
    int64_t n_runs = 0;
    assert_true(H5Gget_info(group, &info) >= 0);
    assert_int_equal(info.nlinks, n);
    hid_t attribute = H5Aopen(file, "n_runs", H5P_DEFAULT);
    assert_true(H5Aread(attribute, H5T_NATIVE_INT64, &n_runs) >= 0);
    assert_int_equal(n_runs, n);
    H5Aclose(attribute);
    H5Gclose(group);
    H5Fclose(file);
    assert_true(h5_is_current(path, runs, n));
    for (int i = 0; i < n; i++)
        assert_run(path, arena_print(arena, "/runs/%s", runs[i].header.run_id), &runs[i]);
}

/* A mark on the group of a run: it is gone when the group was made again. */
static void put_mark(const char *path, const char *run_id, Arena *arena) {
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), space = H5Screate(H5S_SCALAR);
    hid_t group = H5Gopen2(file, arena_print(arena, "/runs/%s", run_id), H5P_DEFAULT);
    hid_t mark = H5Acreate2(group, "mark", H5T_NATIVE_INT, space, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(file >= 0 && group >= 0 && mark >= 0);
    H5Aclose(mark);
    H5Gclose(group);
    H5Sclose(space);
    H5Fclose(file);
}

static bool has_mark(const char *path, const char *run_id, Arena *arena) {
    hid_t file = open_file(path);
    htri_t there =
        H5Aexists_by_name(file, arena_print(arena, "/runs/%s", run_id), "mark", H5P_DEFAULT);
    H5Fclose(file);
    return there > 0;
}

/* A gathered file is made again when a run came, went or changed, or when it cannot be read. */
static void test_h5_gathered__says_what_it_holds(void **state) {
    (void)state;
    Study study = study_new();
    assert_false(h5_is_current(study.path, study.runs, 3));
    assert_ok(write_all(study.runs, 3, study.path, study.arena));
    assert_true(h5_is_current(study.path, study.runs, 3));
    assert_false(h5_is_current(study.path, study.runs, 2));
    assert_false(h5_is_current(study.path, study.runs + 1, 2));
    /* measured again: another end, another journal */
    fixture_run(study.folder, "run1", true, study.arena);
    const char *again = arena_print(study.arena, "%s/runs/run1", study.folder);
    size_t n;
    char *bytes = journal_of(again, &n, study.arena);
    RunRecord before = study.runs[1];
    bool found;
    study.runs[1] = fixture_load(again, &found, study.arena);
    assert_int_equal(h5_is_current(study.path, study.runs, 3), study.runs[1].mark == before.mark);
    assert_ok(io_write(arena_print(study.arena, "%s/journal", again), bytes, n - 100)); /* torn */
    study.runs[1] = fixture_load(again, &found, study.arena);
    assert_true(found && study.runs[1].mark != before.mark);
    assert_false(h5_is_current(study.path, study.runs, 3));
    assert_ok(write_all(study.runs, 3, study.path, study.arena));
    assert_true(h5_is_current(study.path, study.runs, 3));
    assert_int_equal(truncate(study.path, 5000), 0);
    assert_false(h5_is_current(study.path, study.runs, 3));
    assert_ok(io_write(study.path, "nothing", 7));
    assert_false(h5_is_current(study.path, study.runs, 3));
    study_end(&study);
}

/* A series of "run2" is compressed. */
static Study study_with_a_long_run(void) {
    Study out = study_new();
    lengthen(&out.runs[2], 5000, out.arena);
    return out;
}

/* A run that came or changed costs its own part, whatever else the file holds. */
static void test_h5_gathered__only_what_changed_is_made_again(void **state) {
    (void)state;
    Study study = study_with_a_long_run();
    assert_ok(write_all(study.runs, 3, study.path, study.arena));
    for (int i = 0; i < 3; i++)
        put_mark(study.path, study.runs[i].header.run_id, study.arena);
    lengthen(&study.runs[1], 7, study.arena);
    study.runs[1].mark++;
    assert_ok(write_all(study.runs, 4, study.path, study.arena));
    assert_all(study.path, study.runs, 4, study.arena);
    assert_true(has_mark(study.path, "run0", study.arena) &&
                has_mark(study.path, "run2", study.arena));
    assert_false(has_mark(study.path, "run1", study.arena));
    study_end(&study);
}

/* As often as a run changes: the room that was lost in the file is won back. */
static void test_h5_gathered__a_file_of_replaced_runs_is_made_again(void **state) {
    (void)state;
    Study study = study_with_a_long_run();
    assert_ok(write_all(study.runs, 2, study.path, study.arena));
    put_mark(study.path, "run0", study.arena);
    for (int i = 1; i <= 2; i++) {
        assert_int_equal(has_mark(study.path, "run0", study.arena), true);
        study.runs[1].mark++;
        assert_ok(write_all(study.runs, 2, study.path, study.arena));
        assert_all(study.path, study.runs, 2, study.arena);
    }
    assert_false(has_mark(study.path, "run0", study.arena));
    study_end(&study);
}

static void test_h5_gathered__a_run_that_went_is_gone(void **state) {
    (void)state;
    Study study = study_with_a_long_run();
    assert_ok(write_all(study.runs, 4, study.path, study.arena));
    assert_ok(write_all(study.runs + 1, 3, study.path, study.arena));
    assert_all(study.path, study.runs + 1, 3, study.arena);
    hid_t file = open_file(study.path);
    assert_true(H5Lexists(file, "/runs/run0", H5P_DEFAULT) == 0);
    H5Fclose(file);
    study_end(&study);
}

static void set_build(const char *path, const char *build) {
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    hid_t attribute = H5Aopen(file, "build", H5P_DEFAULT);
    assert_true(attribute >= 0 && H5Awrite(attribute, type, &build) >= 0);
    H5Aclose(attribute);
    H5Tclose(type);
    H5Fclose(file);
}

/* Another build may lay a run out in another way. */
static void test_h5_gathered__a_file_of_another_build_is_made_again(void **state) {
    (void)state;
    Study study = study_with_a_long_run();
    assert_ok(write_all(study.runs, 3, study.path, study.arena));
    put_mark(study.path, "run0", study.arena);
    set_build(study.path, provenance_build());
    assert_ok(write_all(study.runs, 4, study.path, study.arena));
    assert_true(has_mark(study.path, "run0", study.arena));
    set_build(study.path, "0123456789abcdef");
    assert_ok(write_all(study.runs, 4, study.path, study.arena));
    assert_false(has_mark(study.path, "run0", study.arena));
    assert_all(study.path, study.runs, 4, study.arena);
    study_end(&study);
}

/* A reader may have the old file open meanwhile, and goes on reading it. */
static void test_h5_gathered__readers_are_not_disturbed(void **state) {
    (void)state;
    Study study = study_with_a_long_run();
    assert_ok(write_all(study.runs, 3, study.path, study.arena));
    put_mark(study.path, "run0", study.arena);
    char *before, *after;
    size_t n_before, n_after;
    assert_ok(io_read(&before, &n_before, study.path, study.arena));
    H5Gathered *gathered = h5_gathered_new(study.path, study.arena);
    h5_gathered_add(gathered, &study.runs[3]);
    hid_t reader = open_file(study.path);
    assert_ok(
        io_read(&after, &n_after, study.path, study.arena)); /* nothing of it is in the file yet */
    assert_true(n_before == n_after && memcmp(before, after, n_before) == 0);
    assert_ok(h5_gathered_write(gathered, study.runs, 4, "study", study.path));
    assert_true(H5Lexists(reader, "/runs/run3", H5P_DEFAULT) == 0);
    H5Fclose(reader);
    assert_all(study.path, study.runs, 4, study.arena);
    assert_true(has_mark(study.path, "run0", study.arena));
    study_end(&study);
}

/* Gathering goes on while single study.runs are written. */
static void test_h5_gathered__other_files_are_written_meanwhile(void **state) {
    (void)state;
    Study study = study_with_a_long_run();
    const char *alone = arena_print(study.arena, "%s/alone.h5", study.folder);
    H5Gathered *gathered = h5_gathered_new(study.path, study.arena);
    h5_gathered_add(gathered, &study.runs[0]);
    H5Gathered *second = h5_gathered_new(NULL, study.arena);
    assert_ok(h5_write_run(&study.runs[1], alone));
    h5_gathered_add(gathered, &study.runs[1]);
    h5_gathered_add(second, &study.runs[1]);
    h5_gathered_end(second);
    assert_ok(h5_gathered_write(gathered, study.runs, 4, "study", study.path));
    assert_run(alone, "", &study.runs[1]);
    assert_all(study.path, study.runs, 4, study.arena);
    study_end(&study);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_h5_gathered__says_what_it_holds),
        cmocka_unit_test(test_h5_gathered__only_what_changed_is_made_again),
        cmocka_unit_test(test_h5_gathered__a_file_of_replaced_runs_is_made_again),
        cmocka_unit_test(test_h5_gathered__a_run_that_went_is_gone),
        cmocka_unit_test(test_h5_gathered__a_file_of_another_build_is_made_again),
        cmocka_unit_test(test_h5_gathered__readers_are_not_disturbed),
        cmocka_unit_test(test_h5_gathered__other_files_are_written_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
