/* An independent network for images in double: plain loops over (n, channels, height, width), no
 * library of ours. A tape of layers is run forward, then backward. */
#ifndef TESTS_LAW_IMAGE_WITNESS_H
#define TESTS_LAW_IMAGE_WITNESS_H

#include "lab/base/arena.h"
#include "lab/base/shard.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Which network; weights in the order in which it is drawn up below. */
typedef struct ImageWitness {
    enum { IMAGE_NONE, IMAGE_SIMPLE_CNN, IMAGE_RESNET } kind;
    int shape[3], n_classes;
    int channels[4], kernel, dense; /* simple_cnn; channels end with 0 */
    int n, width;                   /* resnet */
} ImageWitness;

typedef enum {
    TAPE_CONV,
    TAPE_NORM,
    TAPE_RELU,
    TAPE_MAX,
    TAPE_MEAN,
    TAPE_ADD,
    TAPE_DENSE
} TapeKind;

typedef struct TapeTensor {
    int c, h, w;
    double *v, *d; /* (n, c, h, w) value, and derivative of the loss */
} TapeTensor;

typedef struct TapeLayer {
    TapeKind kind;
    int a, b, out, kernel, stride, pad;
    bool bias;
    int64_t at, stat;       /* first weight, first statistic */
    double *mean, *inverse; /* batch norm: (c) mean, 1 / sqrt(variance + epsilon) */
} TapeLayer;

enum { TAPE_MAX_LAYERS = 200 };
#define TAPE_EPSILON 1e-5

typedef struct Tape {
    Arena *arena;
    int n, n_layers, n_tensors;
    TapeLayer layer[TAPE_MAX_LAYERS];
    TapeTensor tensor[TAPE_MAX_LAYERS + 1];
    int64_t n_weights, n_stats;
    const double *weights;
    const float *running; /* NULL: training statistics */
    double *stats;        /* out, means then unbiased variances; NULL: not wanted */
} Tape;

static int tape_tensor(Tape *tape, int c, int h, int w) {
    size_t bytes = sizeof(double) * (size_t)tape->n * (size_t)c * (size_t)h * (size_t)w;
    tape->tensor[tape->n_tensors] =
        (TapeTensor){c, h, w, arena_alloc(tape->arena, bytes), arena_alloc(tape->arena, bytes)};
    return tape->n_tensors++;
}

static TapeLayer *tape_layer(Tape *tape, TapeKind kind, int a, int c, int h, int w) {
    TapeLayer *layer = &tape->layer[tape->n_layers++];
    *layer = (TapeLayer){.kind = kind, .a = a, .at = tape->n_weights, .stat = tape->n_stats};
    layer->out = tape_tensor(tape, c, h, w);
    return layer;
}

static int tape_conv(Tape *tape, int a, int out, int kernel, int stride, bool bias) {
    TapeTensor x = tape->tensor[a];
    int pad = kernel / 2, h = (x.h + 2 * pad - kernel) / stride + 1,
        w = (x.w + 2 * pad - kernel) / stride + 1;
    TapeLayer *layer = tape_layer(tape, TAPE_CONV, a, out, h, w);
    layer->kernel = kernel, layer->stride = stride, layer->pad = pad, layer->bias = bias;
    tape->n_weights += (int64_t)out * x.c * kernel * kernel + (bias ? out : 0);
    return layer->out;
}

static int tape_norm(Tape *tape, int a) {
    TapeTensor x = tape->tensor[a];
    TapeLayer *layer = tape_layer(tape, TAPE_NORM, a, x.c, x.h, x.w);
    layer->mean = ARENA_ARRAY(tape->arena, double, x.c);
    layer->inverse = ARENA_ARRAY(tape->arena, double, x.c);
    tape->n_weights += 2 * x.c;
    tape->n_stats += 2 * x.c;
    return layer->out;
}

static int tape_plain(Tape *tape, TapeKind kind, int a, int b) { /* keeps the extent */
    TapeTensor x = tape->tensor[a];
    TapeLayer *layer = tape_layer(tape, kind, a, x.c, x.h, x.w);
    layer->b = b;
    return layer->out;
}

static int tape_dense(Tape *tape, int a, int out) {
    TapeTensor x = tape->tensor[a];
    TapeLayer *layer = tape_layer(tape, TAPE_DENSE, a, out, 1, 1);
    tape->n_weights += (int64_t)out * (x.c * x.h * x.w + 1);
    return layer->out;
}

/* ---- one layer: forward, or backward when `back` (adds to x.d and to grad) */

static int64_t place(TapeTensor t, int i, int c, int y, int x) {
    return (((int64_t)i * t.c + c) * t.h + y) * t.w + x;
}

static void run_conv(const Tape *tape, const TapeLayer *l, bool back, double *grad) {
    TapeTensor x = tape->tensor[l->a], y = tape->tensor[l->out];
    const double *w = tape->weights + l->at;
    int64_t bias = l->at + (int64_t)y.c * x.c * l->kernel * l->kernel;
    for (int i = 0; i < tape->n; i++)
        for (int o = 0; o < y.c; o++)
            for (int r = 0; r < y.h; r++)
                for (int s = 0; s < y.w; s++) {
                    int64_t to = place(y, i, o, r, s);
                    double sum = l->bias ? tape->weights[bias + o] : 0;
                    if (back && l->bias)
                        grad[bias + o] += y.d[to];
                    for (int c = 0; c < x.c; c++)
                        for (int u = 0; u < l->kernel; u++)
                            for (int v = 0; v < l->kernel; v++) {
                                int yy = r * l->stride + u - l->pad,
                                    xx = s * l->stride + v - l->pad;
                                if (yy < 0 || yy >= x.h || xx < 0 || xx >= x.w)
                                    continue;
                                int64_t from = place(x, i, c, yy, xx),
                                        k = (((int64_t)o * x.c + c) * l->kernel + u) * l->kernel +
                                            v;
                                sum += w[k] * x.v[from];
                                if (back) {
                                    x.d[from] += w[k] * y.d[to];
                                    grad[l->at + k] += x.v[from] * y.d[to];
                                }
                            }
                    if (!back)
                        y.v[to] = sum;
                }
}

static void channel_statistics(const Tape *tape, const TapeLayer *l, int c) {
    TapeTensor x = tape->tensor[l->a];
    double m = (double)tape->n * x.h * x.w, mean = 0, variance = 0;
    for (int i = 0; i < tape->n; i++)
        for (int p = 0; p < x.h * x.w; p++)
            mean += x.v[place(x, i, c, 0, p)] / m;
    for (int i = 0; i < tape->n; i++)
        for (int p = 0; p < x.h * x.w; p++)
            variance += pow(x.v[place(x, i, c, 0, p)] - mean, 2) / m;
    if (tape->running) {
        mean = (double)tape->running[l->stat + c];
        variance = (double)tape->running[l->stat + x.c + c];
    }
    if (tape->stats) {
        tape->stats[l->stat + c] = mean;
        tape->stats[l->stat + x.c + c] = variance * m / (m - 1);
    }
    l->mean[c] = mean;
    l->inverse[c] = 1 / sqrt(variance + TAPE_EPSILON);
}

static void run_norm(const Tape *tape, const TapeLayer *l, bool back, double *grad) {
    TapeTensor x = tape->tensor[l->a], y = tape->tensor[l->out];
    double m = (double)tape->n * x.h * x.w;
    for (int c = 0; c < x.c; c++) {
        double gain = tape->weights[l->at + c], offset = tape->weights[l->at + x.c + c];
        double sum = 0, along = 0;
        if (!back)
            channel_statistics(tape, l, c);
        for (int pass = 0; pass < (back ? 2 : 1); pass++)
            for (int i = 0; i < tape->n; i++)
                for (int p = 0; p < x.h * x.w; p++) {
                    int64_t at = place(x, i, c, 0, p);
                    double z = (x.v[at] - l->mean[c]) * l->inverse[c];
                    if (!back)
                        y.v[at] = gain * z + offset;
                    else if (pass == 0)
                        sum += y.d[at], along += y.d[at] * z;
                    else
                        x.d[at] += gain * l->inverse[c] * (y.d[at] - sum / m - z * along / m);
                }
        if (back) {
            grad[l->at + c] += along;
            grad[l->at + x.c + c] += sum;
        }
    }
}

/* Relu, sum, mean over all pixels, maximum of 2x2. */
static void run_plain(const Tape *tape, const TapeLayer *l, bool back) {
    TapeTensor x = tape->tensor[l->a], y = tape->tensor[l->out], b = tape->tensor[l->b];
    for (int i = 0; i < tape->n; i++)
        for (int c = 0; c < x.c; c++)
            for (int r = 0; r < x.h; r++)
                for (int s = 0; s < x.w; s++) {
                    int64_t at = place(x, i, c, r, s);
                    if (l->kind == TAPE_RELU && !back)
                        y.v[at] = fmax(0, x.v[at]);
                    else if (l->kind == TAPE_RELU)
                        x.d[at] += x.v[at] > 0 ? y.d[at] : 0;
                    else if (l->kind == TAPE_ADD && !back)
                        y.v[at] = x.v[at] + b.v[at];
                    else if (l->kind == TAPE_ADD)
                        x.d[at] += y.d[at], b.d[at] += y.d[at];
                    else if (!back)
                        y.v[place(y, i, c, 0, 0)] += x.v[at] / (x.h * x.w);
                    else
                        x.d[at] += y.d[place(y, i, c, 0, 0)] / (x.h * x.w);
                }
}

static void run_max(const Tape *tape, const TapeLayer *l, bool back) {
    TapeTensor x = tape->tensor[l->a], y = tape->tensor[l->out];
    for (int i = 0; i < tape->n; i++)
        for (int c = 0; c < y.c; c++)
            for (int r = 0; r < y.h; r++)
                for (int s = 0; s < y.w; s++) {
                    int64_t top = place(x, i, c, 2 * r, 2 * s), to = place(y, i, c, r, s);
                    for (int u = 0; u < 4; u++) {
                        int64_t at = place(x, i, c, 2 * r + u / 2, 2 * s + u % 2);
                        top = x.v[at] > x.v[top] ? at : top;
                    }
                    if (back)
                        x.d[top] += y.d[to];
                    else
                        y.v[to] = x.v[top];
                }
}

static void run_dense(const Tape *tape, const TapeLayer *l, bool back, double *grad) {
    TapeTensor x = tape->tensor[l->a], y = tape->tensor[l->out];
    int64_t n_in = (int64_t)x.c * x.h * x.w, bias = l->at + y.c * n_in;
    for (int i = 0; i < tape->n; i++)
        for (int o = 0; o < y.c; o++) {
            double *to = &y.v[(int64_t)i * y.c + o], d = y.d[(int64_t)i * y.c + o];
            if (back)
                grad[bias + o] += d;
            else
                *to = tape->weights[bias + o];
            for (int64_t j = 0; j < n_in; j++) {
                double w = tape->weights[l->at + o * n_in + j], v = x.v[i * n_in + j];
                if (back) {
                    x.d[i * n_in + j] += w * d;
                    grad[l->at + o * n_in + j] += v * d;
                } else {
                    *to += w * v;
                }
            }
        }
}

static void tape_run(const Tape *tape, const TapeLayer *l, bool back, double *grad) {
    if (l->kind == TAPE_CONV)
        run_conv(tape, l, back, grad);
    else if (l->kind == TAPE_NORM)
        run_norm(tape, l, back, grad);
    else if (l->kind == TAPE_MAX)
        run_max(tape, l, back);
    else if (l->kind == TAPE_DENSE)
        run_dense(tape, l, back, grad);
    else
        run_plain(tape, l, back);
}

/* ---- the networks */

static void draw_simple_cnn(Tape *tape, const ImageWitness *net) {
    int at = 0;
    for (int i = 0; net->channels[i] > 0; i++) {
        at = tape_conv(tape, at, net->channels[i], net->kernel, 1, true);
        at = tape_plain(tape, TAPE_RELU, at, 0);
        TapeTensor x = tape->tensor[at];
        at = tape_layer(tape, TAPE_MAX, at, x.c, x.h / 2, x.w / 2)->out;
    }
    at = tape_plain(tape, TAPE_RELU, tape_dense(tape, at, net->dense), 0);
    tape_dense(tape, at, net->n_classes);
}

static int draw_block(Tape *tape, int from, int width, int stride) {
    int at = tape_norm(tape, tape_conv(tape, from, width, 3, stride, false));
    at = tape_plain(tape, TAPE_RELU, at, 0);
    at = tape_norm(tape, tape_conv(tape, at, width, 3, 1, false));
    if (stride > 1)
        from = tape_norm(tape, tape_conv(tape, from, width, 1, stride, false));
    return tape_plain(tape, TAPE_RELU, tape_plain(tape, TAPE_ADD, at, from), 0);
}

static void draw_resnet(Tape *tape, const ImageWitness *net) {
    int at = tape_plain(tape, TAPE_RELU,
                        tape_norm(tape, tape_conv(tape, 0, net->width, 3, 1, false)), 0);
    for (int stage = 0; stage < 3; stage++)
        for (int i = 0; i < net->n; i++)
            at = draw_block(tape, at, net->width << stage, stage > 0 && i == 0 ? 2 : 1);
    tape_dense(tape, tape_layer(tape, TAPE_MEAN, at, tape->tensor[at].c, 1, 1)->out,
               net->n_classes);
}

/* Summed loss; leaves its derivative in the logits' d. */
static double tape_loss(Tape *tape, const int32_t *labels) {
    TapeTensor z = tape->tensor[tape->n_tensors - 1];
    double loss = 0;
    for (int i = 0; i < tape->n; i++) {
        const double *row = z.v + (int64_t)i * z.c;
        double largest = -INFINITY, sum = 0;
        for (int j = 0; j < z.c; j++)
            largest = fmax(largest, row[j]);
        for (int j = 0; j < z.c; j++)
            sum += exp(row[j] - largest);
        for (int j = 0; j < z.c; j++)
            z.d[(int64_t)i * z.c + j] = exp(row[j] - largest) / sum - (j == labels[i]);
        loss += log(sum) + largest - row[labels[i]];
    }
    return loss;
}

/* Loss summed over a shard; its gradient (weights of the network) and its statistics unless NULL;
 * with `running` as in evaluation. */
static double image_witness(const ImageWitness *net, const double *w, const Shard *shard,
                            const float *running, double *grad, double *stats) {
    Arena *arena = arena_new();
    Tape *tape = ARENA_NEW(arena, Tape);
    *tape = (Tape){.arena = arena, .n = shard->n, .weights = w, .running = running, .stats = stats};
    tape_tensor(tape, net->shape[0], net->shape[1], net->shape[2]);
    int64_t n_x = (int64_t)shard->n * net->shape[0] * net->shape[1] * net->shape[2];
    for (int64_t i = 0; i < n_x; i++)
        tape->tensor[0].v[i] = (double)shard->x[i];
    if (net->kind == IMAGE_RESNET)
        draw_resnet(tape, net);
    else
        draw_simple_cnn(tape, net);
    for (int i = 0; i < tape->n_layers; i++)
        tape_run(tape, &tape->layer[i], false, NULL);
    double loss = tape_loss(tape, shard->y);
    if (grad)
        memset(grad, 0, sizeof *grad * (size_t)tape->n_weights);
    for (int i = tape->n_layers - 1; grad && i >= 0; i--)
        tape_run(tape, &tape->layer[i], true, grad);
    arena_end(arena);
    return loss;
}

#endif
