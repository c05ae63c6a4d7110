/* An independent dense stack in double: plain loops, libm, no library of ours. */
#ifndef TESTS_LAW_DENSE_WITNESS_H
#define TESTS_LAW_DENSE_WITNESS_H

#include "lab/base/shard.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { WITNESS_MAX_LAYERS = 8 };

typedef struct Witness {
    const char *activation;
    int n_layers;
    int width[WITNESS_MAX_LAYERS + 1]; /* n_features, hidden..., n_classes */
} Witness;

static double witness_f(const Witness *net, double z) {
    if (strcmp(net->activation, "relu") == 0)
        return z > 0 ? z : 0;
    if (strcmp(net->activation, "tanh") == 0)
        return tanh(z);
    return 0.5 * z * erfc(-z / sqrt(2.0));
}

static double witness_slope(const Witness *net, double z) {
    if (strcmp(net->activation, "relu") == 0)
        return z > 0;
    if (strcmp(net->activation, "tanh") == 0)
        return 1 - tanh(z) * tanh(z);
    return 0.5 * erfc(-z / sqrt(2.0)) + z * exp(-0.5 * z * z) / sqrt(2 * acos(-1.0));
}

/* z = W h + b for one example; returns the offset after the layer. */
static int64_t witness_layer(const Witness *net, int l, const double *w, int64_t at,
                             const double *h, double *z) {
    int n_in = net->width[l], n_out = net->width[l + 1];
    for (int j = 0; j < n_out; j++) {
        z[j] = w[at + (int64_t)n_out * n_in + j];
        for (int i = 0; i < n_in; i++)
            z[j] += w[at + (int64_t)j * n_in + i] * h[i];
    }
    return at + (int64_t)n_out * (n_in + 1);
}

/* Adds one example's loss gradient to grad (may be NULL); returns its loss. h[l], z[l]: rooms of
 * the layers. */
static double witness_example(const Witness *net, const double *w, const float *x, int label,
                              double **h, double **z, double *grad) {
    int top = net->n_layers;
    int64_t at = 0, offset[WITNESS_MAX_LAYERS];
    for (int i = 0; i < net->width[0]; i++)
        h[0][i] = (double)x[i];
    for (int l = 0; l < top; l++) {
        offset[l] = at;
        at = witness_layer(net, l, w, at, h[l], z[l + 1]);
        for (int j = 0; j < net->width[l + 1]; j++)
            h[l + 1][j] = l + 1 < top ? witness_f(net, z[l + 1][j]) : z[l + 1][j];
    }
    double largest = -INFINITY, sum = 0;
    for (int j = 0; j < net->width[top]; j++)
        largest = fmax(largest, z[top][j]);
    for (int j = 0; j < net->width[top]; j++)
        sum += exp(z[top][j] - largest);
    double loss = log(sum) + largest - z[top][label];
    if (!grad)
        return loss;
    for (int j = 0; j < net->width[top]; j++) /* from here on z holds dL/dz */
        z[top][j] = exp(z[top][j] - largest) / sum - (j == label);
    for (int l = top - 1; l >= 0; l--) {
        int n_in = net->width[l], n_out = net->width[l + 1];
        for (int j = 0; j < n_out; j++) {
            grad[offset[l] + (int64_t)n_out * n_in + j] += z[l + 1][j];
            for (int i = 0; i < n_in; i++)
                grad[offset[l] + (int64_t)j * n_in + i] += z[l + 1][j] * h[l][i];
        }
        for (int i = 0; l > 0 && i < n_in; i++) {
            double back = 0;
            for (int j = 0; j < n_out; j++)
                back += z[l + 1][j] * w[offset[l] + (int64_t)j * n_in + i];
            z[l][i] = back * witness_slope(net, z[l][i]);
        }
    }
    return loss;
}

/* Loss summed over a shard, and its gradient (n_weights) unless grad is NULL. */
static double witness_pass(const Witness *net, const double *w, int64_t n_weights,
                           const Shard *shard, double *grad) {
    double *h[WITNESS_MAX_LAYERS + 1], *z[WITNESS_MAX_LAYERS + 1], loss = 0;
    for (int l = 0; l <= net->n_layers; l++) {
        h[l] = calloc((size_t)net->width[l], sizeof(double));
        z[l] = calloc((size_t)net->width[l], sizeof(double));
    }
    if (grad)
        memset(grad, 0, (size_t)n_weights * sizeof *grad);
    for (int i = 0; i < shard->n; i++)
        loss +=
            witness_example(net, w, shard->x + (int64_t)i * net->width[0], shard->y[i], h, z, grad);
    for (int l = 0; l <= net->n_layers; l++) {
        free(h[l]);
        free(z[l]);
    }
    return loss;
}

#endif
