/* What every registered dataset promises: probing tells what loading gives, loading twice gives the
 * same bits, splits share no row, gathering follows the definition, other content has another hash.
 */
#include "lab/base/rng.h"
#include "lab/data/dataset.h"
#include "tests/unit/cifar_files.h"
#include "tests/unit/idx_files.h"
#include "tests/unit/pair_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

enum { TRAIN = 60 }; /* small enough for every kind, the IDX files of idx_files.h included */

static bool has_row(const Kind *kind, const char *key) {
    for (const Param *row = kind->params; row && row->key; row++)
        if (strcmp(row->key, key) == 0)
            return true;
    return false;
}

/* The folder holds files of every kind that reads some; beside it lie a text and an HDF5 file. */
static const char *path_of(const Kind *kind, const char *folder, Arena *arena) {
    if (strcmp(kind->name, "text") == 0)
        return arena_print(arena, "%s.txt", folder);
    return strcmp(kind->name, "hdf5") == 0 ? arena_print(arena, "%s.h5", folder) : folder;
}

/* Defaults of a kind, with a given number of training examples and a folder of files where it wants
 * one. */
static void *settings_of(const Kind *kind, int64_t train, const char *folder, Arena *arena) {
    Json *json = json_object(arena);
    const Kind *found;
    void *settings;
    json_add_text(json, "name", kind->name, arena);
    json_add_number(json, "train", (double)train, arena);
    if (has_row(kind, "path"))
        json_add_text(json, "path", path_of(kind, folder, arena), arena);
    if (has_row(kind, "context"))
        json_add_number(json, "context", 16, arena);
    Error *error =
        kind_read(&found, &settings, json, dataset_table, DATASET_N, "dataset", NULL, arena);
    if (error)
        fail_msg("%s", error_text(error));
    assert_ptr_equal(found, kind);
    return settings;
}

static Dataset load(const Kind *kind, int64_t train, const char *folder, Arena *arena) {
    Dataset data;
    Error *error = dataset_load(&data, (const DatasetType *)kind,
                                settings_of(kind, train, folder, arena), NULL, arena);
    if (error)
        fail_msg("%s", error_text(error));
    return data;
}

static int64_t rows_of(const Dataset *data) {
    return data->n[SPLIT_TRAIN] + data->n[SPLIT_VALID] + data->n[SPLIT_TEST];
}

static void law_dataset__probe_tells_what_loading_gives(void **state) {
    for (int k = 0; k < DATASET_N; k++) {
        Arena *arena = arena_new();
        Dataset data = load(dataset_table[k], TRAIN, *state, arena), probed;
        const DatasetType *type = (const DatasetType *)dataset_table[k];
        assert_null(dataset_probe(&probed, type, settings_of(&type->kind, TRAIN, *state, arena),
                                  NULL, arena));
        assert_ptr_equal(probed.type, type);
        assert_ptr_equal(data.type, type);
        assert_int_equal(data.n[SPLIT_TRAIN], TRAIN);
        assert_memory_equal(probed.n, data.n, sizeof data.n);
        assert_memory_equal(probed.first, data.first, sizeof data.first);
        assert_memory_equal(probed.shape, data.shape, sizeof data.shape);
        assert_int_equal(probed.n_features, data.n_features);
        assert_int_equal(probed.n_classes, data.n_classes);
        assert_int_equal(probed.n_labels, data.n_labels);
        assert_int_equal(probed.text_bytes, data.text_bytes);
        assert_true(probed.best_loss == data.best_loss);
        assert_int_equal(probed.endless, data.endless);
        arena_end(arena);
    }
}

static void law_dataset__loading_twice_gives_the_same_bits(void **state) {
    for (int k = 0; k < DATASET_N; k++) {
        Arena *arena = arena_new();
        Dataset a = load(dataset_table[k], TRAIN, *state, arena),
                b = load(dataset_table[k], TRAIN, *state, arena);
        size_t rows = (size_t)rows_of(&a), features = (size_t)a.n_features;
        assert_int_equal(strlen(a.sha256), HASH_ROOM - 1);
        assert_string_equal(a.sha256, b.sha256);
        if (a.pixels)
            assert_memory_equal(a.pixels, b.pixels, rows * features);
        if (a.values)
            assert_memory_equal(a.values, b.values, rows * features * sizeof *a.values);
        if (a.labels)
            assert_memory_equal(a.labels, b.labels, rows * sizeof *a.labels);
        if (a.text)
            assert_memory_equal(a.text, b.text, (size_t)a.text_bytes);
        arena_end(arena);
    }
}

/* The bytes of an example's features. */
static const uint8_t *bytes_of(const Dataset *data, int split, int64_t i) {
    int64_t row = data->first[split] + i;
    if (data->text)
        return data->text + data->begin[split] + i * data->stride[split];
    return data->pixels ? data->pixels + row * data->n_features
                        : (const uint8_t *)(data->values + row * data->n_features);
}

/* Windows over a text: no byte is a target twice, in the same or another split. */
static void check_targets(const Dataset *data, Arena *arena) {
    uint8_t *used = arena_alloc(arena, (size_t)data->text_bytes);
    for (int split = 0; split < SPLIT_N; split++)
        for (int64_t i = 0; i < data->n[split]; i++)
            for (int j = 1; j <= data->n_features; j++)
                assert_int_equal(used[bytes_of(data, split, i) - data->text + j]++, 0);
}

static void law_dataset__splits_share_no_row(void **state) {
    for (int k = 0; k < DATASET_N; k++) {
        Arena *arena = arena_new();
        Dataset data = load(dataset_table[k], TRAIN, *state, arena);
        uint8_t *used = arena_alloc(arena, (size_t)rows_of(&data));
        for (int split = 0; split < SPLIT_N; split++) {
            assert_true(data.n[split] > 0);
            for (int64_t i = 0; i < data.n[split]; i++)
                assert_int_equal(used[data.first[split] + i]++, 0);
        }
        if (data.text)
            check_targets(&data, arena);
        arena_end(arena);
    }
}

static int by_bytes(const void *a, const void *b, void *width) {
    return memcmp(*(const uint8_t *const *)a, *(const uint8_t *const *)b, *(const size_t *)width);
}

static void law_dataset__no_example_appears_twice(void **state) {
    for (int k = 0; k < DATASET_N; k++) {
        Arena *arena = arena_new();
        Dataset data = load(dataset_table[k], TRAIN, *state, arena);
        int64_t rows = data.n_features ? rows_of(&data) : 0;
        size_t width = (size_t)data.n_features * (data.values ? sizeof(float) : 1);
        const uint8_t **sorted = ARENA_ARRAY(arena, const uint8_t *, rows + 1);
        for (int split = 0; split < SPLIT_N && rows > 0; split++)
            for (int64_t i = 0; i < data.n[split]; i++)
                sorted[data.first[split] + i] = bytes_of(&data, split, i);
        if (rows > 0)
            qsort_r(sorted, (size_t)rows, sizeof *sorted, by_bytes, &width);
        for (int64_t i = 1; i < rows; i++)
            assert_true(by_bytes(&sorted[i - 1], &sorted[i], &width) != 0);
        arena_end(arena);
    }
}

static void law_dataset__labels_are_classes_and_all_occur(void **state) {
    for (int k = 0; k < DATASET_N; k++) {
        Arena *arena = arena_new();
        Dataset data = load(dataset_table[k], TRAIN, *state, arena);
        if (data.n_classes == 0)
            assert_null(data.labels);
        for (int split = 0; split < SPLIT_N && data.labels; split++) {
            int *count = ARENA_ARRAY(arena, int, data.n_classes);
            for (int64_t i = 0; i < data.n[split]; i++) {
                assert_in_range(data.labels[data.first[split] + i], 0, data.n_classes - 1);
                count[data.labels[data.first[split] + i]]++;
            }
            for (int c = 0; c < data.n_classes; c++)
                assert_true(count[c] > 0);
        }
        arena_end(arena);
    }
}

static void check_gathered(const Dataset *data, int split, int64_t index, const float *x,
                           const int32_t *y) {
    int64_t row = data->first[split] + index;
    const uint8_t *bytes = data->n_features ? bytes_of(data, split, index) : NULL;
    for (int64_t j = 0; j < data->n_features; j++) {
        float want = data->text     ? bytes[j]
                     : data->pixels ? (float)bytes[j] * data->pixel_scale + data->pixel_shift
                                    : data->values[row * data->n_features + j];
        assert_true(isfinite(want) && x[j] == want);
    }
    for (int j = 0; j < data->n_labels; j++)
        assert_int_equal(y[j], data->text ? bytes[j + 1] : data->labels[row]);
}

static void law_dataset__gathering_follows_the_definition(void **state) {
    enum { N = 37 };
    for (int k = 0; k < DATASET_N; k++) {
        Arena *arena = arena_new();
        Dataset data = load(dataset_table[k], TRAIN, *state, arena);
        float *x = ARENA_ARRAY(arena, float, N *data.n_features + 1);
        int32_t *y = ARENA_ARRAY(arena, int32_t, N * data.n_labels + 1);
        Rng rng = rng_new(0, RNG_TEST, (uint64_t)k);
        for (int split = 0; split < SPLIT_N; split++) {
            int64_t index[N];
            for (int i = 0; i < N; i++)
                index[i] = rng_below(&rng, (uint32_t)data.n[split]);
            dataset_gather(&data, (Split)split, index, N, x, y);
            for (int i = 0; i < N; i++)
                check_gathered(&data, split, index[i], x + (int64_t)i * data.n_features,
                               y + (int64_t)i * data.n_labels);
        }
        arena_end(arena);
    }
}

static void law_dataset__other_content_has_another_hash(void **state) {
    char sha[DATASET_N][HASH_ROOM];
    for (int k = 0; k < DATASET_N; k++) {
        Arena *arena = arena_new();
        Dataset data = load(dataset_table[k], TRAIN, *state, arena);
        Dataset fewer = load(dataset_table[k], TRAIN - 1, *state, arena);
        assert_int_equal(fewer.n[SPLIT_TRAIN], TRAIN - 1);
        assert_string_not_equal(data.sha256, fewer.sha256);
        memcpy(sha[k], data.sha256, HASH_ROOM);
        for (int other = 0; other < k; other++)
            assert_string_not_equal(sha[k], sha[other]);
        arena_end(arena);
    }
}

static void law_dataset__kind_explains_itself(void **state) {
    (void)state;
    for (int k = 0; k < DATASET_N; k++) {
        const Kind *kind = dataset_table[k];
        assert_non_null(kind->summary);
        assert_non_null(kind->detail);
        assert_true(has_row(kind, "train"));
        for (const Param *row = kind->params; row->key; row++)
            assert_true(row->help && row->help[0] && row->unit);
    }
}

static void write_pairs(const char *folder) {
    char path[128];
    static PairData data;
    snprintf(path, sizeof path, "%s.h5", folder);
    pair_data(&data);
    npy_write_pair(folder, &data);
    hdf5_write_pair(path, &data);
}

/* 2000 random bytes beside the folder. */
static void write_text(const char *folder) {
    char path[128];
    snprintf(path, sizeof path, "%s.txt", folder);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    Rng rng = rng_new(1, RNG_TEST, 0);
    for (int i = 0; i < 2000; i++)
        fputc((int)rng_below(&rng, 256), file);
    assert_int_equal(fclose(file), 0);
}

static int set_up(void **state) {
    static char folder[64];
    idx_folder_new(folder);
    idx_write_all(folder, true);
    cifar_write_all(folder);
    write_pairs(folder);
    write_text(folder);
    *state = folder;
    return 0;
}

static int tear_down(void **state) {
    char path[128];
    snprintf(path, sizeof path, "%s.txt", (const char *)*state);
    unlink(path);
    snprintf(path, sizeof path, "%s.h5", (const char *)*state);
    unlink(path);
    cifar_remove_all(*state);
    npy_remove_pair(*state);
    idx_folder_end(*state);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(law_dataset__probe_tells_what_loading_gives),
        cmocka_unit_test(law_dataset__loading_twice_gives_the_same_bits),
        cmocka_unit_test(law_dataset__splits_share_no_row),
        cmocka_unit_test(law_dataset__no_example_appears_twice),
        cmocka_unit_test(law_dataset__labels_are_classes_and_all_occur),
        cmocka_unit_test(law_dataset__gathering_follows_the_definition),
        cmocka_unit_test(law_dataset__other_content_has_another_hash),
        cmocka_unit_test(law_dataset__kind_explains_itself),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
