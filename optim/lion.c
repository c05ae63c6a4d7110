/* Lion: the sign of an interpolated momentum, with decoupled decay (Chen et al. 2023, algorithm 2).
 */
#include "lab/base/vec.h"
#include "optim/optim.h"

typedef struct LionSettings {
    double beta1, beta2;
    double weight_decay;
} LionSettings;

/* a = 1 - b; shrink = lr * weight_decay */
VEC_CLONES static void move(real *restrict w, real *restrict m, const real *restrict g, int64_t n,
                            real lr, real b1, real a1, real b2, real a2, real shrink) {
    for (int64_t i = 0; i < n; i++) {
        real c = b1 * m[i] + a1 * g[i];
        real sign = (real)((c > 0) - (c < 0));
        m[i] = b2 * m[i] + a2 * g[i];
        w[i] -= lr * sign + shrink * w[i];
    }
}

static void lion_update(const OptimStep *step, const OptimSpan *span, double ratio) {
    (void)ratio;
    const LionSettings *settings = step->settings;
    double shrink = span->segment->decay ? step->lr * settings->weight_decay : 0;
    move(span->weights, span->slot[0], span->grad, span->n, (real)step->lr, (real)settings->beta1,
         (real)(1 - settings->beta1), (real)settings->beta2, (real)(1 - settings->beta2),
         (real)shrink);
}

static const Param params[] = {
    PARAM(NUMBER, LionSettings, beta1, "0.9", 0, 1, "1", "share of m in the direction"),
    PARAM(NUMBER, LionSettings, beta2, "0.99", 0, 1, "1", "decay of m"),
    PARAM(NUMBER, LionSettings, weight_decay, "0", 0, 10, "1",
          "decoupled decay of tensors with the decay flag"),
    PARAM_END,
};

OPTIM_TYPE(lion) = {
    .kind = {.name = "lion",
             .summary = "sign of an interpolated momentum: every weight moves by lr",
             .detail =
                 "w = w - lr * (sign(beta1 * m + (1 - beta1) * g) + weight_decay * w)\n"
                 "m = beta2 * m + (1 - beta2) * g     (m starts at 0; sign(0) = 0)\n"
                 "\n"
                 "The size of the gradient has no effect: noise of a small batch changes\n"
                 "directions only, and a larger batch makes more of them right. lr a third to a\n"
                 "tenth of AdamW's and weight_decay as many times larger. Half of Adam's memory.\n"
                 "\n"
                 "When it fails: a step never shrinks by itself, so lr must decay; at small\n"
                 "batches half of the signs are noise.",
             .reference = "Chen et al. 2023 (arXiv 2302.06675), algorithm 2",
             .settings_bytes = sizeof(LionSettings),
             .params = params},
    .n_slots = 1,
    .lr = 0.001,
    .lr_power = 0.5,
    .update = lion_update,
};
