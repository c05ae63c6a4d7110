/* A stack of dense layers with a softmax on top: what `mlp` and `softmax` share.
 *
 *   h_0 = x,  h_l = f(h_(l-1) W_l^T + b_l),  logits = h_(L-1) W_L^T + b_L
 *
 * Weights are (n_out, n_in) as in PyTorch: measured as fast as the transpose for wide layers and
 * faster for a narrow output layer (kernels.def). */
#ifndef LAB_NN_DENSE_H
#define LAB_NN_DENSE_H

#include "lab/nn/activation.h"
#include "lab/nn/model.h"

/* Fills everything of `model` that `make` must: layers of `hidden` widths with `activation`, then
 * n_classes outputs. Errors (code 2): data without features or classes, more than 2^31 weights. */
Error *dense_make(Model *model, ParamCounts hidden, const Activation *activation, Arena *arena);

/* The functions of a ModelType. */
void dense_init(const Model *model, uint64_t seed, float *weights);
size_t dense_workspace_bytes(const Model *model, int max_examples);
void dense_pass(const Model *model, const Shard *shard, ModelPass *pass);

#endif
