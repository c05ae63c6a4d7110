#include "lab/nn/dense.h"

#include <stddef.h>

typedef struct MlpSettings {
    ParamCounts hidden;
    int activation;
} MlpSettings;

static const char *const activations[] = {[ACTIVATION_RELU] = "relu",
                                          [ACTIVATION_GELU] = "gelu",
                                          [ACTIVATION_TANH] = "tanh",
                                          [ACTIVATION_N] = NULL};

static const Param params[] = {
    PARAM(COUNTS, MlpSettings, hidden, "[128]", 1, 65536, "1",
          "widths of the hidden layers, any number of them"),
    PARAM_FROM(MlpSettings, activation, "\"relu\"", activations, "of the hidden layers"),
    PARAM_END,
};

static Error *make(Model *model, Arena *arena) {
    const MlpSettings *settings = model->settings;
    return dense_make(model, settings->hidden, activation_table[settings->activation], arena);
}

MODEL_TYPE(mlp) = {
    .kind =
        {
            .name = "mlp",
            .summary = "dense layers with an activation, softmax and cross-entropy on top",
            .detail = "h_l = f(h_(l-1) W_l^T + b_l), logits = h W^T + b, loss = -log "
                      "softmax(logits)[label].\n"
                      "f: relu max(0, z); gelu z Phi(z), exact; tanh.\n"
                      "Weights start from N(0, 2 / fan_in) below relu and gelu (He) and from\n"
                      "N(0, 2 / (fan_in + fan_out)) below tanh and in the output layer (Glorot), "
                      "biases from zero.\n"
                      "With an empty `hidden` it is softmax regression.",
            .reference = "He et al. 2015, arXiv 1502.01852; Glorot and Bengio 2010; Hendrycks and "
                         "Gimpel 2016, "
                         "arXiv 1606.08415",
            .settings_bytes = sizeof(MlpSettings),
            .params = params,
        },
    .make = make,
    .init = dense_init,
    .workspace_bytes = dense_workspace_bytes,
    .pass = dense_pass,
};
