/* Stochastic gradient descent without memory (shared/specs/optimizers.md section 1). */
#include "lab/base/vec.h"
#include "optim/optim.h"

typedef struct SgdSettings {
    double weight_decay;
} SgdSettings;

VEC_CLONES static void move(real *restrict w, const real *restrict g, int64_t n, real lr,
                            real decay) {
    for (int64_t i = 0; i < n; i++)
        w[i] -= lr * (g[i] + decay * w[i]);
}

static void sgd_update(const OptimStep *step, const OptimSpan *span, double ratio) {
    (void)ratio;
    const SgdSettings *settings = step->settings;
    double decay = span->segment->decay ? settings->weight_decay : 0;
    move(span->weights, span->grad, span->n, (real)step->lr, (real)decay);
}

static const Param params[] = {
    PARAM(NUMBER, SgdSettings, weight_decay, "0", 0, 1, "1",
          "coupled L2 decay, added to the gradient of tensors with the decay flag"),
    PARAM_END,
};

OPTIM_TYPE(sgd) = {
    .kind = {.name = "sgd",
             .summary = "plain gradient descent, with coupled weight decay",
             .detail =
                 "d = g + weight_decay * w     (decay only on tensors with the decay flag)\n"
                 "w = w - lr * d\n"
                 "\n"
                 "The ruler: no memory, no adaptation.\n"
                 "\n"
                 "When it fails: as soon as lr passes 2 / (largest curvature), however small the\n"
                 "noise has become. Scaling lr with the batch crosses that line sooner or later.",
             .reference = "Robbins and Monro 1951; torch.optim.SGD with momentum 0",
             .settings_bytes = sizeof(SgdSettings),
             .params = params},
    .lr = 0.1,
    .lr_power = 1,
    .update = sgd_update,
};
