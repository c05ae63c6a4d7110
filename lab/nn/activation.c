#include "lab/nn/activation.h"

#include "lab/base/vec.h"
#include "lab/nn/approx.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

VEC_CLONES
static void identity_forward(float *h, float *slope, const float *bias, int n, int width) {
    (void)slope;
    for (int i = 0; i < n; i++, h += width)
        for (int j = 0; j < width; j++)
            h[j] += bias[j];
}

static void identity_backward(float *delta, const float *h, int width) {
    (void)delta, (void)h, (void)width;
}

VEC_CLONES
static void relu_forward(float *h, float *slope, const float *bias, int n, int width) {
    (void)slope;
    for (int i = 0; i < n; i++, h += width)
        for (int j = 0; j < width; j++) {
            float z = h[j] + bias[j];
            h[j] = z < 0.0F ? 0.0F : z; /* NaN stays */
        }
}

VEC_CLONES
static void relu_backward(float *delta, const float *h, int width) {
    for (int j = 0; j < width; j++)
        delta[j] = h[j] <= 0.0F ? 0.0F : delta[j];
}

VEC_CLONES
static void gelu_forward(float *h, float *slope, const float *bias, int n, int width) {
    for (int i = 0; i < n; i++, h += width) {
        if (!slope) {
            for (int j = 0; j < width; j++) {
                float density, z = h[j] + bias[j];
                h[j] = z * approx_normal(z, &density);
            }
            continue;
        }
        float *restrict out = slope + (size_t)i * (size_t)width;
        for (int j = 0; j < width; j++) {
            float density, z = h[j] + bias[j];
            float below = approx_normal(z, &density);
            h[j] = z * below;
            out[j] = below + z * density;
        }
    }
}

VEC_CLONES
static void gelu_backward(float *delta, const float *slope, int width) {
    for (int j = 0; j < width; j++)
        delta[j] *= slope[j];
}

VEC_CLONES
static void tanh_forward(float *h, float *slope, const float *bias, int n, int width) {
    (void)slope;
    for (int i = 0; i < n; i++, h += width)
        for (int j = 0; j < width; j++)
            h[j] = approx_tanh(h[j] + bias[j]);
}

VEC_CLONES
static void tanh_backward(float *delta, const float *h, int width) {
    for (int j = 0; j < width; j++)
        delta[j] *= 1.0F - h[j] * h[j];
}

const Activation activation_identity = {"identity", false, false, identity_forward,
                                        identity_backward};
const Activation activation_relu = {"relu", true, false, relu_forward, relu_backward};
const Activation activation_gelu = {"gelu", true, true, gelu_forward, gelu_backward};
const Activation activation_tanh = {"tanh", false, false, tanh_forward, tanh_backward};

const Activation *const activation_table[ACTIVATION_N] = {
    [ACTIVATION_RELU] = &activation_relu,
    [ACTIVATION_GELU] = &activation_gelu,
    [ACTIVATION_TANH] = &activation_tanh,
};

void activation_delta(const Activation *activation, float *delta, const float *h, float *column,
                      double *row_sumsq, int n, int width) {
    assert(n > 0 && width > 0);
    for (int i = 0; i < n; i++, delta += width, h += width) {
        activation->backward(delta, h, width);
        if (i == 0)
            memcpy(column, delta, (size_t)width * sizeof *column);
        else
            vec_add(column, delta, width);
        if (row_sumsq)
            row_sumsq[i] = vec_sumsq(delta, width);
    }
}
