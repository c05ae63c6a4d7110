/* The real MNIST, looked for below $BATCHLAB_DATA and beside the source; skipped when it is in
 * neither. */
#include "lab/data/dataset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

extern const DatasetType dataset_mnist;

static Error *load(Dataset *out, Arena *arena) {
    const char *paths[] = {SOURCE_DIR "/../shared/data", NULL, NULL};
    if (getenv("BATCHLAB_DATA"))
        paths[1] = paths[0], paths[0] = getenv("BATCHLAB_DATA");
    Json *json = json_object(arena);
    const Kind *kind;
    void *settings;
    json_add_text(json, "name", "mnist", arena);
    json_add_text(json, "path", "mnist", arena);
    assert_null(
        kind_read(&kind, &settings, json, dataset_table, DATASET_N, "dataset", NULL, arena));
    return dataset_load(out, &dataset_mnist, settings, paths, arena);
}

/* Counts of the original files, known from the literature. */
static void test_mnist_real__class_counts_are_the_known_ones(void **state) {
    static const int train[10] = {5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949};
    static const int test[10] = {980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009};
    const Dataset *data = *state;
    assert_int_equal(data->n[SPLIT_TRAIN], 55000);
    assert_int_equal(data->n[SPLIT_VALID], 5000);
    assert_int_equal(data->n[SPLIT_TEST], 10000);
    assert_int_equal(data->n_features, 784);
    int count[2][10] = {{0}};
    for (int64_t row = 0; row < 70000; row++)
        count[row >= 60000][data->labels[row]]++;
    for (int c = 0; c < 10; c++) {
        assert_int_equal(count[0][c], train[c]);
        assert_int_equal(count[1][c], test[c]);
    }
}

static void test_mnist_real__valid_has_every_class_in_proportion(void **state) {
    const Dataset *data = *state;
    int count[10] = {0};
    for (int64_t i = 0; i < 5000; i++)
        count[data->labels[data->first[SPLIT_VALID] + i]]++;
    for (int c = 0; c < 10; c++)
        assert_in_range(count[c], 390, 650); /* about 452 to 562, four standard deviations */
}

static void test_mnist_real__pixels_are_centred(void **state) {
    const Dataset *data = *state;
    double sum = 0, sumsq = 0, n = 55000.0 * 784;
    float *x = malloc(784 * sizeof *x);
    assert_non_null(x);
    for (int64_t i = 0; i < 55000; i++) {
        dataset_gather(data, SPLIT_TRAIN, &i, 1, x, NULL);
        for (int j = 0; j < 784; j++) {
            sum += (double)x[j];
            sumsq += (double)x[j] * (double)x[j];
        }
    }
    free(x);
    assert_true(fabs(sum / n) < 0.01);
    assert_true(fabs(sumsq / n - 1) < 0.01);
}

typedef struct {
    char sha[HASH_ROOM];
    int64_t row;
} Print;

static int by_sha(const void *a, const void *b) {
    return memcmp(a, b, HASH_ROOM);
}

static void test_mnist_real__no_image_is_in_two_splits(void **state) {
    const Dataset *data = *state;
    Print *prints = calloc(70000, sizeof *prints);
    assert_non_null(prints);
    for (int64_t row = 0; row < 70000; row++) {
        hash_of(data->pixels + row * 784, 784, prints[row].sha);
        prints[row].row = row;
    }
    qsort(prints, 70000, sizeof *prints, by_sha);
    for (int i = 1; i < 70000; i++)
        assert_memory_not_equal(prints[i - 1].sha, prints[i].sha, HASH_ROOM);
    free(prints);
}

int main(void) {
    Arena *arena = arena_new();
    Dataset data;
    Error *error = load(&data, arena);
    if (error && error_code(error) == CODE_MISSING) {
        printf("skipped: %s\n", error_root(error));
        error_end(error);
        arena_end(arena);
        return 77;
    }
    if (error) {
        error_print(error, stderr);
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_mnist_real__class_counts_are_the_known_ones, &data),
        cmocka_unit_test_prestate(test_mnist_real__valid_has_every_class_in_proportion, &data),
        cmocka_unit_test_prestate(test_mnist_real__pixels_are_centred, &data),
        cmocka_unit_test_prestate(test_mnist_real__no_image_is_in_two_splits, &data),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_end(arena);
    return failed;
}
