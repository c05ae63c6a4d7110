/* An independent transformer in double: plain loops over one example, libm, no library of ours but
 * the counter-based random numbers that decide what is dropped. */
#ifndef TESTS_LAW_TRANSFORMER_WITNESS_H
#define TESTS_LAW_TRANSFORMER_WITNESS_H

#include "lab/base/rng.h"
#include "lab/base/shard.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct TextWitness {
    int width, depth, heads, context, n_classes;
    double dropout;
} TextWitness;

/* One example on its way through the net: room is handed out from one block. */
typedef struct TextTape {
    const TextWitness *net;
    const double *w;
    double *g; /* gradient, added to; NULL: none */
    double *room;
    const Shard *shard;
    int64_t position; /* in the global batch */
} TextTape;

static double *text_tape_take(TextTape *tape, int64_t n) {
    double *x = tape->room;
    memset(x, 0, (size_t)n * sizeof *x);
    tape->room += n;
    return x;
}

/* What element `e` of a dropout site is multiplied with: 16 bits of a Philox word decide. */
static double text_tape_keep(const TextTape *tape, int site, int64_t e) {
    double threshold = round(tape->net->dropout * 65536);
    uint32_t word[4], key[2] = {(uint32_t)tape->shard->seed, (uint32_t)(tape->shard->seed >> 32)};
    uint32_t counter[4] = {(uint32_t)(e / 8), (uint32_t)RNG_DROPOUT + 256 * (uint32_t)site,
                           (uint32_t)tape->position, (uint32_t)tape->shard->step};
    if (threshold == 0 || !tape->shard)
        return 1;
    rng_block(word, counter, key);
    uint32_t bits = word[e % 8 / 2] >> (e % 2 ? 16 : 0) & 0xFFFF;
    return bits < threshold ? 0 : 65536 / (65536 - threshold);
}

/* y (n, n_out) = x W^T + b; b < 0: none. Backward: dx += , g += */
static void text_tape_linear(TextTape *tape, double *y, const double *x, int64_t w, int64_t b,
                             int n_out, int n_in) {
    for (int t = 0; t < tape->net->context; t++)
        for (int j = 0; j < n_out; j++) {
            double sum = b < 0 ? 0 : tape->w[b + j];
            for (int i = 0; i < n_in; i++)
                sum += tape->w[w + (int64_t)j * n_in + i] * x[t * n_in + i];
            y[t * n_out + j] = sum;
        }
}

static void text_tape_linear_back(TextTape *tape, const double *dy, const double *x, double *dx,
                                  int64_t w, int64_t b, int n_out, int n_in) {
    for (int t = 0; t < tape->net->context; t++)
        for (int j = 0; j < n_out; j++) {
            double d = dy[t * n_out + j];
            if (b >= 0)
                tape->g[b + j] += d;
            for (int i = 0; i < n_in; i++) {
                tape->g[w + (int64_t)j * n_in + i] += d * x[t * n_in + i];
                dx[t * n_in + i] += d * tape->w[w + (int64_t)j * n_in + i];
            }
        }
}

static void text_tape_norm(TextTape *tape, double *y, const double *x, int64_t gain) {
    int width = tape->net->width;
    for (int t = 0; t < tape->net->context; t++, x += width, y += width) {
        double mean = 0, variance = 0;
        for (int i = 0; i < width; i++)
            mean += x[i] / width;
        for (int i = 0; i < width; i++)
            variance += (x[i] - mean) * (x[i] - mean) / width;
        for (int i = 0; i < width; i++)
            y[i] = (x[i] - mean) / sqrt(variance + 1e-5) * tape->w[gain + i] +
                   tape->w[gain + width + i];
    }
}

/* The derivative written out: d z_i / d x_j = (delta_ij - 1/n - z_i z_j / n) / sd. */
static void text_tape_norm_back(TextTape *tape, const double *dy, const double *x, double *dx,
                                int64_t gain) {
    int width = tape->net->width;
    for (int t = 0; t < tape->net->context; t++, x += width, dy += width, dx += width) {
        double mean = 0, variance = 0;
        for (int i = 0; i < width; i++)
            mean += x[i] / width;
        for (int i = 0; i < width; i++)
            variance += (x[i] - mean) * (x[i] - mean) / width;
        double sd = sqrt(variance + 1e-5);
        for (int i = 0; i < width; i++) {
            double zi = (x[i] - mean) / sd;
            tape->g[gain + i] += dy[i] * zi;
            tape->g[gain + width + i] += dy[i];
            for (int j = 0; j < width; j++) {
                double zj = (x[j] - mean) / sd;
                dx[j] += dy[i] * tape->w[gain + i] * ((i == j) - (1 + zi * zj) / width) / sd;
            }
        }
    }
}

/* Elements of a row of probabilities are numbered from a multiple of 128. */
static int64_t text_tape_cell(const TextTape *tape, int t, int u) {
    return (int64_t)t * ((tape->net->context + 127) / 128 * 128) + u;
}

/* p (heads, context, context), kept: before dropout; out (context, width). */
static void text_tape_attention(TextTape *tape, double *out, double *p, const double *qkv,
                                int site) {
    const TextWitness *net = tape->net;
    int width = net->width, head = width / net->heads, context = net->context;
    for (int h = 0; h < net->heads; h++)
        for (int t = 0; t < context; t++) {
            double *row = p + ((int64_t)h * context + t) * context, sum = 0;
            for (int u = 0; u <= t; u++) {
                double score = 0;
                for (int i = h * head; i < (h + 1) * head; i++)
                    score += qkv[t * 3 * width + i] * qkv[u * 3 * width + width + i];
                row[u] = exp(score / sqrt(head));
                sum += row[u];
            }
            for (int u = 0; u <= t; u++) {
                row[u] /= sum;
                double kept = row[u] * text_tape_keep(tape, site + h, text_tape_cell(tape, t, u));
                for (int i = h * head; i < (h + 1) * head; i++)
                    out[t * width + i] += kept * qkv[u * 3 * width + 2 * width + i];
            }
        }
}

static void text_tape_attention_back(TextTape *tape, const double *d, const double *p,
                                     const double *qkv, double *dqkv, int site) {
    const TextWitness *net = tape->net;
    int width = net->width, head = width / net->heads, context = net->context;
    for (int h = 0; h < net->heads; h++)
        for (int t = 0; t < context; t++) {
            const double *row = p + ((int64_t)h * context + t) * context;
            double along = 0;
            for (int pass = 0; pass < 2; pass++) /* first sum p dp, then use it */
                for (int u = 0; u <= t; u++) {
                    double keep = text_tape_keep(tape, site + h, text_tape_cell(tape, t, u)),
                           dp = 0;
                    for (int i = h * head; i < (h + 1) * head; i++) {
                        dp += d[t * width + i] * qkv[u * 3 * width + 2 * width + i] * keep;
                        if (pass == 1)
                            dqkv[u * 3 * width + 2 * width + i] += row[u] * keep * d[t * width + i];
                    }
                    if (pass == 0)
                        along += row[u] * dp;
                    double ds = row[u] * (dp - along) / sqrt(head);
                    for (int i = h * head; i < (h + 1) * head && pass == 1; i++) {
                        dqkv[t * 3 * width + i] += ds * qkv[u * 3 * width + width + i];
                        dqkv[u * 3 * width + width + i] += ds * qkv[t * 3 * width + i];
                    }
                }
        }
}

static double text_gelu(double z) {
    return 0.5 * z * erfc(-z / sqrt(2.0));
}

static double text_gelu_slope(double z) {
    return 0.5 * erfc(-z / sqrt(2.0)) + z * exp(-0.5 * z * z) / sqrt(2 * acos(-1.0));
}

/* Offsets of a block's tensors in the flat weights, in their order. */
typedef struct TextBlock {
    int64_t norm1, qkv, qkv_bias, out, out_bias, norm2, up, up_bias, down, down_bias, end;
} TextBlock;

static TextBlock text_block(const TextWitness *net, int l) {
    int64_t d = net->width, at = (net->n_classes + net->context) * d;
    TextBlock block;
    for (int i = 0; i <= l; i++, at = block.end) {
        block.norm1 = at;
        block.qkv = block.norm1 + 2 * d;
        block.qkv_bias = block.qkv + 3 * d * d;
        block.out = block.qkv_bias + 3 * d;
        block.out_bias = block.out + d * d;
        block.norm2 = block.out_bias + d;
        block.up = block.norm2 + 2 * d;
        block.up_bias = block.up + 4 * d * d;
        block.down = block.up_bias + 4 * d;
        block.down_bias = block.down + 4 * d * d;
        block.end = block.down_bias + d;
    }
    return block;
}

static void text_tape_drop(const TextTape *tape, double *x, int site) {
    for (int64_t e = 0; e < (int64_t)tape->net->context * tape->net->width; e++)
        x[e] *= text_tape_keep(tape, site, e);
}

/* dx (context, width): in dL/d(output of the blocks from l on), out dL/d(input of block l). Returns
 * the loss summed over positions; calls itself for the blocks above. */
static double text_tape_blocks(TextTape *tape, int l, const double *x, const int32_t *y,
                               double *dx) {
    const TextWitness *net = tape->net;
    int d = net->width, n = net->context * d, site = 1 + l * (net->heads + 2);
    if (l == net->depth) {
        int64_t gain = text_block(net, net->depth - 1).end, head = gain + 2 * d;
        double *normed = text_tape_take(tape, n), *back = text_tape_take(tape, n), loss = 0;
        double *logits = text_tape_take(tape, (int64_t)net->context * net->n_classes);
        text_tape_norm(tape, normed, x, gain);
        text_tape_linear(tape, logits, normed, head, -1, net->n_classes, d);
        for (int t = 0; t < net->context; t++) {
            double *z = logits + (int64_t)t * net->n_classes, sum = 0;
            for (int c = 0; c < net->n_classes; c++)
                sum += exp(z[c]);
            loss += log(sum) - z[y[t]];
            for (int c = 0; c < net->n_classes; c++)
                z[c] = (exp(z[c]) / sum - (c == y[t])) / net->context;
        }
        if (tape->g) {
            text_tape_linear_back(tape, logits, normed, back, head, -1, net->n_classes, d);
            text_tape_norm_back(tape, back, x, dx, gain);
        }
        return loss;
    }
    TextBlock at = text_block(net, l);
    double *a = text_tape_take(tape, n), *qkv = text_tape_take(tape, 3 * n),
           *o = text_tape_take(tape, n);
    double *p = text_tape_take(tape, (int64_t)net->heads * net->context * net->context);
    double *u = text_tape_take(tape, n), *b = text_tape_take(tape, n),
           *z = text_tape_take(tape, 4 * n);
    double *h = text_tape_take(tape, 4 * n), *v = text_tape_take(tape, n);
    double *wide = text_tape_take(tape, 4 * n), *thin = text_tape_take(tape, n),
           *du = text_tape_take(tape, n);
    text_tape_norm(tape, a, x, at.norm1);
    text_tape_linear(tape, qkv, a, at.qkv, at.qkv_bias, 3 * d, d);
    text_tape_attention(tape, o, p, qkv, site + 2);
    text_tape_linear(tape, u, o, at.out, at.out_bias, d, d);
    text_tape_drop(tape, u, site);
    for (int i = 0; i < n; i++)
        u[i] += x[i];
    text_tape_norm(tape, b, u, at.norm2);
    text_tape_linear(tape, z, b, at.up, at.up_bias, 4 * d, d);
    for (int i = 0; i < 4 * n; i++)
        h[i] = text_gelu(z[i]);
    text_tape_linear(tape, v, h, at.down, at.down_bias, d, 4 * d);
    text_tape_drop(tape, v, site + 1);
    for (int i = 0; i < n; i++)
        v[i] += u[i];
    double loss = text_tape_blocks(tape, l + 1, v, y, dx);
    if (!tape->g)
        return loss;
    memcpy(du, dx, (size_t)n * sizeof *du);
    memcpy(thin, dx, (size_t)n * sizeof *thin);
    text_tape_drop(tape, thin, site + 1);
    text_tape_linear_back(tape, thin, h, wide, at.down, at.down_bias, d, 4 * d);
    for (int i = 0; i < 4 * n; i++)
        wide[i] *= text_gelu_slope(z[i]);
    memset(thin, 0, (size_t)n * sizeof *thin);
    text_tape_linear_back(tape, wide, b, thin, at.up, at.up_bias, 4 * d, d);
    text_tape_norm_back(tape, thin, u, du, at.norm2);
    memcpy(dx, du, (size_t)n * sizeof *dx);
    text_tape_drop(tape, du, site);
    memset(thin, 0, (size_t)n * sizeof *thin);
    text_tape_linear_back(tape, du, o, thin, at.out, at.out_bias, d, d);
    memset(wide, 0, 3 * (size_t)n * sizeof *wide);
    text_tape_attention_back(tape, thin, p, qkv, wide, site + 2);
    memset(thin, 0, (size_t)n * sizeof *thin);
    text_tape_linear_back(tape, wide, a, thin, at.qkv, at.qkv_bias, 3 * d, d);
    text_tape_norm_back(tape, thin, x, dx, at.norm1);
    return loss;
}

/* Loss of a shard, each example's the mean over its positions, and its gradient unless grad is
 * NULL. `mini_batch` tells where in the global batch the shard begins. */
static double text_witness_pass(const TextWitness *net, const double *w, int64_t n_weights,
                                const Shard *shard, int mini_batch, double *grad) {
    int64_t n = (int64_t)net->context * net->width;
    int64_t room = (net->depth + 1) *
                   (32 * n + (int64_t)net->context * (net->heads * net->context + net->n_classes));
    double *block = calloc((size_t)room, sizeof *block), loss = 0;
    if (grad)
        memset(grad, 0, (size_t)n_weights * sizeof *grad);
    for (int e = 0; e < shard->n; e++) {
        TextTape tape = {net, w, grad, block, shard, shard->index * mini_batch + e};
        double *x = text_tape_take(&tape, n), *dx = text_tape_take(&tape, n);
        const float *bytes = shard->x + (int64_t)e * net->context;
        int64_t position = (int64_t)net->n_classes * net->width;
        for (int64_t i = 0; i < n; i++)
            x[i] =
                w[(int64_t)bytes[i / net->width] * net->width + i % net->width] + w[position + i];
        text_tape_drop(&tape, x, 0);
        loss +=
            text_tape_blocks(&tape, 0, x, shard->y + (int64_t)e * net->context, dx) / net->context;
        if (grad)
            text_tape_drop(&tape, dx, 0);
        for (int64_t i = 0; i < n && grad; i++) {
            grad[(int64_t)bytes[i / net->width] * net->width + i % net->width] += dx[i];
            grad[position + i] += dx[i];
        }
    }
    free(block);
    return loss;
}

#endif
