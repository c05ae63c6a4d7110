/* Calibrations: kept in HDF5, read back, replaced when measured again. */
#include "lab/store/calibration.h"
#include "tests/unit/fixture_store.h"

#include <hdf5.h>

static const SumTime sums[] = {
    {.way = "tree", .replicas = 2, .hosts = 1, .bytes = 4096, .seconds = 1e-6, .utc = "then"},
    {.way = "tree", .replicas = 2, .hosts = 1, .bytes = 1 << 20, .seconds = 2e-4, .utc = "then"},
    {.way = "ring", .replicas = 2, .hosts = 1, .bytes = 4096, .seconds = 3e-6, .utc = "then"},
};

static Calibration some(Arena *arena) {
    Calibration out = {.host = "lab", .provenance = "{\"cpu\":\"some\"}"};
    const MemoryRate rate = {.ranks = 2, .bytes_per_s = 1.25e10, .utc = "then"};
    calibration_put(&out, CALIBRATION_SUMS, sums, 3, arena);
    calibration_put(&out, CALIBRATION_MEMORY, &rate, 1, arena);
    return out;
}

static void test_calibration__comes_back_as_it_was(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena), *path = calibration_path(folder, "lab", arena);
    Calibration written = some(arena), read;
    assert_ok(calibration_write(&written, path));
    assert_ok(calibration_load(&read, path, arena));
    assert_string_equal(read.host, "lab");
    assert_string_equal(read.provenance, written.provenance);
    assert_int_equal(read.n[CALIBRATION_SUMS], 3);
    assert_int_equal(read.n[CALIBRATION_MESSAGES], 0);
    assert_int_equal(read.n[CALIBRATION_PASSES], 0);
    for (int i = 0; i < 3; i++) {
        const SumTime *time = &calibration_sums(&read)[i];
        assert_string_equal(time->way, sums[i].way);
        assert_int_equal(time->replicas, sums[i].replicas);
        assert_int_equal(time->bytes, sums[i].bytes);
        assert_true(time->seconds == sums[i].seconds);
        assert_string_equal(time->utc, sums[i].utc);
    }
    assert_true(calibration_memory(&read)[0].bytes_per_s == 1.25e10);
    scratch_end(folder, arena);
}

static void test_calibration__the_newer_of_the_same_measurement_stays(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Calibration all = some(arena);
    const SumTime again[] = {
        {.way = "tree", .replicas = 2, .hosts = 1, .bytes = 1 << 20, .seconds = 9, .utc = "now"},
        {.way = "tree", .replicas = 4, .hosts = 1, .bytes = 1 << 20, .seconds = 7, .utc = "now"},
    };
    calibration_put(&all, CALIBRATION_SUMS, again, 2, arena);
    assert_int_equal(all.n[CALIBRATION_SUMS], 4);
    double total = 0;
    int n_replaced = 0;
    for (int i = 0; i < 4; i++) {
        total += calibration_sums(&all)[i].seconds;
        n_replaced += calibration_sums(&all)[i].seconds == 2e-4;
    }
    assert_int_equal(n_replaced, 0);
    assert_true(total > 16 && total < 16.1);
    assert_int_equal(all.n[CALIBRATION_MEMORY], 1); /* other parts are left alone */
    arena_end(arena);
}

static void expect_error(const char *path, int code, const char *says) {
    Arena *arena = arena_new();
    Calibration read;
    Error *error = calibration_load(&read, path, arena);
    assert_non_null(error);
    assert_int_equal(error_code(error), code);
    if (!strstr(error_text(error), says))
        fail_msg("'%s' is not in: %s", says, error_text(error));
    error_end(error);
    arena_end(arena);
}

static void test_calibration__refuses_what_it_did_not_write(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena), *path = arena_print(arena, "%s/x.h5", folder);
    expect_error(path, CODE_MISSING, "there is no");
    assert_ok(io_write(path, "hello", 5));
    expect_error(path, CODE_IO, "not an HDF5 file");
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    H5Fclose(file);
    expect_error(path, CODE_IO, "not a calibration");
    Calibration written = some(arena); /* a column goes missing */
    assert_ok(calibration_write(&written, path));
    file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    H5Ldelete(file, "/sums/seconds", H5P_DEFAULT);
    H5Fclose(file);
    expect_error(path, CODE_IO, "/sums/seconds");
    scratch_end(folder, arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calibration__comes_back_as_it_was),
        cmocka_unit_test(test_calibration__the_newer_of_the_same_measurement_stays),
        cmocka_unit_test(test_calibration__refuses_what_it_did_not_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
