/* Augmentation: each pixel is what the definition says, whatever slice of the stream is asked for;
 * the draws are even; one setting does not change what another does; and images are demanded. */
#include "lab/base/rng.h"
#include "lab/data/augment.h"
#include "tests/unit/trial_helper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

enum { CHANNELS = 2, HEIGHT = 7, WIDTH = 5, N = 24, FEATURES = CHANNELS * HEIGHT * WIDTH };

static const int shape[3] = {CHANNELS, HEIGHT, WIDTH};

typedef float Image[CHANNELS][HEIGHT][WIDTH];

/* No value is 0, so that a 0 is something that was put there. */
static void fill(Image *x, int n) {
    for (int i = 0; i < n * FEATURES; i++)
        (&x[0][0][0][0])[i] = (float)(i + 1);
}

static void run(Image *x, int n, AugmentSettings settings, uint64_t seed, int64_t first) {
    float scratch[4 * FEATURES] = {0};
    assert_in_range(augment_scratch(&settings, shape), FEATURES, 4 * FEATURES);
    augment(&x[0][0][0][0], n, shape, &settings, seed, first, scratch);
}

/* What the crop can have done: the one shift that explains every pixel, or a failure. */
static void find_shift(int *down, int *right, Image from, Image to, int pad, bool flip) {
    int found = 0;
    for (int dy = -pad; dy <= pad; dy++)
        for (int dx = -pad; dx <= pad; dx++) {
            bool same = true;
            for (int c = 0; c < CHANNELS; c++)
                for (int r = 0; r < HEIGHT; r++)
                    for (int k = 0; k < WIDTH; k++) {
                        int row = r + dy, column = (flip ? WIDTH - 1 - k : k) + dx;
                        bool inside = row >= 0 && row < HEIGHT && column >= 0 && column < WIDTH;
                        same = same && to[c][r][k] == (inside ? from[c][row][column] : 0);
                    }
            if (same) {
                *down = dy;
                *right = dx;
                found++;
            }
        }
    assert_int_equal(found, 1);
}

static void test_augment__crop_is_a_window_of_the_padded_image(void **state) {
    (void)state;
    enum { PAD = 3, TIMES = 200 };
    int count[2 * PAD + 1][2 * PAD + 1] = {{0}};
    for (int t = 0; t < TIMES; t++) {
        Image from[N], to[N];
        fill(from, N);
        memcpy(to, from, sizeof to);
        run(to, N, (AugmentSettings){.pad = PAD}, 5, (int64_t)t * N);
        for (int i = 0; i < N; i++) {
            int down = 0, right = 0;
            find_shift(&down, &right, from[i], to[i], PAD, false);
            count[down + PAD][right + PAD]++;
        }
    }
    double mean = (double)TIMES * N / 49; /* each of the 49 windows as often: within 5 sigma */
    for (int a = 0; a < 7; a++)
        for (int b = 0; b < 7; b++)
            assert_true(fabs(count[a][b] - mean) < 5 * sqrt(mean));
}

static void test_augment__every_second_image_is_mirrored(void **state) {
    (void)state;
    enum { TIMES = 100 };
    int mirrored = 0;
    for (int t = 0; t < TIMES; t++) {
        Image from[N], to[N];
        fill(from, N);
        memcpy(to, from, sizeof to);
        run(to, N, (AugmentSettings){.flip = true}, 6, (int64_t)t * N);
        for (int i = 0; i < N; i++) {
            int down, right;
            bool flip = to[i][0][0][0] != from[i][0][0][0];
            find_shift(&down, &right, from[i], to[i], 0, flip);
            mirrored += flip;
        }
    }
    assert_true(fabs(mirrored - TIMES * N / 2.0) < 5 * sqrt(TIMES * N / 4.0));
}

/* A square of side 3 whose centre lies in the image, cut at its border, in all channels. */
static void test_augment__cutout_covers_a_square(void **state) {
    (void)state;
    int seen[HEIGHT][WIDTH] = {{0}};
    for (int t = 0; t < 100; t++) {
        Image from[N], to[N];
        fill(from, N);
        memcpy(to, from, sizeof to);
        run(to, N, (AugmentSettings){.cutout = 3}, 7, (int64_t)t * N);
        for (int i = 0; i < N; i++) {
            int found = 0;
            for (int y = 0; y < HEIGHT; y++)
                for (int x = 0; x < WIDTH; x++) {
                    bool same = true;
                    for (int j = 0; j < FEATURES; j++) {
                        int r = j / WIDTH % HEIGHT, k = j % WIDTH;
                        bool covered = abs(r - y) <= 1 && abs(k - x) <= 1;
                        same =
                            same && (&to[i][0][0][0])[j] == (covered ? 0 : (&from[i][0][0][0])[j]);
                    }
                    found += same;
                    seen[y][x] += same;
                }
            assert_int_equal(found, 1);
        }
    }
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            assert_true(fabs(seen[y][x] - 2400.0 / 35) < 5 * sqrt(2400.0 / 35));
}

static const AugmentSettings all = {.pad = 2, .flip = true, .cutout = 4};

static void test_augment__place_in_the_stream_decides(void **state) {
    (void)state;
    Image whole[N], parts[N], other[N];
    fill(whole, N);
    memcpy(parts, whole, sizeof parts);
    memcpy(other, whole, sizeof other);
    run(whole, N, all, 8, 1000);
    for (int i = N - 1; i >= 0; i--) /* one at a time, in another order */
        run(parts + i, 1, all, 8, 1000 + i);
    assert_memory_equal(whole, parts, sizeof whole);
    run(other, N, all, 8, 1000 + N); /* later in the stream */
    assert_memory_not_equal(whole, other, sizeof whole);
    fill(other, N);
    run(other, N, all, 9, 1000); /* another seed */
    assert_memory_not_equal(whole, other, sizeof whole);
}

static void test_augment__settings_do_not_disturb_each_other(void **state) {
    (void)state;
    Image together[N], in_turn[N];
    fill(together, N);
    fill(in_turn, N);
    run(together, N, all, 10, 0);
    run(in_turn, N, (AugmentSettings){.pad = 2}, 10, 0);
    run(in_turn, N, (AugmentSettings){.flip = true}, 10, 0);
    run(in_turn, N, (AugmentSettings){.cutout = 4}, 10, 0);
    assert_memory_equal(together, in_turn, sizeof together);
    fill(in_turn, N);
    fill(together, N);
    run(in_turn, N, (AugmentSettings){0}, 10, 0);
    assert_memory_equal(together, in_turn, sizeof together);
}

static void expect(AugmentSettings settings, Dataset data, const char *says, const char *hint) {
    extern const DatasetType dataset_tiles;
    data.type = &dataset_tiles;
    Error *error = augment_check(&settings, &data);
    assert_non_null(error);
    assert_int_equal(error_code(error), CODE_USAGE);
    const char *text = error_text(error), *hinted = strstr(text, "hint: ");
    if (!strstr(text, says) || !hinted || !strstr(hinted, hint))
        fail_msg("no '%s' with hint '%s' in\n%s", says, hint, text);
    error_end(error);
}

static void test_augment__wants_images_that_are_large_enough(void **state) {
    (void)state;
    Dataset images = {.shape = {3, 12, 10}}, text = {.shape = {1, 1, 64}, .text_bytes = 9};
    Dataset plain = {.shape = {1, 1, 64}};
    assert_null(augment_check(&all, &images));
    assert_null(augment_check(&(AugmentSettings){.pad = 9, .cutout = 19}, &images));
    assert_null(augment_check(&(AugmentSettings){0}, &text));
    expect(all, text, "are texts", "'cifar10'");
    expect(all, plain, "are plain features", "'cifar10'");
    expect((AugmentSettings){.pad = 10}, images, "trial.augment.pad is 10", "0 to 9");
    expect((AugmentSettings){.cutout = 20}, images, "trial.augment.cutout is 20", "0 to 19");
}

/* A trial whose weights stay as they began and whose steps see one example 16 times, so that every
 * difference is one of pixels. */
static const ReadTrial *trial_of(int mini_batch, const char *more, Arena *arena) {
    return read_trial(
        arena_print(arena,
                    "{\"dataset\": {\"name\": \"tiles\", \"train\": 1, \"valid\": 20, "
                    "\"test\": 5}, \"model\": {\"name\": \"softmax\"}, \"global_batch\": 16, "
                    "\"mini_batch\": %d, \"optimizer\": {\"name\": \"sgd\"}, \"lr\": {\"base\": "
                    "0}, \"stop\": {\"steps\": 6}, \"eval\": {\"every_examples\": 32}%s}",
                    mini_batch, more),
        arena);
}

#define ALL ", \"augment\": {\"pad\": 4, \"flip\": true, \"cutout\": 12}"

static void test_augment__training_sees_it_evaluation_does_not(void **state) {
    (void)state;
    Arena *arena = arena_new();
    KeptRun plain = run_trial(trial_of(4, "", arena), 0, 1, arena);
    KeptRun four = run_trial(trial_of(4, ALL, arena), 0, 1, arena);
    KeptRun sixteen = run_trial(trial_of(16, ALL, arena), 0, 1, arena);
    assert_int_equal(plain.n_steps, 6);
    for (int i = 0; i < plain.n_steps; i++) {
        double loss = four.steps[i].train_loss;
        assert_true(fabs(loss - plain.steps[i].train_loss) > 1e-4 * loss);
        /* the same pixels, whatever the mini-batch: only sums are rounded elsewhere */
        assert_true(fabs(loss - sixteen.steps[i].train_loss) < 1e-5 * loss);
    }
    for (int i = 1; i < plain.n_steps; i++) { /* other pixels of the one example each time */
        double before = plain.steps[i - 1].train_loss;
        assert_true(fabs(plain.steps[i].train_loss - before) < 1e-5 * before);
        assert_true(fabs(four.steps[i].train_loss - four.steps[i - 1].train_loss) > 1e-4 * before);
    }
    assert_true(plain.n_evals > 0);
    for (int i = 0; i < plain.n_evals; i++)
        assert_memory_equal(&plain.evals[i], &four.evals[i], offsetof(EvalRow, wall_s));
    arena_end(arena);
}

static void id_of(char out[TRIAL_ID_ROOM], const char *more, Arena *arena) {
    trial_id(out, trial_write(&trial_of(4, more, arena)->settings, arena), 0, "data", arena);
}

static void test_augment__absent_leaves_trial_ids_alone(void **state) {
    (void)state;
    Arena *arena = arena_new();
    char absent[TRIAL_ID_ROOM], off[TRIAL_ID_ROOM], on[TRIAL_ID_ROOM];
    id_of(absent, "", arena);
    id_of(off, ", \"augment\": {\"pad\": 0, \"flip\": false}", arena);
    id_of(on, ", \"augment\": {\"pad\": 1}", arena);
    assert_string_equal(absent, off);
    assert_string_not_equal(absent, on);
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_augment__crop_is_a_window_of_the_padded_image),
        cmocka_unit_test(test_augment__every_second_image_is_mirrored),
        cmocka_unit_test(test_augment__cutout_covers_a_square),
        cmocka_unit_test(test_augment__place_in_the_stream_decides),
        cmocka_unit_test(test_augment__settings_do_not_disturb_each_other),
        cmocka_unit_test(test_augment__wants_images_that_are_large_enough),
        cmocka_unit_test(test_augment__training_sees_it_evaluation_does_not),
        cmocka_unit_test(test_augment__absent_leaves_trial_ids_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
