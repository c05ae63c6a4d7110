/* What the wrappers add to a dataset kind, on kinds made up here. */
#include "lab/base/io.h"
#include "lab/data/dataset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A dataset whose content a test may change: the settings are the dataset itself. */
static Error *copy_settings(Dataset *out, const void *settings, DataPaths paths, Arena *arena) {
    (void)paths, (void)arena;
    *out = *(const Dataset *)settings;
    return NULL;
}

static const DatasetType made_up = {
    .kind = {.name = "made_up"}, .probe = copy_settings, .load = copy_settings};

enum { ROWS = 6, WIDTH = 6 };

typedef struct {
    uint8_t pixels[ROWS * WIDTH];
    float values[ROWS * WIDTH];
    int32_t labels[ROWS];
} Content;

static Dataset with_pixels(Content *content) {
    for (int i = 0; i < ROWS * WIDTH; i++) {
        content->pixels[i] = (uint8_t)(7 * i);
        content->values[i] = (float)i / 3;
    }
    for (int i = 0; i < ROWS; i++)
        content->labels[i] = i % 3;
    return (Dataset){.n = {3, 2, 1},
                     .n_features = WIDTH,
                     .n_classes = 3,
                     .shape = {1, 2, 3},
                     .pixels = content->pixels,
                     .pixel_scale = 0.013f,
                     .pixel_shift = -0.4f,
                     .labels = content->labels};
}

static void load_hash(char out[HASH_ROOM], const Dataset *wish) {
    Arena *arena = arena_new();
    Dataset data;
    assert_null(dataset_load(&data, &made_up, wish, NULL, arena));
    memcpy(out, data.sha256, HASH_ROOM);
    assert_int_equal(strlen(out), HASH_ROOM - 1);
    arena_end(arena);
}

static void assert_hash_differs(const char *from, const Dataset *wish) {
    char sha[HASH_ROOM];
    load_hash(sha, wish);
    assert_string_not_equal(sha, from);
}

static void test_dataset__hash_sees_every_part_of_the_content(void **state) {
    (void)state;
    Content content;
    Dataset wish = with_pixels(&content), other;
    char sha[HASH_ROOM], again[HASH_ROOM];
    load_hash(sha, &wish);
    load_hash(again, &wish);
    assert_string_equal(sha, again);

    content.pixels[ROWS * WIDTH - 1] ^= 1; /* the last pixel */
    assert_hash_differs(sha, &wish);
    content.pixels[ROWS * WIDTH - 1] ^= 1;
    content.labels[5] = 0; /* the last label */
    assert_hash_differs(sha, &wish);
    content.labels[5] = 2;
    load_hash(again, &wish);
    assert_string_equal(sha, again);

    other = wish, other.n[0] = 2, other.n[1] = 3;
    assert_hash_differs(sha, &other);
    other = wish, other.pixel_scale = 0.0130001f;
    assert_hash_differs(sha, &other);
    other = wish, other.pixel_shift = 0;
    assert_hash_differs(sha, &other);
    other = wish, other.n_classes = 4;
    assert_hash_differs(sha, &other);
    other = wish, other.shape[1] = 3, other.shape[2] = 2;
    assert_hash_differs(sha, &other);
    other = wish, other.endless = true;
    assert_hash_differs(sha, &other);
}

static void test_dataset__hash_sees_float_values(void **state) {
    (void)state;
    Content content;
    Dataset wish = with_pixels(&content);
    wish.pixels = NULL, wish.values = content.values;
    char sha[HASH_ROOM];
    load_hash(sha, &wish);
    content.values[ROWS * WIDTH - 1] += 1e-5f;
    assert_hash_differs(sha, &wish);
}

static void test_dataset__splits_follow_each_other(void **state) {
    (void)state;
    Content content;
    Dataset wish = with_pixels(&content), data;
    Arena *arena = arena_new();
    assert_null(dataset_probe(&data, &made_up, &wish, NULL, arena));
    assert_ptr_equal(data.type, &made_up);
    assert_int_equal(data.first[SPLIT_TRAIN], 0);
    assert_int_equal(data.first[SPLIT_VALID], 3);
    assert_int_equal(data.first[SPLIT_TEST], 5);
    arena_end(arena);
}

static void test_dataset__empty_split_is_an_error(void **state) {
    (void)state;
    Content content;
    Arena *arena = arena_new();
    for (int split = 0; split < SPLIT_N; split++) {
        Dataset wish = with_pixels(&content), data;
        wish.n[split] = 0;
        Error *error = dataset_probe(&data, &made_up, &wish, NULL, arena);
        assert_non_null(error);
        assert_int_equal(error_code(error), CODE_USAGE);
        error_end(error);
    }
    arena_end(arena);
}

static void test_dataset__gather_scales_the_rows_asked_for(void **state) {
    (void)state;
    Content content;
    Dataset wish = with_pixels(&content), data;
    Arena *arena = arena_new();
    assert_null(dataset_load(&data, &made_up, &wish, NULL, arena));
    const int64_t index[4] = {2, 0, 2, 1};
    float x[4 * WIDTH];
    int32_t y[4];
    dataset_gather(&data, SPLIT_TRAIN, index, 4, x, y);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(y[i], content.labels[index[i]]);
        for (int j = 0; j < WIDTH; j++)
            assert_true(x[i * WIDTH + j] ==
                        (float)content.pixels[index[i] * WIDTH + j] * 0.013f + -0.4f);
    }
    const int64_t second[1] = {1};
    dataset_gather(&data, SPLIT_VALID, second, 1, NULL, y); /* row 4 */
    assert_int_equal(y[0], content.labels[4]);
    dataset_gather(&data, SPLIT_VALID, second, 1, x, NULL);
    assert_true(x[0] == (float)content.pixels[4 * WIDTH] * 0.013f + -0.4f);
    arena_end(arena);
}

static void test_dataset__gather_copies_values(void **state) {
    (void)state;
    Content content;
    Dataset wish = with_pixels(&content), data;
    wish.pixels = NULL, wish.values = content.values;
    Arena *arena = arena_new();
    assert_null(dataset_load(&data, &made_up, &wish, NULL, arena));
    const int64_t last[1] = {0};
    float x[WIDTH];
    dataset_gather(&data, SPLIT_TEST, last, 1, x, NULL); /* row 5 */
    assert_memory_equal(x, content.values + 5 * WIDTH, sizeof x);
    arena_end(arena);
}

static void test_dataset__paths_are_searched_in_order(void **state) {
    (void)state;
    Arena *arena = arena_new();
    char root[] = "/tmp/batchlab-paths-XXXXXX";
    assert_non_null(mkdtemp(root));
    const char *one = arena_print(arena, "%s/one", root), *two = arena_print(arena, "%s/two", root);
    const char *in_one = arena_print(arena, "%s/set", one),
               *in_two = arena_print(arena, "%s/set", two);
    assert_null(io_folder(in_one));
    assert_null(io_folder(in_two));
    const char *paths[] = {one, two, NULL}, *found;

    assert_null(dataset_find_path(&found, "set", paths, "dataset.path", arena));
    assert_string_equal(found, in_one);
    assert_int_equal(rmdir(in_one), 0);
    assert_null(dataset_find_path(&found, "set", paths, "dataset.path", arena));
    assert_string_equal(found, in_two);
    assert_null(dataset_find_path(&found, in_two, NULL, "dataset.path", arena));
    assert_string_equal(found, in_two);
    rmdir(in_two), rmdir(one), rmdir(two), rmdir(root);

    Error *error = dataset_find_path(&found, "set", paths, "dataset.path", arena);
    assert_non_null(error);
    assert_int_equal(error_code(error), CODE_MISSING);
    const char *text = error_text(error);
    assert_non_null(strstr(text, in_one)); /* says where it looked ... */
    assert_non_null(strstr(text, in_two));
    assert_non_null(strstr(text, "dataset.path")); /* ... for what, and what to do */
    assert_non_null(strstr(text, "BATCHLAB_DATA"));
    error_end(error);
    error = dataset_find_path(&found, in_two, paths, "dataset.path", arena);
    assert_int_equal(error_code(error), CODE_MISSING);
    error_end(error);
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dataset__hash_sees_every_part_of_the_content),
        cmocka_unit_test(test_dataset__hash_sees_float_values),
        cmocka_unit_test(test_dataset__splits_follow_each_other),
        cmocka_unit_test(test_dataset__empty_split_is_an_error),
        cmocka_unit_test(test_dataset__gather_scales_the_rows_asked_for),
        cmocka_unit_test(test_dataset__gather_copies_values),
        cmocka_unit_test(test_dataset__paths_are_searched_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
