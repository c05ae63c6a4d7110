/* Tiles: reproducible whatever the counts and threads, balanced, centred, and nothing that single
 * pixels tell. That ResNet-8 sees what an MLP does not is tests/golden/tiles.sh. */
#include "lab/data/dataset.h"
#include "lab/data/tile_draw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <omp.h>
#include <string.h>

static Dataset load(int train, int valid, int test, Arena *arena) {
    Json *json = json_object(arena);
    const Kind *kind;
    void *settings;
    Dataset data;
    json_add_text(json, "name", "tiles", arena);
    json_add_number(json, "train", train, arena);
    json_add_number(json, "valid", valid, arena);
    json_add_number(json, "test", test, arena);
    assert_null(
        kind_read(&kind, &settings, json, dataset_table, DATASET_N, "dataset", NULL, arena));
    assert_null(dataset_load(&data, (const DatasetType *)kind, settings, NULL, arena));
    return data;
}

static const uint8_t *image(const Dataset *data, int split, int64_t i) {
    return data->pixels + (data->first[split] + i) * TILE_PIXELS;
}

static void test_tiles__example_does_not_depend_on_counts(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Dataset a = load(50, 20, 30, arena), b = load(31, 60, 17, arena);
    for (int split = 0; split < SPLIT_N; split++)
        for (int64_t i = 0; i < a.n[split] && i < b.n[split]; i++) {
            assert_memory_equal(image(&a, split, i), image(&b, split, i), TILE_PIXELS);
            assert_int_equal(a.labels[a.first[split] + i], b.labels[b.first[split] + i]);
        }
    arena_end(arena);
}

/* The digest pins the drawing: who changes it changes the ids of all trials on tiles. */
static void test_tiles__threads_and_machines_do_not_change_bits(void **state) {
    (void)state;
    Arena *arena = arena_new();
    int before = omp_get_max_threads();
    for (int threads = 1; threads <= 4; threads++) {
        omp_set_num_threads(threads);
        Dataset data = load(101, 13, 17, arena);
        assert_string_equal(data.sha256, "c7b52287392649fce4032203c3fabd174cd974850a037e8a8a6353e3784b1434");
    }
    omp_set_num_threads(before);
    arena_end(arena);
}

static void test_tiles__classes_are_balanced_in_every_prefix(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Dataset data = load(234, 56, 78, arena);
    for (int split = 0; split < SPLIT_N; split++) {
        int count[TILE_CLASSES] = {0};
        for (int64_t i = 0; i < data.n[split]; i++) {
            count[data.labels[data.first[split] + i]]++;
            for (int c = 0; c < TILE_CLASSES; c++) /* fair share, rounded either way */
                assert_in_range(count[c], (i + 1) / TILE_CLASSES, i / TILE_CLASSES + 1);
        }
    }
    arena_end(arena);
}

static void test_tiles__pixels_are_centred(void **state) {
    (void)state;
    enum { N = 2000 };
    Arena *arena = arena_new();
    Dataset data = load(N, 1, 1, arena);
    double sum = 0, sumsq = 0;
    for (int64_t i = 0; i < N; i++) {
        float x[TILE_PIXELS];
        dataset_gather(&data, SPLIT_TRAIN, &i, 1, x, NULL);
        for (int j = 0; j < TILE_PIXELS; j++) {
            sum += (double)x[j];
            sumsq += (double)x[j] * (double)x[j];
        }
    }
    print_message("mean %.3f, mean square %.3f\n", sum / N / TILE_PIXELS, sumsq / N / TILE_PIXELS);
    assert_true(fabs(sum / N / TILE_PIXELS) < 0.05);
    assert_true(fabs(sumsq / N / TILE_PIXELS - 1) < 0.1);
    arena_end(arena);
}

static double distance(const float *mean, const uint8_t *pixels) {
    double sum = 0;
    for (int i = 0; i < TILE_PIXELS; i++)
        sum += ((double)mean[i] - pixels[i]) * ((double)mean[i] - pixels[i]);
    return sum;
}

/* The nearest class mean is the best that pixels by themselves can say when colours are random. */
static void test_tiles__single_pixels_tell_little(void **state) {
    (void)state;
    enum { N = 2000, N_TEST = 500 };
    Arena *arena = arena_new();
    Dataset data = load(N, 1, N_TEST, arena);
    float(*mean)[TILE_PIXELS] = arena_alloc(arena, sizeof(float[TILE_CLASSES][TILE_PIXELS]));
    for (int i = 0; i < N; i++)
        for (int j = 0; j < TILE_PIXELS; j++)
            mean[data.labels[i]][j] += image(&data, SPLIT_TRAIN, i)[j] / (float)(N / TILE_CLASSES);
    int right = 0;
    for (int i = 0; i < N_TEST; i++) {
        int best = 0;
        for (int c = 1; c < TILE_CLASSES; c++)
            if (distance(mean[c], image(&data, SPLIT_TEST, i)) <
                distance(mean[best], image(&data, SPLIT_TEST, i)))
                best = c;
        right += best == data.labels[data.first[SPLIT_TEST] + i];
    }
    print_message("nearest class mean: %d of %d\n", right, N_TEST);
    assert_in_range(right, 0, N_TEST / 5);
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tiles__example_does_not_depend_on_counts),
        cmocka_unit_test(test_tiles__threads_and_machines_do_not_change_bits),
        cmocka_unit_test(test_tiles__classes_are_balanced_in_every_prefix),
        cmocka_unit_test(test_tiles__pixels_are_centred),
        cmocka_unit_test(test_tiles__single_pixels_tell_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
