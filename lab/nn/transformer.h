/* Internal to the transformer: its tensors, its workspace, its pass.
 *
 *   x_0 = token[byte] + position[t]
 *   u_l = x_l + W_o attention(W_qkv norm1(x_l))       (pre-norm: Xiong et al. 2020)
 *   x_(l+1) = u_l + W_down gelu(W_up norm2(u_l))
 *   logits = W_head norm(x_L)
 *
 * All matrices are (n_out, n_in) as in PyTorch. */
#ifndef LAB_NN_TRANSFORMER_H
#define LAB_NN_TRANSFORMER_H

#include "lab/nn/dropout.h"
#include "lab/nn/layer_norm.h"
#include "lab/nn/model.h"

typedef enum {
    BLOCK_NORM1_GAIN,
    BLOCK_NORM1_SHIFT,
    BLOCK_QKV,
    BLOCK_QKV_BIAS,
    BLOCK_OUT,
    BLOCK_OUT_BIAS,
    BLOCK_NORM2_GAIN,
    BLOCK_NORM2_SHIFT,
    BLOCK_UP,
    BLOCK_UP_BIAS,
    BLOCK_DOWN,
    BLOCK_DOWN_BIAS,
    BLOCK_TENSORS
} BlockTensor;

enum { TENSORS_BEFORE = 2, TENSORS_AFTER = 3 }; /* the blocks */

typedef struct Transformer {
    int width, depth, heads, context, n_classes;
    double dropout;
    int chunk; /* sequences that are passed together */
    /* Offsets in the flat weights. */
    int64_t token, position, final_gain, final_shift, head;
    int64_t (*block)[BLOCK_TENSORS]; /* (depth) */
} Transformer;

size_t transformer_workspace_bytes(const Model *model, int max_examples);
void transformer_pass(const Model *model, const Shard *shard, ModelPass *pass);

#endif
