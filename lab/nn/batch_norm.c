#include "lab/nn/batch_norm.h"

#include "lab/base/vec.h"

#include <math.h>
#include <string.h>

/* Half a row. */
typedef float Floats __attribute__((vector_size(32)));
typedef int32_t Mask __attribute__((vector_size(32)));
typedef double Doubles __attribute__((vector_size(64)));

typedef struct Row {
    Floats half[2];
} Row;

static inline const float *image_of(const NormGrid *grid, const float *x, int group, int i) {
    return x + group * grid->group + i * grid->image;
}

static int channels_of(const NormGrid *grid, int group) {
    int left = grid->channels - group * grid->block;
    return left < grid->block ? left : grid->block;
}

/* Lanes of one channel together, in the order of the lanes. */
static void merge(double sum[NORM_LANES], int block) {
    for (int j = block; j < NORM_LANES; j++)
        sum[j % block] += sum[j];
}

static double count_of(const NormGrid *grid) {
    return (double)grid->n * (double)(grid->rows * NORM_LANES + grid->tail) / grid->block;
}

/* ---- statistics */

VEC_CLONES
static void add_moments(double sum[NORM_LANES], double squares[NORM_LANES], const NormGrid *grid,
                        const float *x, int group) {
    Doubles s0 = {0}, s1 = {0}, q0 = {0}, q1 = {0};
    for (int i = 0; i < grid->n; i++) {
        const float *from = image_of(grid, x, group, i);
        for (int64_t r = 0; r < grid->rows; r++, from += grid->row) {
            Row row;
            memcpy(&row, from, sizeof row);
            Doubles a = __builtin_convertvector(row.half[0], Doubles),
                    b = __builtin_convertvector(row.half[1], Doubles);
            s0 += a, s1 += b;
            q0 += a * a, q1 += b * b;
        }
    }
    memcpy(sum, &s0, sizeof s0), memcpy(sum + 8, &s1, sizeof s1);
    memcpy(squares, &q0, sizeof q0), memcpy(squares + 8, &q1, sizeof q1);
    for (int i = 0; i < grid->n; i++) {
        const float *from = image_of(grid, x, group, i) + grid->rows * grid->row;
        for (int j = 0; j < grid->tail; j++) {
            sum[j] += (double)from[j];
            squares[j] += (double)from[j] * (double)from[j];
        }
    }
}

void batch_norm_measure(const NormGrid *grid, const float *x, double epsilon,
                        const NormChannels *channels) {
    double m = count_of(grid);
    for (int c = 0; c < grid->channels; c += grid->block) {
        double sum[NORM_LANES], squares[NORM_LANES];
        int group = c / grid->block;
        add_moments(sum, squares, grid, x, group);
        merge(sum, grid->block);
        merge(squares, grid->block);
        for (int j = 0; j < channels_of(grid, group); j++) {
            double mean = sum[j] / m, variance = squares[j] / m - mean * mean;
            variance = variance < 0 ? 0 : variance; /* NaN stays */
            channels->mean[c + j] = (float)mean;
            channels->scale[c + j] = (float)(1 / sqrt(variance + epsilon));
            if (!channels->stats)
                continue;
            channels->stats[c + j] = mean;
            channels->stats[channels->stride + c + j] = variance * m / (m - 1);
        }
    }
}

/* ---- forward */

/* A group's channels, one a lane. */
typedef struct Lanes {
    Row mean, scale, offset;
} Lanes;

static void put(Row *row, int lane, float value) {
    ((float *)row)[lane] = value;
}

/* Zeros where channels are padding, which stays zero. */
static Lanes lanes_of(const NormGrid *grid, int group, const NormChannels *channels) {
    Lanes lanes = {0};
    int n = channels_of(grid, group);
    for (int j = 0; j < NORM_LANES; j++) {
        int c = group * grid->block + j % grid->block;
        if (j % grid->block >= n)
            continue;
        put(&lanes.mean, j, channels->mean[c]);
        put(&lanes.scale, j, channels->scale[c] * channels->gain[c]);
        put(&lanes.offset, j, channels->offset[c]);
    }
    return lanes;
}

static inline float value_of(const Lanes *lanes, float x, int lane) {
    return (x - ((const float *)&lanes->mean)[lane]) * ((const float *)&lanes->scale)[lane] +
           ((const float *)&lanes->offset)[lane];
}

VEC_CLONES
static void apply(const NormGrid *grid, float *y, const float *x, int group, bool relu,
                  const Lanes *lanes) {
    Floats m0 = lanes->mean.half[0], m1 = lanes->mean.half[1];
    Floats k0 = lanes->scale.half[0], k1 = lanes->scale.half[1];
    Floats o0 = lanes->offset.half[0], o1 = lanes->offset.half[1];
    for (int i = grid->n - 1; i >= 0; i--) { /* its end is in the cache */
        const float *from = image_of(grid, x, group, i);
        float *to = y + (from - x);
        for (int64_t r = 0; r < grid->rows; r++, from += grid->row, to += grid->row) {
            Row row;
            memcpy(&row, from, sizeof row);
            row.half[0] = (row.half[0] - m0) * k0 + o0;
            row.half[1] = (row.half[1] - m1) * k1 + o1;
            if (relu) { /* NaN stays */
                row.half[0] = (Floats)((Mask)row.half[0] & ~(row.half[0] < 0.0F));
                row.half[1] = (Floats)((Mask)row.half[1] & ~(row.half[1] < 0.0F));
            }
            memcpy(to, &row, sizeof row);
        }
        for (int j = 0; j < grid->tail; j++) {
            float value = value_of(lanes, from[j], j);
            to[j] = relu && value < 0.0F ? 0.0F : value;
        }
    }
}

void batch_norm_apply(const NormGrid *grid, float *y, const float *x, bool relu,
                      const NormChannels *channels) {
    for (int c = 0; c < grid->channels; c += grid->block) {
        Lanes lanes = lanes_of(grid, c / grid->block, channels);
        apply(grid, y, x, c / grid->block, relu, &lanes);
    }
}

/* ---- backward. With d = dL/dy where y passed the rectifier and z = x - mean: dL/doffset = sum d,
 * dL/dgain = scale sum d z, dL/dx = gain scale (d - sum d / m - z scale^2 sum(d z) / m). */

/* All ones where the output is positive or has no rectifier. */
#define PASSES(z, k, o, relu) (((z) * (k) + (o) > 0.0F) | ((relu) ? 0 : -1))

VEC_CLONES
static void add_products(double sum[NORM_LANES], double along[NORM_LANES], const NormGrid *grid,
                         const float *x, const float *grad_y, int group, bool relu,
                         const Lanes *lanes) {
    Floats m0 = lanes->mean.half[0], m1 = lanes->mean.half[1];
    Floats k0 = lanes->scale.half[0], k1 = lanes->scale.half[1];
    Floats o0 = lanes->offset.half[0], o1 = lanes->offset.half[1];
    Doubles s0 = {0}, s1 = {0}, p0 = {0}, p1 = {0};
    for (int i = 0; i < grid->n; i++) {
        const float *from = image_of(grid, x, group, i), *delta = grad_y + (from - x);
        for (int64_t r = 0; r < grid->rows; r++, from += grid->row, delta += grid->row) {
            Row row, d;
            memcpy(&row, from, sizeof row);
            memcpy(&d, delta, sizeof d);
            Floats z0 = row.half[0] - m0, z1 = row.half[1] - m1;
            Floats d0 = (Floats)((Mask)d.half[0] & PASSES(z0, k0, o0, relu));
            Floats d1 = (Floats)((Mask)d.half[1] & PASSES(z1, k1, o1, relu));
            Doubles a = __builtin_convertvector(d0, Doubles),
                    b = __builtin_convertvector(d1, Doubles);
            s0 += a, s1 += b;
            p0 += a * __builtin_convertvector(z0, Doubles);
            p1 += b * __builtin_convertvector(z1, Doubles);
        }
    }
    memcpy(sum, &s0, sizeof s0), memcpy(sum + 8, &s1, sizeof s1);
    memcpy(along, &p0, sizeof p0), memcpy(along + 8, &p1, sizeof p1);
}

static void add_tails(double sum[NORM_LANES], double along[NORM_LANES], const NormGrid *grid,
                      const float *x, const float *grad_y, int group, bool relu,
                      const Lanes *lanes) {
    for (int i = 0; i < grid->n; i++) {
        const float *from = image_of(grid, x, group, i) + grid->rows * grid->row;
        const float *delta = grad_y + (from - x);
        for (int j = 0; j < grid->tail; j++) {
            if (relu && !(value_of(lanes, from[j], j) > 0.0F))
                continue;
            float z = from[j] - ((const float *)&lanes->mean)[j];
            sum[j] += (double)delta[j];
            along[j] += (double)delta[j] * (double)z;
        }
    }
}

VEC_CLONES
static void give_back(const NormGrid *grid, float *grad_x, const float *x, const float *grad_y,
                      int group, bool relu, const Lanes *lanes, const Lanes *means) {
    Floats m0 = lanes->mean.half[0], m1 = lanes->mean.half[1];
    Floats k0 = lanes->scale.half[0], k1 = lanes->scale.half[1];
    Floats o0 = lanes->offset.half[0], o1 = lanes->offset.half[1];
    Floats a0 = means->mean.half[0], a1 = means->mean.half[1];
    Floats b0 = means->scale.half[0], b1 = means->scale.half[1];
    for (int i = grid->n - 1; i >= 0; i--) {
        const float *from = image_of(grid, x, group, i), *delta = grad_y + (from - x);
        float *to = grad_x + (from - x);
        for (int64_t r = 0; r < grid->rows; r++) {
            Row row, d;
            memcpy(&row, from + r * grid->row, sizeof row);
            memcpy(&d, delta + r * grid->row, sizeof d);
            Floats z0 = row.half[0] - m0, z1 = row.half[1] - m1;
            Floats d0 = (Floats)((Mask)d.half[0] & PASSES(z0, k0, o0, relu));
            Floats d1 = (Floats)((Mask)d.half[1] & PASSES(z1, k1, o1, relu));
            row.half[0] = (d0 - a0 - z0 * b0) * k0;
            row.half[1] = (d1 - a1 - z1 * b1) * k1;
            memcpy(to + r * grid->row, &row, sizeof row);
        }
        for (int j = 0, at = (int)(grid->rows * grid->row); j < grid->tail; j++) {
            float z = from[at + j] - ((const float *)&lanes->mean)[j];
            bool passes = !relu || value_of(lanes, from[at + j], j) > 0.0F;
            to[at + j] = ((passes ? delta[at + j] : 0.0F) - ((const float *)&means->mean)[j] -
                          z * ((const float *)&means->scale)[j]) *
                         ((const float *)&lanes->scale)[j];
        }
    }
}

void batch_norm_backward(const NormGrid *grid, float *grad_x, float *grad_gain, float *grad_offset,
                         const float *x, const float *grad_y, bool relu,
                         const NormChannels *channels) {
    double m = count_of(grid);
    for (int c = 0; c < grid->channels; c += grid->block) {
        double sum[NORM_LANES], along[NORM_LANES];
        int group = c / grid->block, n = channels_of(grid, group);
        Lanes lanes = lanes_of(grid, group, channels), means = {0};
        add_products(sum, along, grid, x, grad_y, group, relu, &lanes);
        add_tails(sum, along, grid, x, grad_y, group, relu, &lanes);
        merge(sum, grid->block);
        merge(along, grid->block);
        for (int j = 0; j < n; j++) {
            double scale = (double)channels->scale[c + j];
            grad_offset[c + j] = (float)sum[j];
            grad_gain[c + j] = (float)(scale * along[j]);
            for (int lane = j; lane < NORM_LANES; lane += grid->block) {
                put(&means.mean, lane, (float)(sum[j] / m));
                put(&means.scale, lane, (float)(scale * scale * along[j] / m));
            }
        }
        give_back(grid, grad_x, x, grad_y, group, relu, &lanes, &means);
    }
}
