/* What every registered dataset promises: probing tells what loading gives, loading twice gives the
 * same bits, splits share no row, gathering follows the definition, other content has another hash.
 */
#include "lab/base/rng.h"
#include "lab/data/dataset.h"
#include "tests/unit/idx_files.h"

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

/* Defaults of a kind, with a given number of training examples and a folder of files where it wants
 * one. */
static void *settings_of(const Kind *kind, int64_t train, const char *folder, Arena *arena) {
    Json *json = json_object(arena);
    const Kind *found;
    void *settings;
    json_add_text(json, "name", kind->name, arena);
    json_add_number(json, "train", (double)train, arena);
    if (has_row(kind, "path"))
        json_add_text(json, "path", folder, arena);
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
        arena_end(arena);
    }
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
        size_t width = (size_t)data.n_features * (data.pixels ? 1 : sizeof(float));
        const uint8_t *base = data.pixels ? data.pixels : (const uint8_t *)data.values;
        const uint8_t **sorted = ARENA_ARRAY(arena, const uint8_t *, rows + 1);
        for (int64_t i = 0; i < rows; i++)
            sorted[i] = base + (size_t)i * width;
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
        for (int split = 0; split < SPLIT_N && data.n_classes > 0; split++) {
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

static void law_dataset__gathering_follows_the_definition(void **state) {
    enum { N = 37 };
    for (int k = 0; k < DATASET_N; k++) {
        Arena *arena = arena_new();
        Dataset data = load(dataset_table[k], TRAIN, *state, arena);
        float *x = ARENA_ARRAY(arena, float, N *data.n_features + 1);
        Rng rng = rng_new(0, RNG_TEST, (uint64_t)k);
        for (int split = 0; split < SPLIT_N; split++) {
            int64_t index[N];
            int32_t y[N];
            for (int i = 0; i < N; i++)
                index[i] = rng_below(&rng, (uint32_t)data.n[split]);
            dataset_gather(&data, (Split)split, index, N, x, y);
            for (int i = 0; i < N; i++) {
                int64_t row = data.first[split] + index[i];
                for (int64_t j = 0; j < data.n_features; j++) {
                    int64_t at = row * data.n_features + j;
                    float want = data.pixels
                                     ? (float)data.pixels[at] * data.pixel_scale + data.pixel_shift
                                     : data.values[at];
                    assert_true(isfinite(want) && x[i * data.n_features + j] == want);
                }
                if (data.labels)
                    assert_int_equal(y[i], data.labels[row]);
            }
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

static int set_up(void **state) {
    static char folder[64];
    idx_folder_new(folder);
    idx_write_all(folder, true);
    *state = folder;
    return 0;
}

static int tear_down(void **state) {
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
