/* The parts that our HDF5 files are made of, at the sizes where the format changes shape; the HDF5
 * library reads them. test_h5.c looks at what a run's file holds. */
#include "lab/store/h5.h"
#include "lab/store/h5_bytes.h"
#include "lab/store/h5_check.h"
#include "lab/store/h5_series.h"
#include "tests/unit/fixture_store.h"

#include <hdf5.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* A finished run, read back from its journal. */
static RunRecord run_new(const char *folder, const char *run_id, Arena *arena) {
    RunRecord run;
    bool found;
    assert_ok(run_load(&run, &found, fixture_run(folder, run_id, true, arena), arena));
    assert_true(found);
    return run;
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

/* The library reads every object, attribute and element; returns how many objects there are. */
static int assert_readable(const char *path) {
    int n_objects = 0;
    assert_ok(h5_check(path, &n_objects));
    return n_objects;
}

/* Bob Jenkins' own test vectors (lookup3.c, driver5), and lengths around the 12 bytes it takes at a
 * time. */
static void test_h5_file__checksums_are_lookup3(void **state) {
    (void)state;
    const uint8_t *words = (const uint8_t *)"Four score and seven years ago";
    assert_int_equal(h5_bytes_checksum(words, 0), 0xdeadbeef);
    assert_int_equal(h5_bytes_checksum(words, 30), 0x17770551);
    for (size_t n = 1; n < 30; n++)
        assert_int_not_equal(h5_bytes_checksum(words, n), h5_bytes_checksum(words, n + 1));
}

/* One dataset "x" of the writer's parts, 1-D for width 0. */
static void write_series(const char *path, const double *data, uint64_t rows, uint64_t width) {
    Hdf5File file;
    h5_file_begin(&file, 1 << 16);
    Hdf5Datasets datasets = {.file = &file};
    Series series = {"x", "1", "numbers", SERIES_REAL, width ? 2 : 1, {rows, width}, data};
    h5_series_add(&datasets, &series);
    Hdf5Object *root = h5_file_group(&file);
    h5_series_end(&datasets, root);
    h5_file_complete(&file, h5_file_close(&file, root));
    assert_ok(h5_file_write(&file, path));
    h5_file_end(&file);
}

/* Around the sizes where a series is chunked, where it needs more than one chunk, and where chunks
 * grow because one node of the index has room for 64; in two dimensions also wider than a chunk. */
static void test_h5_file__series_of_every_shape(void **state) {
    (void)state;
    enum { MOST = 262209 };
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena), *path = arena_print(arena, "%s/series.h5", folder);
    static const int shapes[][2] = {{0, 0},    {1, 0},      {1024, 0},  {1025, 0}, {4097, 0},
                                    {4098, 0}, {262208, 0}, {MOST, 0},  {0, 3},    {3, 0},
                                    {1, 1025}, {1025, 1},   {70000, 3}, {3, 5000}};
    double *data = ARENA_ARRAY(arena, double, MOST), *found = ARENA_ARRAY(arena, double, MOST);
    for (int i = 0; i < MOST; i++)
        data[i] = i % 17 ? 1.0 / (i + 1) : NAN;
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        uint64_t rows = (uint64_t)shapes[s][0], width = (uint64_t)shapes[s][1];
        write_series(path, data, rows, width);
        hid_t file = open_file(path), dataset = H5Dopen2(file, "x", H5P_DEFAULT);
        hsize_t dims[2] = {0, 0};
        assert_int_equal(read_dims(dataset, dims), width ? 2 : 1);
        assert_true(dims[0] == rows && dims[1] == width);
        size_t n = rows * (width ? width : 1);
        memset(found, 0, MOST * sizeof *found);
        assert_true(H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, found) >= 0);
        assert_memory_equal(found, data, n * sizeof *data);
        H5Dclose(dataset);
        H5Fclose(file);
    }
    scratch_end(folder, arena);
}

static char *read_text(hid_t object, const char *name) {
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT), type = H5Aget_type(attribute);
    char *text = NULL;
    assert_true(attribute >= 0 && H5Aread(attribute, type, &text) >= 0);
    H5Tclose(type);
    H5Aclose(attribute);
    return text;
}

/* Nothing, longer than a block of the heap, one byte short of it. */
static void test_h5_file__texts_of_every_length(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    RunRecord run = run_new(folder, "a", arena);
    const char *path = arena_print(arena, "%s/texts.h5", folder);
    const size_t lengths[] = {0, 1, 7, 8, 4047, 4048, 4063, 4064, 4065, 100000};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        char *text = arena_alloc(arena, lengths[i] + 1);
        memset(text, 'x', lengths[i]);
        run.header.question = text;
        run.header.config = text;
        assert_ok(h5_write_run(&run, path));
        hid_t file = open_file(path);
        const char *const names[] = {"question", "config"};
        for (int j = 0; j < 2; j++) {
            char *found = read_text(file, names[j]);
            assert_string_equal(found ? found : "", text);
            H5free_memory(found);
        }
        H5Fclose(file);
    }
    assert_readable(path);
    scratch_end(folder, arena);
}

/* More texts than the numbers of one block of the heap count: the last one of them. */
static void test_h5_file__texts_beyond_one_heap(void **state) {
    (void)state;
    enum { MOST = 66000 };
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena), *path = arena_print(arena, "%s/texts.h5", folder);
    Hdf5File file;
    h5_file_begin(&file, 1 << 16);
    h5_file_reserve(&file, 1 << 22); /* bytes: room for more than a block may number */
    Hdf5Object *root = h5_file_group(&file);
    for (int i = 0; i < MOST; i++) {
        Hdf5Bytes unused;
        h5_bytes_begin(&unused, 16);
        h5_file_refer(&file, &unused, "abc", 3, 3);
        h5_bytes_end(&unused);
    }
    h5_file_text(&file, root, "last", "here");
    h5_file_complete(&file, h5_file_close(&file, root));
    assert_ok(h5_file_write(&file, path));
    h5_file_end(&file);
    hid_t opened = open_file(path);
    char *text = read_text(opened, "last");
    assert_string_equal(text, "here");
    H5free_memory(text);
    H5Fclose(opened);
    scratch_end(folder, arena);
}

/* `n` groups with their number as an attribute, in a file of the writer's parts. */
static void write_table(const char *path, const char *const *names, int n, Arena *arena) {
    Hdf5File file;
    h5_file_begin(&file, 1 << 16);
    uint64_t *addresses = ARENA_ARRAY(arena, uint64_t, n);
    for (int i = 0; i < n; i++) {
        Hdf5Object *group = h5_file_group(&file);
        h5_file_whole(group, "number", i);
        addresses[i] = h5_file_close(&file, group);
    }
    Hdf5Object *root = h5_file_group(&file);
    h5_file_link(root, "table", h5_file_table(&file, names, addresses, n));
    h5_file_complete(&file, h5_file_close(&file, root));
    assert_ok(h5_file_write(&file, path));
    h5_file_end(&file);
}

static int64_t number_of(hid_t group, const char *name) {
    int64_t number = -1;
    hid_t attribute = H5Aopen_by_name(group, name, "number", H5P_DEFAULT, H5P_DEFAULT);
    assert_true(attribute >= 0 && H5Aread(attribute, H5T_NATIVE_INT64, &number) >= 0);
    H5Aclose(attribute);
    return number;
}

typedef struct Order {
    const char *const *names;
    int n;
} Order;

static herr_t see_name(hid_t group, const char *name, const H5L_info_t *info, void *data) {
    (void)group, (void)info;
    Order *order = data;
    assert_string_equal(name, order->names[order->n++]);
    return 0;
}

/* Every child of a large group is found by its name, and they come in order, however deep their
 * index is: leaves of 8, nodes of 32, so three levels from 8193 on. */
static void test_h5_file__many_children_are_found_by_name(void **state) {
    (void)state;
    enum { MOST = 9000 };
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena), *path = arena_print(arena, "%s/many.h5", folder);
    const char **names = ARENA_ARRAY(arena, const char *, MOST);
    for (int i = 0; i < MOST; i++) /* in order, of lengths around the multiples of 8 */
        names[i] = arena_print(arena, "%05d%.*s", i, i % 14, "-and-more-text");
    const int counts[] = {0, 1, 8, 9, 256, 257, 8192, 8193, MOST};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        int n = counts[c];
        write_table(path, names, n, arena);
        hid_t file = open_file(path), group = H5Gopen2(file, "table", H5P_DEFAULT);
        Order order = {.names = names};
        assert_true(H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, NULL, see_name, &order) >= 0);
        assert_int_equal(order.n, n);
        for (int i = 0; i<n; i += n> 300 ? 7 : 1)
            assert_int_equal(number_of(group, names[i]), i);
        assert_true(H5Lexists(group, "00003-and", H5P_DEFAULT) == 0);
        assert_true(H5Lexists(group, "zzz", H5P_DEFAULT) == 0);
        H5Gclose(group);
        H5Fclose(file);
    }
    scratch_end(folder, arena);
}

/* Somebody's notebook may write into a file of ours: other objects keep what they hold. */
static void test_h5_file__the_library_can_edit_it(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    run_new(folder, "a", arena);
    const char *path = arena_print(arena, "%s/runs/a/run.h5", folder);
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    assert_true(file >= 0);
    hid_t scalar = H5Screate(H5S_SCALAR);
    for (int i = 0; i < 30; i++) {
        const char *name = arena_print(arena, "note%d", i);
        hid_t group = H5Gcreate2(file, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        hid_t attribute = H5Acreate2(file, name, H5T_NATIVE_INT, scalar, H5P_DEFAULT, H5P_DEFAULT);
        assert_true(group >= 0 && H5Awrite(attribute, H5T_NATIVE_INT, &i) >= 0);
        H5Aclose(attribute);
        H5Gclose(group);
    }
    H5Sclose(scalar);
    assert_true(H5Adelete_by_name(file, "steps/lr", "units", H5P_DEFAULT) >= 0);
    assert_true(H5Ldelete(file, "summary", H5P_DEFAULT) >= 0);
    assert_true(H5Fclose(file) >= 0);
    assert_readable(path);
    file = open_file(path);
    char *units = NULL;
    hid_t loss = H5Dopen2(file, "steps/train_loss", H5P_DEFAULT);
    units = read_text(loss, "units");
    assert_string_equal(units, "nat");
    H5free_memory(units);
    H5Dclose(loss);
    H5Fclose(file);
    scratch_end(folder, arena);
}

/* Flips a bit in every eighth object header; the number of flips that the library does not notice.
 */
static int count_unnoticed(const char *path, char *bytes, size_t n) {
    int n_flipped = 0, n_noticed = 0, n_headers = 0, n_objects;
    for (size_t at = 0; at + 4 < n; at++) {
        if (memcmp(bytes + at, "OHDR", 4) != 0 || n_headers++ % 8 != 0)
            continue;
        bytes[at + 40] ^= 1;
        FILE *file = fopen(path, "wb"); /* io_write would wait for the disk each time */
        if (!file || fwrite(bytes, 1, n, file) != n || fclose(file) != 0)
            return -1;
        bytes[at + 40] ^= 1;
        n_flipped++;
        n_noticed += h5_check(path, &n_objects) != NULL;
    }
    return n_flipped > 4 ? n_flipped - n_noticed : -1;
}

/* Damage to what describes the data does not go unnoticed. In a child, because the library leaks
 * when it gives up. */
static void test_h5_file__damage_is_noticed(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const char *folder = scratch_new(arena);
    run_new(folder, "a", arena);
    const char *path = arena_print(arena, "%s/runs/a/run.h5", folder);
    char *bytes;
    size_t n;
    assert_ok(io_read(&bytes, &n, path, arena));
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        _exit(count_unnoticed(path, bytes, n) == 0 ? 0 : 1);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    scratch_end(folder, arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_h5_file__checksums_are_lookup3),
        cmocka_unit_test(test_h5_file__series_of_every_shape),
        cmocka_unit_test(test_h5_file__texts_of_every_length),
        cmocka_unit_test(test_h5_file__texts_beyond_one_heap),
        cmocka_unit_test(test_h5_file__many_children_are_found_by_name),
        cmocka_unit_test(test_h5_file__the_library_can_edit_it),
        cmocka_unit_test(test_h5_file__damage_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
