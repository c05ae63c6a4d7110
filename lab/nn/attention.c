#include "lab/nn/attention.h"

#include "lab/base/vec.h"
#include "lab/nn/approx.h"
#include "lab/nn/gemm.h"

#include <math.h>
#include <stddef.h>

enum { LANES = 16 };

static inline float lanes_sum(float *lane) {
    for (int width = LANES / 2; width >= 1; width /= 2)
        for (int j = 0; j < width; j++)
            lane[j] += lane[j + width];
    return lane[0];
}

static inline float row_largest(const float *x, int n) {
    float lane[LANES];
    for (int j = 0; j < LANES; j++)
        lane[j] = x[0];
    int i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int j = 0; j < LANES; j++)
            lane[j] = x[i + j] > lane[j] ? x[i + j] : lane[j];
    for (; i < n; i++)
        lane[0] = x[i] > lane[0] ? x[i] : lane[0];
    for (int j = 1; j < LANES; j++)
        lane[0] = lane[j] > lane[0] ? lane[j] : lane[0];
    return lane[0];
}

/* Rows [first, last) of scores in place: softmax over columns 0..row, zeros from there to `last`.
 * x has rows `stride` apart and begins at row `first`. */
VEC_CLONES
static void softmax_rows(float *x, int stride, int first, int last, float scale) {
    for (int row = first; row < last; row++, x += stride) {
        int n = row + 1, i = 0;
        float largest = row_largest(x, n), lane[LANES] = {0};
        for (int j = 0; j < n; j++)
            x[j] = approx_exp((x[j] - largest) * scale);
        for (; i + LANES <= n; i += LANES)
            for (int j = 0; j < LANES; j++)
                lane[j] += x[i + j];
        for (int j = 0; i < n; i++, j++)
            lane[j] += x[i];
        float factor = 1.0F / lanes_sum(lane);
        for (int j = 0; j < n; j++)
            x[j] *= factor;
        for (int j = n; j < last; j++)
            x[j] = 0.0F;
    }
}

/* delta: in dL/dP, out dL/d(scores) = scale P (dL/dP - sum(P dL/dP)). */
VEC_CLONES
static void softmax_backward(float *delta, const float *p, int stride, int first, int last,
                             float scale) {
    for (int row = first; row < last; row++, delta += stride, p += stride) {
        int n = row + 1, i = 0;
        float lane[LANES] = {0};
        for (; i + LANES <= n; i += LANES)
            for (int j = 0; j < LANES; j++)
                lane[j] += delta[i + j] * p[i + j];
        for (int j = 0; i < n; i++, j++)
            lane[j] += delta[i] * p[i];
        float along = lanes_sum(lane);
        for (int j = 0; j < n; j++)
            delta[j] = (delta[j] - along) * p[j] * scale;
        for (int j = n; j < last; j++)
            delta[j] = 0.0F;
    }
}

/* Rows are drawn from separate spans of whole blocks of random numbers. */
static void drop_rows(const Attention *attention, int head, float *out, const float *in, int first,
                      int last) {
    int64_t span = (attention->context + 127) / 128 * 128;
    for (int row = first; row < last; row++, out += attention->context, in += attention->context) {
        dropout_apply(&attention->dropout, out, in, row + 1, attention->position,
                      attention->site + head, row * span);
        for (int j = row + 1; j < last; j++)
            out[j] = 0.0F;
    }
}

static int block_end(const Attention *attention, int first) {
    int last = first + ATTENTION_ROWS;
    return last < attention->context ? last : attention->context;
}

static void head_forward(const Attention *attention, int h, const float *qkv, float *probability,
                         float *out) {
    int context = attention->context, head = attention->head, width = attention->heads * head;
    const float *q = qkv + h * head, *k = q + width, *v = k + width;
    float scale = (float)(1 / sqrt((double)head));
    for (int first = 0; first < context; first += ATTENTION_ROWS) {
        int last = block_end(attention, first);
        float *p = probability + (ptrdiff_t)first * context;
        const float *used = p;
        gemm_rows(false, true, last - first, last, head,
                  (GemmRows){q + (ptrdiff_t)first * 3 * width, 3 * width}, (GemmRows){k, 3 * width},
                  p, context, false);
        softmax_rows(p, context, first, last, scale);
        if (attention->dropout.threshold > 0) {
            drop_rows(attention, h, attention->scratch[0], p, first, last);
            used = attention->scratch[0];
        }
        gemm_rows(false, false, last - first, head, last, (GemmRows){used, context},
                  (GemmRows){v, 3 * width}, out + h * head + (ptrdiff_t)first * width, width,
                  false);
    }
}

void attention_forward(const Attention *attention, const float *qkv, float *probability,
                       float *out) {
    ptrdiff_t square = (ptrdiff_t)attention->context * attention->context;
    for (int h = 0; h < attention->heads; h++)
        head_forward(attention, h, qkv, probability + h * square, out);
}

/* Blocks from the last to the first: the last one writes every row of dK and dV, the others add. */
static void head_backward(const Attention *attention, int h, const float *qkv,
                          const float *probability, const float *delta, float *grad) {
    int context = attention->context, head = attention->head, width = attention->heads * head;
    ptrdiff_t wide = 3 * (ptrdiff_t)width;
    const float *q = qkv + h * head, *k = q + width, *v = k + width;
    float *dq = grad + h * head, *dk = dq + width, *dv = dk + width;
    float scale = (float)(1 / sqrt((double)head)), *dp = attention->scratch[1];
    bool drops = attention->dropout.threshold > 0;
    int n_blocks = (context + ATTENTION_ROWS - 1) / ATTENTION_ROWS;
    for (int block = n_blocks - 1; block >= 0; block--) {
        int first = block * ATTENTION_ROWS, last = block_end(attention, first);
        int rows = last - first;
        const float *p = probability + (ptrdiff_t)first * context, *used = p;
        GemmRows d = {delta + h * head + (ptrdiff_t)first * width, width};
        if (drops) {
            drop_rows(attention, h, attention->scratch[0], p, first, last);
            used = attention->scratch[0];
        }
        bool adds = last < context;
        gemm_rows(true, false, last, head, rows, (GemmRows){used, context}, d, dv, 3 * width, adds);
        gemm_rows(false, true, rows, last, head, d, (GemmRows){v, 3 * width}, dp, context, false);
        if (drops)
            drop_rows(attention, h, dp, dp, first, last);
        softmax_backward(dp, p, context, first, last, scale);
        gemm_rows(false, false, rows, head, last, (GemmRows){dp, context}, (GemmRows){k, 3 * width},
                  dq + first * wide, 3 * width, false);
        gemm_rows(true, false, last, head, rows, (GemmRows){dp, context},
                  (GemmRows){q + first * wide, 3 * width}, dk, 3 * width, adds);
    }
}

void attention_backward(const Attention *attention, const float *qkv, const float *probability,
                        const float *delta, float *grad) {
    ptrdiff_t square = (ptrdiff_t)attention->context * attention->context;
    for (int h = 0; h < attention->heads; h++)
        head_backward(attention, h, qkv, probability + h * square, delta, grad);
}
