/* Adam with coupled (L2) decay (shared/specs/optimizers.md section 2). */
#include "lab/base/vec.h"
#include "optim/moments.h"
#include "optim/optim.h"

typedef struct AdamSettings {
    double beta1, beta2;
    double eps;
    int eps_placement;
    bool bias_correction;
    double weight_decay;
} AdamSettings;

VEC_CLONES static void move(real *restrict w, real *restrict m, real *restrict v,
                            const real *restrict g, int64_t n, real lr, Moments k) {
    moments_move(w, m, v, g, n, lr, 0, k);
}

static void adam_update(const OptimStep *step, const OptimSpan *span, double ratio) {
    (void)ratio;
    const AdamSettings *settings = step->settings;
    Moments k = moments_make(settings->beta1, settings->beta2, settings->eps,
                             settings->eps_placement, settings->bias_correction, step->t);
    k.l2 = (real)(span->segment->decay ? settings->weight_decay : 0);
    move(span->weights, span->slot[0], span->slot[1], span->grad, span->n, (real)step->lr, k);
}

VEC_CLONES static void precondition(real *restrict p, const real *restrict v, int64_t n,
                                    Moments k) {
    moments_precondition(p, v, n, k);
}

static void adam_preconditioner(const OptimStep *step, const OptimSpan *span, real *p) {
    const AdamSettings *settings = step->settings;
    precondition(p, span->slot[1], span->n,
                 moments_make(settings->beta1, settings->beta2, settings->eps,
                              settings->eps_placement, settings->bias_correction, step->t));
}

static const char *const placements[] = {"outside", "hat", "inside", NULL};

static const Param params[] = {
    PARAM(NUMBER, AdamSettings, beta1, "0.9", 0, 0.9999999, "1", "decay of the mean gradient m"),
    PARAM(NUMBER, AdamSettings, beta2, "0.999", 0, 0.9999999, "1", "decay of the mean square v"),
    PARAM(NUMBER, AdamSettings, eps, "1e-8", 1e-30, 1, "1",
          "keeps the denominator off zero; 0 / 0 without it"),
    PARAM_FROM(AdamSettings, eps_placement, "\"outside\"", placements,
               "outside the root of the corrected v, epsilon-hat, or inside the root"),
    PARAM(FLAG, AdamSettings, bias_correction, "true", 0, 0, "1", "divide m and v by c1 and c2"),
    PARAM(NUMBER, AdamSettings, weight_decay, "0", 0, 1, "1",
          "coupled L2 decay, added to the gradient of tensors with the decay flag"),
    PARAM_END,
};

static const Preset presets[] = {
    {"torch", "torch.optim.Adam, optax.adam", "{}"},
    {"tf1", "TF 1 AdamOptimizer: epsilon-hat", "{\"eps_placement\": \"hat\"}"},
    {"keras", "Keras 3: epsilon-hat, 1e-7", "{\"eps_placement\": \"hat\", \"eps\": 1e-7}"},
    PRESET_END,
};

OPTIM_TYPE(adam) = {
    .kind = {.name = "adam",
             .summary = "Adam, with coupled (L2) weight decay",
             .detail =
                 "d = g + weight_decay * w     (decay only on tensors with the decay flag)\n"
                 "m = beta1 * m + (1 - beta1) * d         c1 = 1 - beta1^t\n"
                 "v = beta2 * v + (1 - beta2) * d^2       c2 = 1 - beta2^t\n"
                 "outside  w = w - lr * (m / c1) / (sqrt(v / c2) + eps)\n"
                 "hat      w = w - lr * sqrt(c2) / c1 * m / (sqrt(v) + eps)\n"
                 "inside   w = w - lr * (m / c1) / sqrt(v / c2 + eps)\n"
                 "\n"
                 "Epsilon-hat is a larger eps while c2 is small: visible in the first thousand\n"
                 "steps. The step hardly depends on the size of the gradient, so lr goes with\n"
                 "the square root of the batch.\n"
                 "\n"
                 "When it fails: coupled decay is divided by sqrt(v) like the gradient, so that\n"
                 "tensors with large gradients hardly decay (`adamw` mends it). With a large\n"
                 "batch there are few steps, and beta2 = 0.999 remembers most of them: see\n"
                 "lr.companion.",
             .reference = "Kingma and Ba 2015 (arXiv 1412.6980); torch.optim.Adam",
             .settings_bytes = sizeof(AdamSettings),
             .params = params,
             .presets = presets},
    .n_slots = 2,
    .lr = 0.01,
    .lr_power = 0.5,
    .update = adam_update,
    .preconditioner = adam_preconditioner,
};
