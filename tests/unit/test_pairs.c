/* Data of one's own: npy and hdf5 give the numbers that were written, whatever their type on disk,
 * in a split that shares nothing; and every way they can be bad has its message. */
#include "tests/unit/pair_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

extern const DatasetType dataset_npy, dataset_hdf5;

typedef struct {
    char folder[64], x[96], y[96], file[96];
    PairData data;
} Place;

static int set_up(void **state) {
    Place *place = calloc(1, sizeof *place);
    assert_non_null(place);
    snprintf(place->folder, sizeof place->folder, "/tmp/batchlab-pair-XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    snprintf(place->x, sizeof place->x, "%s/x.npy", place->folder);
    snprintf(place->y, sizeof place->y, "%s/y.npy", place->folder);
    snprintf(place->file, sizeof place->file, "%s/data.h5", place->folder);
    pair_data(&place->data);
    npy_write_pair(place->folder, &place->data);
    hdf5_write_pair(place->file, &place->data);
    *state = place;
    return 0;
}

static int tear_down(void **state) {
    Place *place = *state;
    npy_remove_pair(place->folder);
    unlink(place->file);
    rmdir(place->folder);
    free(place);
    return 0;
}

/* Every row is one example of the file, unspoilt, and each example is in at most one row. */
static void check_rows(const Dataset *data, bool bytes, double mean, double sd) {
    PairData want;
    bool used[PAIR_N] = {false};
    pair_data(&want);
    assert_int_equal(data->shape[0], PAIR_CHANNELS);
    assert_int_equal(data->shape[1], PAIR_HEIGHT);
    assert_int_equal(data->shape[2], PAIR_SIDE);
    assert_int_equal(data->n_classes, PAIR_CLASSES);
    for (int split = 0; split < SPLIT_N; split++)
        for (int64_t i = 0; i < data->n[split]; i++) {
            float x[PAIR_FEATURES];
            int32_t y;
            dataset_gather(data, (Split)split, &i, 1, x, &y);
            int k = (int)lrint(((double)x[0] * sd + mean) * (bytes ? 255 : 1));
            assert_in_range(k, 0, PAIR_N - 1);
            assert_false(used[k]);
            used[k] = true;
            assert_int_equal(y, want.y[k]);
            for (int j = 0; j < PAIR_FEATURES; j++) {
                double raw = bytes ? want.byte[k][j] / 255.0 : want.wide[k][j];
                assert_true(fabs((double)x[j] - (raw - mean) / sd) < 1e-5 * (1 + fabs(raw / sd)));
            }
        }
}

static Dataset load(const DatasetType *type, const char *path, const char *more, Arena *arena) {
    Dataset data;
    const void *settings = pair_settings(type->kind.name, path, more, arena);
    Error *error = dataset_load(&data, type, settings, NULL, arena);
    if (error)
        fail_msg("%s", error_text(error));
    return data;
}

static void test_pairs__npy_of_every_type_gives_the_same(void **state) {
    Place *place = *state;
    Arena *arena = arena_new();
    const PairData *data = &place->data;
    check_rows((Dataset[]){load(&dataset_npy, place->folder, "", arena)}, false, 0, 1);
    npy_write(place->x, 2, "{'descr': '<f8', 'fortran_order': False, 'shape': (120, 2, 3, 4), }",
              data->wide, sizeof data->wide);
    Dataset wide = load(&dataset_npy, place->folder, ", \"mean\": 3, \"sd\": 0.5", arena);
    check_rows(&wide, false, 3, 0.5);
    npy_write(place->x, 3, "{'shape': (120, 2, 3, 4), 'fortran_order': False, 'descr': '|u1'}",
              data->byte, sizeof data->byte);
    Dataset bytes = load(&dataset_npy, place->folder, ", \"mean\": 0.5, \"sd\": 0.25", arena);
    assert_non_null(bytes.pixels);
    check_rows(&bytes, true, 0.5, 0.25);
    arena_end(arena);
}

static void test_pairs__npy_labels_of_every_type(void **state) {
    Place *place = *state;
    static const char *const types[] = {"|i1", "|u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8"};
    for (int t = 0; t < 8; t++) {
        Arena *arena = arena_new();
        int bytes = types[t][2] - '0';
        char packed[PAIR_N * 8];
        for (int i = 0; i < PAIR_N; i++) /* little-endian */
            memcpy(packed + i * bytes, &place->data.y[i], (size_t)bytes);
        const char *header = arena_print(
            arena, "{'descr': '%s', 'fortran_order': False, 'shape': (120, 1)}", types[t]);
        npy_write(place->y, 1, header, packed, (size_t)(PAIR_N * bytes));
        check_rows((Dataset[]){load(&dataset_npy, place->folder, "", arena)}, false, 0, 1);
        if (types[t][1] == 'i') { /* and a label below 0 keeps its sign */
            Dataset unused;
            memset(packed + 5 * bytes, 0xff, (size_t)bytes);
            npy_write(place->y, 1, header, packed, (size_t)(PAIR_N * bytes));
            Error *error = dataset_load(
                &unused, &dataset_npy, pair_settings("npy", place->folder, "", arena), NULL, arena);
            assert_non_null(error);
            assert_non_null(strstr(error_text(error), "label -1 of example 5 is out of range"));
            error_end(error);
        }
        arena_end(arena);
    }
}

static void test_pairs__hdf5_whatever_its_layout(void **state) {
    Place *place = *state;
    Arena *arena = arena_new();
    const PairData *data = &place->data;
    check_rows((Dataset[]){load(&dataset_hdf5, place->file, "", arena)}, true, 0, 1);
    hid_t file = hdf5_begin(place->file);
    hdf5_put(file, "a/inputs", H5T_IEEE_F64BE, H5T_NATIVE_DOUBLE, 4, pair_dims, 7, data->wide);
    hdf5_put(file, "labels", H5T_STD_I16BE, H5T_NATIVE_INT64, 1, pair_dims, 50, data->y);
    H5Fclose(file);
    Dataset got = load(&dataset_hdf5, place->file,
                       ", \"x\": \"a/inputs\", \"y\": \"labels\", \"mean\": 2, \"sd\": 4", arena);
    check_rows(&got, false, 2, 4);
    arena_end(arena);
}

static void test_pairs__test_set_stays_when_the_others_change(void **state) {
    Place *place = *state;
    Arena *arena = arena_new();
    Dataset a = load(&dataset_npy, place->folder, ", \"test\": 20", arena);
    Dataset b =
        load(&dataset_npy, place->folder, ", \"test\": 20, \"valid\": 33, \"train\": 40", arena);
    assert_int_equal(a.n[SPLIT_VALID], 10);
    assert_int_equal(a.n[SPLIT_TRAIN], 90);
    assert_int_equal(b.n[SPLIT_TRAIN], 40);
    for (int64_t i = 0; i < 20; i++) {
        float x[2][PAIR_FEATURES];
        dataset_gather(&a, SPLIT_TEST, &i, 1, x[0], NULL);
        dataset_gather(&b, SPLIT_TEST, &i, 1, x[1], NULL);
        assert_memory_equal(x[0], x[1], sizeof x[0]);
    }
    arena_end(arena);
}

/* More than one read: the file is larger than the reader's buffers. */
static void test_pairs__long_arrays_are_read_in_pieces(void **state) {
    enum { N = 300, WIDTH = 5000 };
    Place *place = *state;
    Arena *arena = arena_new();
    float *x = ARENA_ARRAY(arena, float, N *WIDTH);
    int64_t *y = ARENA_ARRAY(arena, int64_t, N);
    for (int i = 0; i < N; i++) {
        y[i] = i % 2;
        for (int j = 0; j < WIDTH; j++)
            x[i * WIDTH + j] = (float)(i + 1000 * j);
    }
    npy_write(place->x, 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (300, 5000), }", x,
              sizeof *x * N * WIDTH);
    npy_write(place->y, 1, "{'descr': '<i8', 'fortran_order': False, 'shape': (300,), }", y,
              sizeof *y * N);
    hid_t file = hdf5_begin(place->file);
    hdf5_put(file, "x", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, 2, (hsize_t[]){N, WIDTH}, 11, x);
    hdf5_put(file, "y", H5T_STD_I64LE, H5T_NATIVE_INT64, 1, (hsize_t[]){N}, 0, y);
    H5Fclose(file);
    Dataset both[2] = {load(&dataset_npy, place->folder, "", arena),
                       load(&dataset_hdf5, place->file, "", arena)};
    assert_string_equal(both[0].sha256, both[1].sha256);
    for (int64_t i = 0; i < both[0].n[SPLIT_TRAIN]; i++) {
        const float *row = both[0].values + i * WIDTH;
        assert_int_equal(both[0].labels[i], (int)row[0] % 2);
        for (int j = 0; j < WIDTH; j++)
            assert_true(row[j] == row[0] + (float)(1000 * j));
    }
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define PAIR_TEST(name) cmocka_unit_test_setup_teardown(test_pairs__##name, set_up, tear_down)
        PAIR_TEST(npy_of_every_type_gives_the_same),
        PAIR_TEST(npy_labels_of_every_type),
        PAIR_TEST(hdf5_whatever_its_layout),
        PAIR_TEST(test_set_stays_when_the_others_change),
        PAIR_TEST(long_arrays_are_read_in_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
