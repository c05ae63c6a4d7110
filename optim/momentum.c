/* Heavy-ball and Nesterov momentum in the torch form (shared/specs/optimizers.md section 1.1): lr
 * stays outside the velocity, so a change of lr needs no momentum correction. */
#include "lab/base/vec.h"
#include "optim/optim.h"

typedef struct MomentumSettings {
    double momentum;
    bool nesterov;
    double weight_decay;
} MomentumSettings;

VEC_CLONES static void move(real *restrict w, real *restrict u, const real *restrict g, int64_t n,
                            real lr, real mu, real decay) {
    for (int64_t i = 0; i < n; i++) {
        u[i] = mu * u[i] + (g[i] + decay * w[i]);
        w[i] -= lr * u[i];
    }
}

VEC_CLONES static void move_nesterov(real *restrict w, real *restrict u, const real *restrict g,
                                     int64_t n, real lr, real mu, real decay) {
    for (int64_t i = 0; i < n; i++) {
        real d = g[i] + decay * w[i];
        u[i] = mu * u[i] + d;
        w[i] -= lr * (d + mu * u[i]);
    }
}

static void momentum_update(const OptimStep *step, const OptimSpan *span, double ratio) {
    (void)ratio;
    const MomentumSettings *settings = step->settings;
    double decay = span->segment->decay ? settings->weight_decay : 0;
    (settings->nesterov ? move_nesterov : move)(span->weights, span->slot[0], span->grad, span->n,
                                                (real)step->lr, (real)settings->momentum,
                                                (real)decay);
}

static const Param params[] = {
    PARAM(NUMBER, MomentumSettings, momentum, "0.9", 0, 1, "1", "decay of the velocity, mu"),
    PARAM(FLAG, MomentumSettings, nesterov, "false", 0, 0, "1",
          "step along d + momentum * velocity instead of the velocity"),
    PARAM(NUMBER, MomentumSettings, weight_decay, "1e-4", 0, 1, "1",
          "coupled L2 decay, added to the gradient of tensors with the decay flag"),
    PARAM_END,
};

OPTIM_TYPE(momentum) = {
    .kind = {.name = "momentum",
             .summary = "SGD with momentum, torch form; nesterov as an option",
             .detail = "d = g + weight_decay * w     (decay only on tensors with the decay flag)\n"
                       "u = momentum * u + d         (u starts at 0)\n"
                       "w = w - lr * u               nesterov: w = w - lr * (d + momentum * u)\n"
                       "\n"
                       "The learning rate is outside u (torch): when it changes, old gradients "
                       "count at the new\n"
                       "rate, which is what Goyal's momentum correction restores in the Caffe "
                       "form. With linear\n"
                       "scaling of lr this is the baseline of large-batch work; it needs a warmup "
                       "and fails, by\n"
                       "divergence or a worse end, once lr / (1 - momentum) passes what the "
                       "curvature allows.",
             .reference = "Polyak 1964; Sutskever et al. 2013; Goyal et al. 2017; torch.optim.SGD",
             .settings_bytes = sizeof(MomentumSettings),
             .params = params},
    .n_slots = 1,
    .lr = 0.1,
    .update = momentum_update,
};
