/* Every way a user's own arrays can be bad: one message with the file, a hint and the code, before
 * anything is trained. */
#include "tests/unit/pair_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <math.h>

extern const DatasetType dataset_npy, dataset_hdf5;

typedef struct {
    char folder[64], x[96], y[96], file[96];
    PairData *data;
} Place;

static void place_new(Place *place) {
    snprintf(place->folder, sizeof place->folder, "/tmp/batchlab-pair-XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    snprintf(place->x, sizeof place->x, "%s/x.npy", place->folder);
    snprintf(place->y, sizeof place->y, "%s/y.npy", place->folder);
    snprintf(place->file, sizeof place->file, "%s/data.h5", place->folder);
    place->data = calloc(1, sizeof *place->data);
    assert_non_null(place->data);
    pair_data(place->data);
}

static void place_end(Place *place) {
    npy_remove_pair(place->folder);
    unlink(place->file);
    rmdir(place->folder);
    free(place->data);
}

static void check(Error *error, const char *name, int code, const char *says, const char *hint,
                  const char *folder) {
    if (!error)
        fail_msg("%s: no error", name);
    const char *text = error_text(error), *hinted = strstr(text, "hint: ");
    if (error_code(error) != code || !strstr(text, says) || !hinted || !strstr(hinted, hint) ||
        (code != CODE_USAGE && !strstr(text, folder)))
        fail_msg("%s: code %d, wanted %d, '%s' and hint '%s' in\n%s", name, error_code(error), code,
                 says, hint, text);
    error_end(error);
}

/* ---- npy: what x or y is written with instead */

typedef struct {
    const char *name, *file; /* x or y */
    int version;
    const char *header; /* NULL: as it should be */
    long bytes;         /* of the data, beyond which the file is cut; -1: as should be */
    int code;
    const char *says, *hint, *more;
} BadNpy;

#define X_HEAD "{'descr': '<f4', 'fortran_order': False, 'shape': (120, 2, 3, 4), }"
#define X_SHAPED(shape) "{'descr': '<f4', 'fortran_order': False, 'shape': " shape ", }"
#define X_TYPED(type) "{'descr': '" type "', 'fortran_order': False, 'shape': (120, 24), }"
#define Y_HEAD "{'descr': '<i8', 'fortran_order': False, 'shape': (120,), }"

static const BadNpy bad_npy[] = {
    {"truncated", "x", 1, X_HEAD, 11000, 74, "x.npy' is truncated", "write it again", ""},
    {"too long", "y", 1, "{'descr': '<i4', 'fortran_order': False, 'shape': (120,), }", -1, 74,
     "y.npy' is too long", "write it again", ""},
    {"version", "x", 9, X_HEAD, -1, 74, "is of npy version 9", "versions 1 to 3", ""},
    {"big-endian", "x", 1, X_TYPED(">f4"), -1, 74, "x.npy' is big-endian ('>f4')", "astype('<f4')",
     ""},
    {"half", "x", 1, X_TYPED("<f2"), 5760, 74, "of the type '<f2'", "u1, f4 or f8", ""},
    {"complex", "x", 1, X_TYPED("<c8"), -1, 74, "of the type '<c8'", "u1, f4 or f8", ""},
    {"whole numbers", "x", 1, X_TYPED("<i4"), -1, 74, "holds whole numbers", "astype('<f4')", ""},
    {"records", "x", 1, "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (120,), }", 480,
     74, "holds numbers of the type '[('", "u1, f4 or f8", ""},
    {"no type", "x", 1, "{'fortran_order': False, 'shape': (120, 24), }", -1, 74,
     "holds numbers of the type '?'", "u1, f4 or f8", ""},
    {"Fortran order", "x", 1, "{'descr': '<f4', 'fortran_order': True, 'shape': (120, 24), }", -1,
     74, "is in Fortran order", "ascontiguousarray", ""},
    {"no shape", "x", 1, "{'descr': '<f4', 'fortran_order': False, }", -1, 74, "has no shape",
     "at most 8", ""},
    {"broken shape", "x", 1, X_SHAPED("(120, two)"), -1, 74, "has no shape", "at most 8", ""},
    {"one dimension", "x", 1, X_SHAPED("(2880,)"), -1, 74, "has 1 dimensions, shape (2880)",
     "(examples, features)", ""},
    {"five dimensions", "x", 1, X_SHAPED("(120, 2, 3, 2, 2)"), -1, 74,
     "has 5 dimensions, shape (120, 2, 3, 2, 2)", "(examples, features)", ""},
    {"no examples", "x", 1, X_SHAPED("(0, 24)"), 0, 74, "x.npy' is empty: shape (0, 24)",
     "counts the examples", ""},
    {"no features", "x", 1, X_SHAPED("(120, 0)"), 0, 74, "has shape (120, 0)", "2^24 features", ""},
    {"lying", "x", 1, X_SHAPED("(99999999999, 99999999999)"), -1, 74, "is truncated",
     "write it again", ""},
    {"channels last", "x", 1, X_SHAPED("(120, 8, 1, 3)"), -1, 74, "its channels come last",
     "transpose(0, 3, 1, 2)", ""},
    {"lengths", "x", 1, X_SHAPED("(60, 48)"), -1, 74, "60 examples", "belong together", ""},
    {"real labels", "y", 1, "{'descr': '<f8', 'fortran_order': False, 'shape': (120,), }", -1, 74,
     "holds real numbers, not labels", "astype('int64')", ""},
    {"one-hot", "y", 1, "{'descr': '<i4', 'fortran_order': False, 'shape': (120, 2), }", -1, 74,
     "y.npy' has shape (120, 2)", "argmax(1)", ""},
    {"counts", NULL, 1, NULL, -1, 2, "trial.dataset.train = 101", "at most 100",
     ", \"train\": 101"},
    {"valid", NULL, 1, NULL, -1, 2, "valid = 110 and test = 10 need more than the 120",
     "at least 1", ", \"valid\": 110"},
    {"scale", NULL, 1, NULL, -1, 74, "makes infinite", "3.4e38", ", \"mean\": 1e30, \"sd\": 1e-30"},
};

static void test_pairs_bad__npy_is_named(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof bad_npy / sizeof *bad_npy; i++) {
        const BadNpy *bad = &bad_npy[i];
        Arena *arena = arena_new();
        Place place;
        Dataset unused;
        place_new(&place);
        npy_write_pair(place.folder, place.data);
        bool is_x = bad->file && *bad->file == 'x';
        if (bad->file)
            npy_write(is_x ? place.x : place.y, bad->version, bad->header,
                      is_x ? (void *)place.data->x : place.data->y,
                      bad->bytes >= 0 ? (size_t)bad->bytes
                      : is_x          ? sizeof place.data->x
                                      : sizeof place.data->y);
        check(dataset_load(&unused, &dataset_npy,
                           pair_settings("npy", place.folder, bad->more, arena), NULL, arena),
              bad->name, bad->code, bad->says, bad->hint, place.folder);
        place_end(&place);
        arena_end(arena);
    }
}

static Error *load_npy(const Place *place, Arena *arena) {
    Dataset unused;
    return dataset_load(&unused, &dataset_npy, pair_settings("npy", place->folder, "", arena), NULL,
                        arena);
}

static void test_pairs_bad__npy_content_is_named(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Place place;
    place_new(&place);
    check(load_npy(&place, arena), "no x", 66, "x.npy'", "numpy.save", place.folder);
    npy_write_pair(place.folder, place.data);
    unlink(place.y);
    check(load_npy(&place, arena), "no y", 66, "y.npy'", "numpy.save", place.folder);
    place.data->x[7][5] = NAN;
    npy_write_pair(place.folder, place.data);
    check(load_npy(&place, arena), "NaN", 74, "value 5 of example 7 is nan", "finite",
          place.folder);
    place.data->x[7][5] = -INFINITY;
    npy_write_pair(place.folder, place.data);
    check(load_npy(&place, arena), "infinite", 74, "value 5 of example 7 is -inf", "finite",
          place.folder);
    place.data->x[7][5] = 0;
    place.data->y[3] = 70000;
    npy_write_pair(place.folder, place.data);
    check(load_npy(&place, arena), "label", 74, "label 70000 of example 3", "0 to 65535",
          place.folder);
    place.data->y[3] = 9;
    npy_write_pair(place.folder, place.data);
    check(load_npy(&place, arena), "gap", 74, "label 9 out of range: no example has label 3",
          "without gaps", place.folder);
    memset(place.data->y, 0, sizeof place.data->y);
    npy_write_pair(place.folder, place.data);
    check(load_npy(&place, arena), "one class", 74, "every label is 0", "two classes",
          place.folder);
    assert_int_equal(truncate(place.x, 5), 0);
    check(load_npy(&place, arena), "short", 74, "ends in its header", "numpy.save", place.folder);
    FILE *text = fopen(place.x, "wb");
    fputs("1.0, 2.0, 3.0\n", text);
    fclose(text);
    check(load_npy(&place, arena), "a text", 74, "is not an npy file", "numpy.save", place.folder);
    place_end(&place);
    arena_end(arena);
}

/* ---- hdf5 */

typedef struct {
    const char *name;
    void (*spoil)(hid_t file, PairData *data); /* writes x and y; NULL: as they should be */
    int code;
    const char *says, *hint, *more;
} BadHdf5;

static void put_y(hid_t file, const PairData *data) {
    hdf5_put(file, "y", H5T_STD_I64LE, H5T_NATIVE_INT64, 1, pair_dims, 0, data->y);
}

static void put_x(hid_t file, const PairData *data) {
    hdf5_put(file, "x", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, 4, pair_dims, 0, data->x);
}

static void no_y(hid_t file, PairData *data) {
    put_x(file, data);
}

static void flat_x(hid_t file, PairData *data) {
    hdf5_put(file, "x", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, 1, (hsize_t[]){2880}, 0, data->x);
    put_y(file, data);
}

static void five_dimensions(hid_t file, PairData *data) {
    hdf5_put(file, "x", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, 5, (hsize_t[]){120, 2, 3, 2, 2}, 0,
             data->x);
    put_y(file, data);
}

static void scalar_y(hid_t file, PairData *data) {
    put_x(file, data);
    hdf5_put(file, "y", H5T_STD_I64LE, H5T_NATIVE_INT64, 0, NULL, 0, data->y);
}

static void nan_pixel(hid_t file, PairData *data) {
    data->x[119][23] = NAN;
    put_x(file, data);
    put_y(file, data);
}

static void real_labels(hid_t file, PairData *data) {
    put_x(file, data);
    hdf5_put(file, "y", H5T_IEEE_F64LE, H5T_NATIVE_INT64, 1, pair_dims, 0, data->y);
}

static void negative_label(hid_t file, PairData *data) {
    data->y[17] = -4;
    put_x(file, data);
    put_y(file, data);
}

static void huge_label(hid_t file, PairData *data) {
    data->y[17] = INT64_MAX;
    put_x(file, data);
    put_y(file, data);
}

static void shorter_y(hid_t file, PairData *data) {
    put_x(file, data);
    hdf5_put(file, "y", H5T_STD_I64LE, H5T_NATIVE_INT64, 1, (hsize_t[]){119}, 0, data->y);
}

static void never_filled(hid_t file, PairData *data) {
    hdf5_put(file, "x", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, 2, (hsize_t[]){1 << 30, 1 << 20}, 1,
             NULL);
    put_y(file, data);
}

static void texts(hid_t file, PairData *data) {
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, 96);
    hdf5_put(file, "x", type, type, 1, pair_dims, 0, data->x);
    H5Tclose(type);
    put_y(file, data);
}

static const BadHdf5 bad_hdf5[] = {
    {"no y", no_y, 66, "no dataset 'y' in", "its root holds: x", ""},
    {"other name", NULL, 66, "no dataset 'images' in", "its root holds: x, y",
     ", \"x\": \"images\""},
    {"one dimension", flat_x, 74, "data.h5:x' has 1 dimensions", "(examples, features)", ""},
    {"five dimensions", five_dimensions, 74, "has 5 dimensions", "(examples, features)", ""},
    {"scalar labels", scalar_y, 74, "data.h5:y' has shape ()", "one label an example", ""},
    {"NaN", nan_pixel, 74, "value 23 of example 119 is nan", "finite", ""},
    {"real labels", real_labels, 74, "holds real numbers, not labels", "whole numbers", ""},
    {"negative label", negative_label, 74, "label -4 of example 17", "0 to 65535", ""},
    {"huge label", huge_label, 74, "of example 17 is out of range", "0 to 65535", ""},
    {"lengths", shorter_y, 74, "holds 120 examples but", "belong together", ""},
    {"never filled", never_filled, 74, "but the file stores 0", "never filled", ""},
    {"texts", texts, 74, "holds no numbers", "floats or integers", ""},
    {"bytes scaled away", NULL, 2, "trial.dataset.mean = 1e+30", "float32",
     ", \"mean\": 1e30, \"sd\": 1e-30"},
};

static void test_pairs_bad__hdf5_is_named(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof bad_hdf5 / sizeof *bad_hdf5; i++) {
        const BadHdf5 *bad = &bad_hdf5[i];
        Arena *arena = arena_new();
        Place place;
        Dataset unused;
        place_new(&place);
        hdf5_write_pair(place.file, place.data);
        if (bad->spoil) {
            hid_t file = hdf5_begin(place.file);
            bad->spoil(file, place.data);
            H5Fclose(file);
        }
        check(dataset_load(&unused, &dataset_hdf5,
                           pair_settings("hdf5", place.file, bad->more, arena), NULL, arena),
              bad->name, bad->code, bad->says, bad->hint, place.folder);
        place_end(&place);
        arena_end(arena);
    }
}

static Error *load_hdf5(const char *path, Arena *arena) {
    Dataset unused;
    return dataset_load(&unused, &dataset_hdf5, pair_settings("hdf5", path, "", arena), NULL,
                        arena);
}

static void test_pairs_bad__hdf5_file_is_named(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Place place;
    place_new(&place);
    check(load_hdf5(place.file, arena), "missing", 66, "trial.dataset.path", "absolute path",
          place.folder);
    check(load_hdf5(place.folder, arena), "a folder", 66, "is not a file", "one HDF5 file",
          place.folder);
    close(open(place.file, O_CREAT | O_WRONLY, 0600));
    check(load_hdf5(place.file, arena), "empty", 74, "is not an HDF5 file", "partly copied",
          place.folder);
    hdf5_write_pair(place.file, place.data);
    assert_int_equal(truncate(place.file, 3000), 0);
    check(load_hdf5(place.file, arena), "truncated", 74, "HDF5 cannot open", "partly copied",
          place.folder);
    place_end(&place);
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs_bad__npy_is_named),
        cmocka_unit_test(test_pairs_bad__npy_content_is_named),
        cmocka_unit_test(test_pairs_bad__hdf5_is_named),
        cmocka_unit_test(test_pairs_bad__hdf5_file_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
