#include "lab/nn/dense.h"

#include <stddef.h>

static Error *make(Model *model, Arena *arena) {
    return dense_make(model, (ParamCounts){0, NULL}, &activation_relu, arena);
}

MODEL_TYPE(softmax) = {
    .kind =
        {
            .name = "softmax",
            .summary = "softmax regression: one linear layer, cross-entropy",
            .detail = "logits = x W^T + b, loss = -log softmax(logits)[label]. Convex. Weights "
                      "start from\n"
                      "N(0, 2 / (n_features + n_classes)) (Glorot), biases from zero.",
            .reference = "Glorot and Bengio 2010",
        },
    .make = make,
    .init = dense_init,
    .workspace_bytes = dense_workspace_bytes,
    .pass = dense_pass,
};
