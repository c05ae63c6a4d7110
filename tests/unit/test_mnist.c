/* The mnist dataset on small IDX files: what is read, and which example goes where. */
#include "lab/data/dataset.h"
#include "tests/unit/idx_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

extern const DatasetType dataset_mnist;

static Dataset load(const char *folder, const char *more, Arena *arena) {
    Dataset data;
    Error *error =
        dataset_load(&data, &dataset_mnist, idx_settings(folder, more, arena), NULL, arena);
    if (error)
        error_print(error, stderr);
    assert_null(error);
    return data;
}

/* Which image of the files stands in a row; checks all its pixels and the label. */
static int source_of(const Dataset *data, int64_t row) {
    const uint8_t *pixels = data->pixels + row * data->n_features;
    int i = pixels[0] | pixels[1] << 8;
    for (int j = 0; j < data->n_features; j++)
        assert_int_equal(pixels[j], idx_pixel(i, j));
    assert_int_equal(data->labels[row],
                     i < IDX_TRAIN ? idx_label(i, IDX_TRAIN) : idx_label(i - IDX_TRAIN, IDX_TEST));
    return i;
}

static void test_mnist__every_example_is_used_once(void **state) {
    Arena *arena = arena_new();
    Dataset data = load(*state, "", arena);
    assert_int_equal(data.n[SPLIT_TRAIN], IDX_TRAIN - IDX_TRAIN / 12);
    assert_int_equal(data.n[SPLIT_VALID], IDX_TRAIN / 12);
    assert_int_equal(data.n[SPLIT_TEST], IDX_TEST);
    assert_int_equal(data.n_features, IDX_SIDE_Y * IDX_SIDE_X);
    assert_int_equal(data.shape[1], IDX_SIDE_Y);
    assert_int_equal(data.shape[2], IDX_SIDE_X);
    assert_int_equal(data.n_classes, IDX_CLASSES);
    int used[IDX_TRAIN + IDX_TEST] = {0};
    for (int64_t row = 0; row < IDX_TRAIN + IDX_TEST; row++) {
        int source = source_of(&data, row);
        assert_int_equal(used[source]++, 0);
        assert_int_equal(source >= IDX_TRAIN, row >= data.first[SPLIT_TEST]);
    }
    arena_end(arena);
}

static void test_mnist__files_sorted_by_class_still_mix(void **state) {
    Arena *arena = arena_new();
    Dataset data = load(*state, ", \"valid\": 30, \"test\": 20", arena);
    for (int split = 0; split < SPLIT_N; split++) {
        int count[IDX_CLASSES] = {0};
        for (int64_t i = 0; i < data.n[split]; i++)
            count[data.labels[data.first[split] + i]]++;
        for (int c = 0; c < IDX_CLASSES; c++)
            assert_true(count[c] > 0);
    }
    arena_end(arena);
}

static void test_mnist__valid_does_not_move_when_train_shrinks(void **state) {
    Arena *arena = arena_new();
    Dataset all = load(*state, "", arena),
            few = load(*state, ", \"train\": 20, \"test\": 5", arena);
    assert_int_equal(few.n[SPLIT_TRAIN], 20);
    assert_int_equal(few.n[SPLIT_TEST], 5);
    for (int split = 0; split < SPLIT_N; split++)
        for (int64_t i = 0; i < few.n[split]; i++)
            assert_int_equal(source_of(&few, few.first[split] + i),
                             source_of(&all, all.first[split] + i));
    assert_string_not_equal(all.sha256, few.sha256);
    arena_end(arena);
}

static void test_mnist__raw_and_gzip_give_the_same_bits(void **state) {
    (void)state;
    char folder[64];
    idx_folder_new(folder);
    idx_write_all(folder, false);
    Arena *arena = arena_new();
    Dataset raw = load(folder, "", arena);
    idx_folder_end(folder);
    idx_folder_new(folder);
    idx_write_all(folder, true);
    Dataset packed = load(folder, "", arena);
    assert_string_equal(raw.sha256, packed.sha256);
    assert_memory_equal(raw.pixels, packed.pixels,
                        (IDX_TRAIN + IDX_TEST) * IDX_SIDE_Y * IDX_SIDE_X);
    idx_folder_end(folder);
    arena_end(arena);
}

static void test_mnist__labels_may_begin_at_one(void **state) {
    (void)state;
    char folder[64];
    idx_folder_new(folder);
    idx_write_all(folder, false);
    for (int k = 1; k < 4; k += 2) {
        IdxBytes file = idx_bytes(k);
        for (size_t i = 8; i < file.n; i++)
            file.at[i]++;
        idx_write(folder, k, &file, false);
    }
    Arena *arena = arena_new();
    Dataset data = load(folder, "", arena);
    assert_int_equal(data.n_classes, IDX_CLASSES + 1);
    idx_folder_end(folder);
    arena_end(arena);
}

static int set_up(void **state) {
    static char folder[64];
    idx_folder_new(folder);
    idx_write_all(folder, false);
    *state = folder;
    return 0;
}

static int tear_down(void **state) {
    idx_folder_end(*state);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mnist__every_example_is_used_once),
        cmocka_unit_test(test_mnist__files_sorted_by_class_still_mix),
        cmocka_unit_test(test_mnist__valid_does_not_move_when_train_shrinks),
        cmocka_unit_test(test_mnist__raw_and_gzip_give_the_same_bits),
        cmocka_unit_test(test_mnist__labels_may_begin_at_one),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
