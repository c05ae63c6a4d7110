#include "lab/nn/layer_norm.h"

#include "lab/base/vec.h"

#include <math.h>
#include <string.h>

enum { LANES = 16 };
static const float EPSILON = 1e-5F;

static inline float lanes_sum(float *lane) {
    for (int width = LANES / 2; width >= 1; width /= 2)
        for (int j = 0; j < width; j++)
            lane[j] += lane[j + width];
    return lane[0];
}

static inline float row_sum(const float *x, int n) {
    float lane[LANES] = {0};
    int i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int j = 0; j < LANES; j++)
            lane[j] += x[i + j];
    for (int j = 0; i < n; i++, j++)
        lane[j] += x[i];
    return lanes_sum(lane);
}

static inline float row_variance(const float *x, float mean, int n) {
    float lane[LANES] = {0};
    int i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int j = 0; j < LANES; j++)
            lane[j] += (x[i + j] - mean) * (x[i + j] - mean);
    for (int j = 0; i < n; i++, j++)
        lane[j] += (x[i] - mean) * (x[i] - mean);
    return lanes_sum(lane) / (float)n;
}

VEC_CLONES
static void add_rows(float *sum, const float *x, const float *y, const float *bias, int width) {
    if (y && bias)
        for (int j = 0; j < width; j++)
            sum[j] = x[j] + (y[j] + bias[j]);
    else if (y)
        for (int j = 0; j < width; j++)
            sum[j] = x[j] + y[j];
    else if (sum != x)
        memcpy(sum, x, (size_t)width * sizeof *sum);
}

VEC_CLONES
void layer_norm_forward(const LayerNorm *norm, const float *x, const float *y, const float *bias,
                        int n, int width) {
    const float *gain = norm->gain, *shift = norm->shift;
    for (int i = 0; i < n; i++) {
        int64_t at = (int64_t)i * width;
        float *sum = norm->sum + at, *restrict out = norm->out + at;
        add_rows(sum, x + at, y ? y + at : NULL, bias, width);
        float mean = row_sum(sum, width) / (float)width;
        float scale = 1.0F / sqrtf(row_variance(sum, mean, width) + EPSILON);
        norm->row[i] = (RowNorm){mean, scale};
        for (int j = 0; j < width; j++)
            out[j] = (sum[j] - mean) * scale * gain[j] + shift[j];
    }
}

/* With z = (s - mean) scale and d = delta gain: dL/ds = scale (d - mean(d) - z mean(d z)). */
VEC_CLONES
void layer_norm_backward(const LayerNorm *norm, const float *delta, float *grad, float *grad_gain,
                         float *grad_shift, int n, int width) {
    const float *gain = norm->gain;
    for (int i = 0; i < n; i++) {
        int64_t at = (int64_t)i * width;
        const float *sum = norm->sum + at, *d = delta + at;
        float *restrict out = grad + at;
        float mean = norm->row[i].mean, scale = norm->row[i].scale;
        float plain[LANES] = {0}, along[LANES] = {0};
        int k = 0;
        for (; k + LANES <= width; k += LANES)
            for (int j = 0; j < LANES; j++) {
                float z = (sum[k + j] - mean) * scale, g = d[k + j] * gain[k + j];
                grad_gain[k + j] += d[k + j] * z;
                grad_shift[k + j] += d[k + j];
                plain[j] += g;
                along[j] += g * z;
            }
        for (int j = 0; k < width; k++, j++) {
            float z = (sum[k] - mean) * scale, g = d[k] * gain[k];
            grad_gain[k] += d[k] * z;
            grad_shift[k] += d[k];
            plain[j] += g;
            along[j] += g * z;
        }
        float mean_plain = lanes_sum(plain) / (float)width;
        float mean_along = lanes_sum(along) / (float)width;
        for (int j = 0; j < width; j++)
            out[j] += scale * (d[j] * gain[j] - mean_plain - (sum[j] - mean) * scale * mean_along);
    }
}
