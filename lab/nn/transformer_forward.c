#include "lab/nn/transformer_work.h"

#include "lab/base/vec.h"
#include "lab/nn/activation.h"
#include "lab/nn/gemm.h"

/* out (n, n_out) = x W^T. */
static void project(const TransformerChunk *chunk, float *out, const float *x, const float *weight,
                    int n_out, int n_in) {
    gemm_rows(false, true, chunk->n, n_out, n_in, (GemmRows){x, n_in}, (GemmRows){weight, n_in},
              out, n_out, false);
}

VEC_CLONES
static void add_bias(float *x, const float *bias, int n, int width) {
    for (int i = 0; i < n; i++, x += width)
        for (int j = 0; j < width; j++)
            x[j] += bias[j];
}

VEC_CLONES
static void embed(const TransformerChunk *chunk, float *out) {
    const Transformer *net = chunk->net;
    int width = net->width;
    for (int i = 0; i < chunk->n; i++) {
        float *x = out + (int64_t)i * width;
        const float *token = chunk->weights + net->token + (int64_t)token_of(chunk, i) * width;
        const float *position =
            chunk->weights + net->position + (int64_t)(i % net->context) * width;
        for (int j = 0; j < width; j++)
            x[j] = token[j] + position[j];
    }
    if (drops(chunk))
        drop(chunk, out, out, site_of(net, -1, 0));
}

/* The norm of x + branch + bias, where the branch may be dropped. */
static void add_and_norm(const TransformerChunk *chunk, const LayerNorm *norm, const float *x,
                         const float *bias, int site) {
    float *branch = chunk->work->branch;
    int width = chunk->net->width;
    if (drops(chunk)) {
        add_bias(branch, bias, chunk->n, width);
        drop(chunk, branch, branch, site);
        bias = NULL;
    }
    layer_norm_forward(norm, x, branch, bias, chunk->n, width);
}

static void attention_branch(const TransformerChunk *chunk, int l) {
    const Transformer *net = chunk->net;
    const TransformerBlock *block = room(chunk, l);
    int width = net->width;
    int64_t span = (int64_t)net->context * width;
    int64_t squares = (int64_t)net->heads * net->context * net->context;
    project(chunk, block->qkv, block->normed[0], tensor(chunk, l, BLOCK_QKV), 3 * width, width);
    add_bias(block->qkv, tensor(chunk, l, BLOCK_QKV_BIAS), chunk->n, 3 * width);
    for (int s = 0; s < chunk->sequences; s++) {
        Attention attention = attention_of(chunk, l, s);
        attention_forward(&attention, block->qkv + 3 * s * span, block->probability + s * squares,
                          block->mixed + s * span);
    }
    project(chunk, chunk->work->branch, block->mixed, tensor(chunk, l, BLOCK_OUT), width, width);
}

static void mlp_branch(const TransformerChunk *chunk, int l) {
    const TransformerBlock *block = room(chunk, l);
    int width = chunk->net->width;
    project(chunk, block->hidden, block->normed[1], tensor(chunk, l, BLOCK_UP), 4 * width, width);
    activation_gelu.forward(block->hidden, chunk->grad ? block->slope : NULL,
                            tensor(chunk, l, BLOCK_UP_BIAS), chunk->n, 4 * width);
    project(chunk, chunk->work->branch, block->hidden, tensor(chunk, l, BLOCK_DOWN), width,
            4 * width);
}

void transformer_forward(const TransformerChunk *chunk) {
    const Transformer *net = chunk->net;
    const TransformerWork *work = chunk->work;
    LayerNorm norm = norm_of(chunk, 0, 0);
    embed(chunk, norm.sum);
    layer_norm_forward(&norm, norm.sum, NULL, NULL, chunk->n, net->width);
    for (int l = 0; l < net->depth; l++) {
        const TransformerBlock *block = room(chunk, l);
        attention_branch(chunk, l);
        norm = norm_of(chunk, l, 1);
        add_and_norm(chunk, &norm, block->sum[0], tensor(chunk, l, BLOCK_OUT_BIAS),
                     site_of(net, l, 0));
        mlp_branch(chunk, l);
        norm = l + 1 < net->depth ? norm_of(chunk, l + 1, 0) : last_norm(chunk);
        add_and_norm(chunk, &norm, block->sum[1], tensor(chunk, l, BLOCK_DOWN_BIAS),
                     site_of(net, l, 1));
    }
    project(chunk, work->logits, work->normed, chunk->weights + net->head, net->n_classes,
            net->width);
}
