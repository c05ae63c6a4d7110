/* Batch norm against plain sums in double, for every way in which a tensor may lie. */
#include "lab/base/arena.h"
#include "lab/base/rng.h"
#include "lab/nn/batch_norm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <math.h>

#define EPSILON 1e-5

/* (n, channels, pixels) as rows; `wide`: all channels of a pixel side by side. */
typedef struct Case {
    int n, channels, pixels, block;
    bool wide;
} Case;

static const Case cases[] = {
    {3, 5, 7, 1, false},    {2, 3, 48, 1, false},  {4, 8, 9, 8, false},  {3, 12, 5, 8, false},
    {2, 16, 10, 16, false}, {2, 40, 6, 16, false}, {3, 32, 5, 16, true},
};

static int64_t groups_of(const Case *one) {
    return (one->channels + one->block - 1) / one->block;
}

static int64_t room_of(const Case *one) {
    return one->n * groups_of(one) * one->block * one->pixels;
}

static int64_t place(const Case *one, int i, int c, int p) {
    if (one->wide)
        return ((int64_t)i * one->pixels + p) * one->channels + c;
    return ((i * groups_of(one) + c / one->block) * one->pixels + p) * one->block + c % one->block;
}

static NormGrid grid_of(const Case *one) {
    int64_t part = (int64_t)one->block * one->pixels;
    if (one->wide)
        return (NormGrid){.n = one->n,
                          .channels = one->channels,
                          .block = NORM_LANES,
                          .image = (int64_t)one->channels * one->pixels,
                          .group = NORM_LANES,
                          .row = one->channels,
                          .rows = one->pixels};
    return (NormGrid){.n = one->n,
                      .channels = one->channels,
                      .block = one->block,
                      .image = groups_of(one) * part,
                      .group = part,
                      .row = NORM_LANES,
                      .rows = part / NORM_LANES,
                      .tail = (int)(part % NORM_LANES)};
}

/* What one channel gives, in double. */
typedef struct Channel {
    double mean, variance, scale, grad_gain, grad_offset;
} Channel;

static Channel channel_of(const Case *one, int c, const float *x, const float *grad_y, bool relu,
                          double gain, double offset) {
    Channel out = {0};
    double m = (double)one->n * one->pixels;
    for (int i = 0; i < one->n; i++)
        for (int p = 0; p < one->pixels; p++)
            out.mean += (double)x[place(one, i, c, p)] / m;
    for (int i = 0; i < one->n; i++)
        for (int p = 0; p < one->pixels; p++)
            out.variance += pow((double)x[place(one, i, c, p)] - out.mean, 2) / m;
    out.scale = 1 / sqrt(out.variance + EPSILON);
    for (int i = 0; i < one->n; i++)
        for (int p = 0; p < one->pixels; p++) {
            double z = ((double)x[place(one, i, c, p)] - out.mean) * out.scale;
            double d = relu && z * gain + offset <= 0 ? 0 : (double)grad_y[place(one, i, c, p)];
            out.grad_gain += d * z;
            out.grad_offset += d;
        }
    return out;
}

typedef struct Arrays {
    float *x, *y, *grad_y, *grad_x, *gain, *offset, *grad_gain, *grad_offset;
    NormChannels channels;
} Arrays;

static Arrays arrays_of(const Case *one, Arena *arena) {
    Arrays a;
    float **big[] = {&a.x, &a.y, &a.grad_y, &a.grad_x},
          **small[] = {&a.gain, &a.offset, &a.grad_gain, &a.grad_offset};
    Rng rng = rng_new(7, RNG_TEST, (uint64_t)one->channels);
    for (int i = 0; i < 4; i++)
        *big[i] = ARENA_ARRAY(arena, float, room_of(one));
    for (int i = 0; i < 4; i++)
        *small[i] = ARENA_ARRAY(arena, float, one->channels);
    for (int c = 0; c < one->channels; c++) {
        a.gain[c] = (float)(1 + 0.3 * rng_normal(&rng));
        a.offset[c] = (float)(0.5 * rng_normal(&rng));
        for (int i = 0; i < one->n; i++)
            for (int p = 0; p < one->pixels; p++) { /* a mean far from 0 beside the spread */
                a.x[place(one, i, c, p)] = (float)(100 + 0.5 * rng_normal(&rng));
                a.grad_y[place(one, i, c, p)] = (float)rng_normal(&rng);
            }
    }
    a.channels = (NormChannels){.gain = a.gain,
                                .offset = a.offset,
                                .mean = ARENA_ARRAY(arena, float, one->channels),
                                .scale = ARENA_ARRAY(arena, float, one->channels),
                                .stats = ARENA_ARRAY(arena, double, 2 * one->channels),
                                .stride = one->channels};
    return a;
}

static void expect_near(double value, double expected, double scale) {
    if (!(fabs(value - expected) <= 2e-5 * scale))
        fail_msg("%.9g instead of %.9g", value, expected);
}

static void check_channel(const Case *one, int c, const Arrays *a, bool relu) {
    double gain = (double)a->gain[c], offset = (double)a->offset[c];
    double m = (double)one->n * one->pixels;
    Channel want = channel_of(one, c, a->x, a->grad_y, relu, gain, offset);
    expect_near(a->channels.stats[c], want.mean, 1e-3);
    expect_near(a->channels.stats[one->channels + c], want.variance * m / (m - 1), 1e-3);
    expect_near((double)a->grad_gain[c], want.grad_gain, m);
    expect_near((double)a->grad_offset[c], want.grad_offset, m);
    for (int i = 0; i < one->n; i++)
        for (int p = 0; p < one->pixels; p++) {
            int64_t at = place(one, i, c, p);
            double z = ((double)a->x[at] - want.mean) * want.scale, y = z * gain + offset;
            double d = relu && y <= 0 ? 0 : (double)a->grad_y[at];
            expect_near((double)a->y[at], relu && y < 0 ? 0 : y, 3);
            expect_near((double)a->grad_x[at],
                        gain * want.scale * (d - want.grad_offset / m - z * want.grad_gain / m),
                        10);
        }
}

static void test_batch_norm__equals_plain_sums_in_double(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
        for (int relu = 0; relu < 2; relu++) {
            Arena *arena = arena_new();
            const Case *one = &cases[k];
            Arrays a = arrays_of(one, arena);
            NormGrid grid = grid_of(one);
            batch_norm_measure(&grid, a.x, EPSILON, &a.channels);
            batch_norm_apply(&grid, a.y, a.x, relu, &a.channels);
            batch_norm_backward(&grid, a.grad_x, a.grad_gain, a.grad_offset, a.x, a.grad_y, relu,
                                &a.channels);
            for (int c = 0; c < one->channels; c++)
                check_channel(one, c, &a, relu);
            for (int i = 0; i < one->n && !one->wide; i++) /* padding stays zero */
                for (int c = one->channels; c < groups_of(one) * one->block; c++)
                    for (int p = 0; p < one->pixels; p++) {
                        assert_true(a.y[place(one, i, c, p)] == 0);
                        assert_true(a.grad_x[place(one, i, c, p)] == 0);
                    }
            arena_end(arena);
        }
}

/* All values equal: the variance is 0, and float sums would leave an error in place of it. */
static void test_batch_norm__equal_values_have_no_variance(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Case one = {32, 1, 1024, 1, false};
    Arrays a = arrays_of(&one, arena);
    NormGrid grid = grid_of(&one);
    for (int64_t i = 0; i < room_of(&one); i++)
        a.x[i] = 0.1F;
    batch_norm_measure(&grid, a.x, EPSILON, &a.channels);
    batch_norm_apply(&grid, a.y, a.x, false, &a.channels);
    assert_true(a.channels.stats[1] < 1e-15);
    assert_true(a.channels.mean[0] == 0.1F);
    for (int64_t i = 0; i < room_of(&one); i++)
        assert_true(a.y[i] == a.offset[0]);
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batch_norm__equals_plain_sums_in_double),
        cmocka_unit_test(test_batch_norm__equal_values_have_no_variance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
