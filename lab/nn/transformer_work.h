/* Internal to the transformer: the workspace of a shard, and what forward and backward share. A
 * shard is passed a chunk of sequences at a time. */
#ifndef LAB_NN_TRANSFORMER_WORK_H
#define LAB_NN_TRANSFORMER_WORK_H

#include "lab/nn/attention.h"
#include "lab/nn/transformer.h"

#include <assert.h>

/* What a block keeps from forward for backward; n tokens of the chunk. */
typedef struct TransformerBlock {
    float *sum[2];         /* (n, width) residual sum before each norm */
    float *normed[2];      /* (n, width) */
    RowNorm *row[2];       /* (n) */
    float *qkv;            /* (n, 3 width) */
    float *probability;    /* (sequences, heads, context, context) */
    float *mixed;          /* (n, width) output of attention */
    float *hidden, *slope; /* (n, 4 width) gelu and its derivative */
} TransformerBlock;

typedef struct TransformerWork {
    TransformerBlock *block; /* (depth) */
    float *sum, *normed;
    RowNorm *row;     /* of the last norm */
    float *branch;    /* (n, width) what is added to the residual sum; its gradient */
    float *delta;     /* (n, width) dL/d(residual sum) */
    float *mixed;     /* (n, width) dL/d(output of attention) */
    float *wide;      /* (n, 4 width) */
    float *logits;    /* (n, n_classes) */
    double *row_loss; /* (n) */
    float *column;    /* (4 width) */
    float *scratch[2];
} TransformerWork;

/* One chunk of a shard. */
typedef struct TransformerChunk {
    const Transformer *net;
    const TransformerWork *work;
    const float *weights;
    float *grad;           /* NULL in evaluation */
    bool adds;             /* to grad, instead of overwriting it */
    const ModelPass *last; /* the pass of which this is the last chunk; NULL in others */
    int sequences;         /* first is its first example in the shard */
    int n;                 /* tokens */
    const float *x;
    const int32_t *y;
    Dropout dropout;
    int64_t position; /* of the first sequence in the global batch */
} TransformerChunk;

void transformer_forward(const TransformerChunk *chunk);  /* work->logits */
void transformer_backward(const TransformerChunk *chunk); /* from dL/d(logits) there */

static inline const float *tensor(const TransformerChunk *chunk, int l, BlockTensor which) {
    return chunk->weights + chunk->net->block[l][which];
}

/* Evaluation keeps nothing for backward: all blocks share the first one's room. */
static inline const TransformerBlock *room(const TransformerChunk *chunk, int l) {
    return &chunk->work->block[chunk->grad ? l : 0];
}

static inline float *tensor_grad(const TransformerChunk *chunk, int l, BlockTensor which) {
    return chunk->grad + chunk->net->block[l][which];
}

/* Dropout sites: the embedding; then in each block the heads, and its two branches. */
static inline int site_of(const Transformer *net, int l, int branch) {
    return l < 0 ? 0 : 1 + l * (net->heads + 2) + branch;
}

/* After the last chunk's turn the gradients of tensors from this one on are final. */
static inline void tensors_done(const TransformerChunk *chunk, int first) {
    if (chunk->last && chunk->last->done)
        chunk->last->done(chunk->last->done_self, first);
}

static inline int number_of(int l, BlockTensor which) {
    return TENSORS_BEFORE + l * BLOCK_TENSORS + (int)which;
}

static inline bool drops(const TransformerChunk *chunk) {
    return chunk->dropout.threshold > 0;
}

static inline void drop(const TransformerChunk *chunk, float *out, const float *in, int site) {
    int64_t span = (int64_t)chunk->net->context * chunk->net->width;
    for (int s = 0; s < chunk->sequences; s++)
        dropout_apply(&chunk->dropout, out + s * span, in + s * span, span, chunk->position + s,
                      site, 0);
}

static inline Attention attention_of(const TransformerChunk *chunk, int l, int sequence) {
    const Transformer *net = chunk->net;
    return (Attention){.context = net->context,
                       .heads = net->heads,
                       .head = net->width / net->heads,
                       .dropout = chunk->dropout,
                       .position = chunk->position + sequence,
                       .site = site_of(net, l, 2),
                       .scratch = {chunk->work->scratch[0], chunk->work->scratch[1]}};
}

static inline int token_of(const TransformerChunk *chunk, int i) {
    int token = (int)chunk->x[i];
    assert(token >= 0 && token < chunk->net->n_classes);
    return token;
}

static inline LayerNorm norm_of(const TransformerChunk *chunk, int l, int which) {
    const TransformerBlock *block = room(chunk, l);
    return (LayerNorm){
        .gain = tensor(chunk, l, which ? BLOCK_NORM2_GAIN : BLOCK_NORM1_GAIN),
        .shift = tensor(chunk, l, which ? BLOCK_NORM2_SHIFT : BLOCK_NORM1_SHIFT),
        .sum = block->sum[which],
        .out = block->normed[which],
        .row = block->row[which],
    };
}

static inline LayerNorm last_norm(const TransformerChunk *chunk) {
    const TransformerWork *work = chunk->work;
    return (LayerNorm){.gain = chunk->weights + chunk->net->final_gain,
                       .shift = chunk->weights + chunk->net->final_shift,
                       .sum = work->sum,
                       .out = work->normed,
                       .row = work->row};
}

#endif
