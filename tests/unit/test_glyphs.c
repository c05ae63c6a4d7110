/* Glyphs: reproducible whatever the counts and threads, balanced, and as hard as they claim to be.
 */
#include "lab/data/dataset.h"
#include "lab/data/glyph_draw.h"
#include "tests/unit/sanitized.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>

enum { PIXELS = GLYPH_SIDE * GLYPH_SIDE };

static Dataset load(int train, int valid, int test, double difficulty, Arena *arena) {
    Json *json = json_object(arena);
    const Kind *kind;
    void *settings;
    Dataset data;
    json_add_text(json, "name", "glyphs", arena);
    json_add_number(json, "train", train, arena);
    json_add_number(json, "valid", valid, arena);
    json_add_number(json, "test", test, arena);
    json_add_number(json, "difficulty", difficulty, arena);
    assert_null(
        kind_read(&kind, &settings, json, dataset_table, DATASET_N, "dataset", NULL, arena));
    assert_null(dataset_load(&data, (const DatasetType *)kind, settings, NULL, arena));
    return data;
}

static const uint8_t *image(const Dataset *data, Split split, int64_t i) {
    return data->pixels + (data->first[split] + i) * PIXELS;
}

static void test_glyphs__example_does_not_depend_on_counts(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Dataset a = load(50, 20, 30, 1, arena), b = load(31, 60, 17, 1, arena);
    for (int split = 0; split < SPLIT_N; split++)
        for (int64_t i = 0; i < a.n[split] && i < b.n[split]; i++) {
            assert_memory_equal(image(&a, (Split)split, i), image(&b, (Split)split, i), PIXELS);
            assert_int_equal(a.labels[a.first[split] + i], b.labels[b.first[split] + i]);
        }
    arena_end(arena);
}

static void test_glyphs__threads_do_not_change_bits(void **state) {
    (void)state;
    Arena *arena = arena_new();
    int before = omp_get_max_threads();
    omp_set_num_threads(1);
    Dataset one = load(101, 13, 7, 1, arena);
    for (int threads = 2; threads <= 4; threads++) {
        omp_set_num_threads(threads);
        Dataset many = load(101, 13, 7, 1, arena);
        assert_string_equal(one.sha256, many.sha256);
    }
    omp_set_num_threads(before);
    arena_end(arena);
}

static void test_glyphs__no_two_images_are_alike(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Dataset data = load(300, 300, 300, 1, arena);
    for (int i = 0; i < 900; i++)
        for (int j = 0; j < i; j++)
            assert_memory_not_equal(data.pixels + i * PIXELS, data.pixels + j * PIXELS, PIXELS);
    arena_end(arena);
}

static void test_glyphs__classes_are_balanced_in_every_prefix(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Dataset data = load(1234, 56, 78, 1, arena);
    for (int split = 0; split < SPLIT_N; split++) {
        int count[GLYPH_CLASSES] = {0};
        for (int64_t i = 0; i < data.n[split]; i++) {
            count[data.labels[data.first[split] + i]]++;
            for (int c = 0; c < GLYPH_CLASSES; c++) /* fair share, rounded either way */
                assert_in_range(count[c], (i + 1) / GLYPH_CLASSES, i / GLYPH_CLASSES + 1);
        }
    }
    arena_end(arena);
}

static void test_glyphs__difficulty_changes_the_hash(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Dataset a = load(10, 10, 10, 1, arena), b = load(10, 10, 10, 1.001, arena);
    assert_string_not_equal(a.sha256, b.sha256);
    arena_end(arena);
}

static void test_glyphs__pixels_are_centred(void **state) {
    (void)state;
    enum { N = 2000 };
    Arena *arena = arena_new();
    Dataset data = load(N, 1, 1, 1, arena);
    double sum = 0, sumsq = 0;
    for (int64_t i = 0; i < N; i++) {
        float x[PIXELS];
        dataset_gather(&data, SPLIT_TRAIN, &i, 1, x, NULL);
        for (int j = 0; j < PIXELS; j++) {
            sum += (double)x[j];
            sumsq += (double)x[j] * (double)x[j];
        }
    }
    assert_true(fabs(sum / N / PIXELS) < 0.05);
    assert_true(fabs(sumsq / N / PIXELS - 1) < 0.1);
    arena_end(arena);
}

/* Ink at a distance from the skeleton: a round pen of radius 1.25 whose edge fades over `fade`
 * pixels. */
static double coverage(double distance, double fade) {
    return fmin(1, fmax(0, 0.5 + (1.25 - distance) / fade));
}

/* The distance field once more, slowly and in double: at difficulty 0 the print is the skeleton
 * under the pen, with an edge of 0.9 to 1.6 pixels. */
static void test_glyphs__clean_print_follows_the_skeleton(void **state) {
    (void)state;
    GlyphShapes shapes;
    glyph_shapes_make(&shapes);
    for (int digit = 0; digit < GLYPH_CLASSES; digit++)
        for (int hand = 0; hand < shapes.n_hands[digit]; hand++) {
            const GlyphShape *shape = &shapes.shape[digit][hand];
            Rng rng = rng_new(0, RNG_TEST, (uint64_t)hand);
            uint8_t pixels[PIXELS];
            glyph_draw(pixels, shape, 0, &rng);
            for (int i = 0; i < PIXELS; i++) {
                double x = (i % GLYPH_SIDE + 0.5 - 14) / 19, y = (i / GLYPH_SIDE + 0.5 - 14) / 19,
                       near = 1e9;
                for (int p = 1; p < shape->n; p++) {
                    if (!shape->point[p].joined)
                        continue;
                    double ax = (double)shape->point[p - 1].x, ay = (double)shape->point[p - 1].y;
                    double dx = (double)shape->point[p].x - ax, dy = (double)shape->point[p].y - ay;
                    double t =
                        fmin(1, fmax(0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy)));
                    near = fmin(near, hypot(x - ax - t * dx, y - ay - t * dy) * 19);
                }
                double sharp = coverage(near, 0.9), soft = coverage(near, 1.6);
                assert_true(pixels[i] >= 255 * fmin(sharp, soft) - 1);
                assert_true(pixels[i] <= 255 * fmax(sharp, soft) + 1);
            }
        }
}

/* A network of plain loops: n_hidden = 0 is softmax regression. */
enum { HIDDEN = 32, CLASSES = GLYPH_CLASSES };

typedef struct {
    int n_hidden;
    float w1[HIDDEN][PIXELS], b1[HIDDEN];
    float w2[CLASSES][PIXELS], b2[CLASSES]; /* the first n_hidden, or all, columns are used */
} Net;

static float dot(const float *a, const float *b, int n) {
    float lane[16] = {0};
    for (int i = 0; i < n; i += 16)
        for (int k = 0; k < 16; k++)
            lane[k] += a[i + k] * b[i + k];
    float sum = 0;
    for (int k = 0; k < 16; k++)
        sum += lane[k];
    return sum;
}

/* Hidden activations (or the input itself) and class probabilities. */
static const float *forward(const Net *net, const float *x, float *hidden, float *prob) {
    const float *from = net->n_hidden ? hidden : x;
    int n = net->n_hidden ? net->n_hidden : PIXELS;
    for (int h = 0; h < net->n_hidden; h++)
        hidden[h] = fmaxf(0, net->b1[h] + dot(net->w1[h], x, PIXELS));
    float most = -INFINITY, sum = 0;
    for (int c = 0; c < CLASSES; c++)
        most = fmaxf(most, prob[c] = net->b2[c] + dot(net->w2[c], from, n));
    for (int c = 0; c < CLASSES; c++)
        sum += prob[c] = expf(prob[c] - most);
    for (int c = 0; c < CLASSES; c++)
        prob[c] /= sum;
    return from;
}

static void learn(Net *net, const float *x, int label, float lr) {
    float hidden[HIDDEN], prob[CLASSES], back[HIDDEN] = {0};
    const float *from = forward(net, x, hidden, prob);
    int n = net->n_hidden ? net->n_hidden : PIXELS;
    for (int c = 0; c < CLASSES; c++) {
        float delta = prob[c] - (float)(c == label);
        for (int h = 0; h < net->n_hidden; h++)
            back[h] += delta * net->w2[c][h];
        for (int i = 0; i < n; i++)
            net->w2[c][i] -= lr * delta * from[i];
        net->b2[c] -= lr * delta;
    }
    for (int h = 0; h < net->n_hidden; h++) {
        if (hidden[h] <= 0)
            continue;
        for (int i = 0; i < PIXELS; i++)
            net->w1[h][i] -= lr * back[h] * x[i];
        net->b1[h] -= lr * back[h];
    }
}

static double accuracy(const Net *net, const Dataset *data) {
    int right = 0;
    for (int64_t i = 0; i < data->n[SPLIT_TEST]; i++) {
        float x[PIXELS], hidden[HIDDEN], prob[CLASSES];
        int32_t label, best = 0;
        dataset_gather(data, SPLIT_TEST, &i, 1, x, &label);
        forward(net, x, hidden, prob);
        for (int c = 1; c < CLASSES; c++)
            best = prob[c] > prob[best] ? c : best;
        right += best == label;
    }
    return (double)right / (double)data->n[SPLIT_TEST];
}

/* Plain SGD, one example at a time, the rate falling linearly to zero. */
static double train(int n_hidden, float lr, int epochs, const Dataset *data, Arena *arena) {
    Net *net = ARENA_NEW(arena, Net);
    Rng rng = rng_new(0, RNG_TEST, 0);
    net->n_hidden = n_hidden;
    for (int h = 0; h < n_hidden; h++) {
        for (int i = 0; i < PIXELS; i++)
            net->w1[h][i] = (float)(rng_normal(&rng) * sqrt(2.0 / PIXELS));
        for (int c = 0; c < CLASSES; c++)
            net->w2[c][h] = (float)(rng_normal(&rng) * sqrt(2.0 / HIDDEN));
    }
    int64_t n = data->n[SPLIT_TRAIN], steps = epochs * n;
    for (int64_t step = 0; step < steps; step++) {
        int64_t i = rng_below(&rng, (uint32_t)n);
        float x[PIXELS];
        int32_t label;
        dataset_gather(data, SPLIT_TRAIN, &i, 1, x, &label);
        learn(net, x, label, lr * (float)(steps - step) / (float)steps);
    }
    return accuracy(net, data);
}

static void test_glyphs__softmax_stays_below_an_mlp(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Dataset data = load(SANITIZED ? 100 : 6000, 10, SANITIZED ? 100 : 1000, 1, arena);
    double softmax = train(0, 5e-4f, 6, &data, arena), mlp = train(HIDDEN, 5e-3f, 6, &data, arena);
    print_message("softmax %.3f, MLP with %d hidden units %.3f\n", softmax, HIDDEN, mlp);
    if (SANITIZED) { /* too few to learn from; the networks are this file's own */
        arena_end(arena);
        return;
    }
    assert_true(softmax > 0.7); /* learnable ... */
    assert_true(mlp > softmax + 0.08);
    assert_true(mlp < 0.995); /* ... and not trivial */
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_glyphs__example_does_not_depend_on_counts),
        cmocka_unit_test(test_glyphs__threads_do_not_change_bits),
        cmocka_unit_test(test_glyphs__no_two_images_are_alike),
        cmocka_unit_test(test_glyphs__classes_are_balanced_in_every_prefix),
        cmocka_unit_test(test_glyphs__difficulty_changes_the_hash),
        cmocka_unit_test(test_glyphs__pixels_are_centred),
        cmocka_unit_test(test_glyphs__clean_print_follows_the_skeleton),
        cmocka_unit_test(test_glyphs__softmax_stays_below_an_mlp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
