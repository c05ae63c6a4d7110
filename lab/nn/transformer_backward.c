#include "lab/nn/transformer_work.h"

#include "lab/base/vec.h"
#include "lab/nn/activation.h"
#include "lab/nn/gemm.h"

#include <string.h>

/* Gradients of a projection: of its weight, and of its input unless `back` is NULL. */
static void project_backward(const TransformerChunk *chunk, const float *delta, const float *x,
                             const float *weight, float *grad, float *back, int n_out, int n_in) {
    gemm_rows(true, false, n_out, n_in, chunk->n, (GemmRows){delta, n_out}, (GemmRows){x, n_in},
              grad, n_in, chunk->adds);
    if (back)
        gemm_rows(false, false, chunk->n, n_in, n_out, (GemmRows){delta, n_out},
                  (GemmRows){weight, n_in}, back, n_in, false);
}

/* Column sums of x (n, width) into or onto `grad`. */
VEC_CLONES
static void column_sums(float *grad, const float *x, int n, int width, bool adds) {
    int i = 0;
    if (!adds) {
        memcpy(grad, x, (size_t)width * sizeof *grad);
        i++;
    }
    for (; i < n; i++)
        for (int j = 0; j < width; j++)
            grad[j] += x[(int64_t)i * width + j];
}

/* ---- backward: work->delta is dL/d(residual sum) all the way down */

/* Gradient of what a branch added: where the sum's came through, and its bias' column sums. */
static const float *branch_delta(const TransformerChunk *chunk, float *grad_bias, int site) {
    const float *delta = chunk->work->delta;
    if (drops(chunk)) {
        drop(chunk, chunk->work->branch, delta, site);
        delta = chunk->work->branch;
    }
    column_sums(grad_bias, delta, chunk->n, chunk->net->width, chunk->adds);
    return delta;
}

static void norm_backward(const TransformerChunk *chunk, const LayerNorm *norm, const float *delta,
                          float *grad_gain, float *grad_shift) {
    int width = chunk->net->width;
    if (!chunk->adds) {
        memset(grad_gain, 0, (size_t)width * sizeof *grad_gain);
        memset(grad_shift, 0, (size_t)width * sizeof *grad_shift);
    }
    layer_norm_backward(norm, delta, chunk->work->delta, grad_gain, grad_shift, chunk->n, width);
}

static void mlp_backward(const TransformerChunk *chunk, int l) {
    const TransformerWork *work = chunk->work;
    const TransformerBlock *block = room(chunk, l);
    int width = chunk->net->width;
    const float *delta =
        branch_delta(chunk, tensor_grad(chunk, l, BLOCK_DOWN_BIAS), site_of(chunk->net, l, 1));
    project_backward(chunk, delta, block->hidden, tensor(chunk, l, BLOCK_DOWN),
                     tensor_grad(chunk, l, BLOCK_DOWN), work->wide, width, 4 * width);
    activation_delta(&activation_gelu, work->wide, block->slope, work->column, NULL, chunk->n,
                     4 * width);
    float *bias = tensor_grad(chunk, l, BLOCK_UP_BIAS);
    if (chunk->adds)
        vec_add(bias, work->column, 4 * width);
    else
        memcpy(bias, work->column, 4 * (size_t)width * sizeof *bias);
    project_backward(chunk, work->wide, block->normed[1], tensor(chunk, l, BLOCK_UP),
                     tensor_grad(chunk, l, BLOCK_UP), work->branch, 4 * width, width);
    LayerNorm norm = norm_of(chunk, l, 1);
    norm_backward(chunk, &norm, work->branch, tensor_grad(chunk, l, BLOCK_NORM2_GAIN),
                  tensor_grad(chunk, l, BLOCK_NORM2_SHIFT));
}

static void attention_block_backward(const TransformerChunk *chunk, int l) {
    const Transformer *net = chunk->net;
    const TransformerWork *work = chunk->work;
    const TransformerBlock *block = room(chunk, l);
    int width = net->width;
    int64_t span = (int64_t)net->context * width;
    int64_t squares = (int64_t)net->heads * net->context * net->context;
    const float *delta =
        branch_delta(chunk, tensor_grad(chunk, l, BLOCK_OUT_BIAS), site_of(net, l, 0));
    project_backward(chunk, delta, block->mixed, tensor(chunk, l, BLOCK_OUT),
                     tensor_grad(chunk, l, BLOCK_OUT), work->mixed, width, width);
    for (int s = 0; s < chunk->sequences; s++) {
        Attention attention = attention_of(chunk, l, s);
        attention_backward(&attention, block->qkv + 3 * s * span, block->probability + s * squares,
                           work->mixed + s * span, work->wide + 3 * s * span);
    }
    column_sums(tensor_grad(chunk, l, BLOCK_QKV_BIAS), work->wide, chunk->n, 3 * width,
                chunk->adds);
    project_backward(chunk, work->wide, block->normed[0], tensor(chunk, l, BLOCK_QKV),
                     tensor_grad(chunk, l, BLOCK_QKV), work->branch, 3 * width, width);
    LayerNorm norm = norm_of(chunk, l, 0);
    norm_backward(chunk, &norm, work->branch, tensor_grad(chunk, l, BLOCK_NORM1_GAIN),
                  tensor_grad(chunk, l, BLOCK_NORM1_SHIFT));
}

VEC_CLONES
static void embed_backward(const TransformerChunk *chunk, const float *delta) {
    const Transformer *net = chunk->net;
    int width = net->width;
    if (!chunk->adds) {
        size_t n = (size_t)(net->n_classes + net->context) * (size_t)width;
        memset(chunk->grad + net->token, 0, n * sizeof(float)); /* position follows token */
    }
    for (int i = 0; i < chunk->n; i++, delta += width) {
        float *token = chunk->grad + net->token + (int64_t)token_of(chunk, i) * width;
        float *position = chunk->grad + net->position + (int64_t)(i % net->context) * width;
        for (int j = 0; j < width; j++) {
            token[j] += delta[j];
            position[j] += delta[j];
        }
    }
}

void transformer_backward(const TransformerChunk *chunk) {
    const Transformer *net = chunk->net;
    const TransformerWork *work = chunk->work;
    project_backward(chunk, work->logits, work->normed, chunk->weights + net->head,
                     chunk->grad + net->head, work->branch, net->n_classes, net->width);
    memset(work->delta, 0, sizeof(float) * (size_t)chunk->n * (size_t)net->width);
    LayerNorm norm = last_norm(chunk);
    norm_backward(chunk, &norm, work->branch, chunk->grad + net->final_gain,
                  chunk->grad + net->final_shift);
    tensors_done(chunk, number_of(net->depth, 0));
    for (int l = net->depth - 1; l >= 0; l--) {
        mlp_backward(chunk, l);
        tensors_done(chunk, number_of(l, BLOCK_NORM2_GAIN));
        attention_block_backward(chunk, l);
        tensors_done(chunk, number_of(l, 0));
    }
    if (drops(chunk))
        drop(chunk, work->delta, work->delta, site_of(net, -1, 0));
    embed_backward(chunk, work->delta);
}
