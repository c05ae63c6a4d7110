/* Adam with decoupled decay (shared/specs/optimizers.md section 2). */
#include "lab/base/vec.h"
#include "optim/moments.h"
#include "optim/optim.h"

enum { DECAY_LR, DECAY_SCHEDULE, DECAY_ALONE };

typedef struct AdamwSettings {
    double beta1, beta2;
    double eps;
    int eps_placement;
    bool bias_correction;
    double weight_decay;
    int decay_by;
    double alpha;
} AdamwSettings;

VEC_CLONES static void move(real *restrict w, real *restrict m, real *restrict v,
                            const real *restrict g, int64_t n, real lr, real shrink, Moments k) {
    moments_move(w, m, v, g, n, lr, shrink, k);
}

static double shrink_of(const AdamwSettings *settings, double lr) {
    switch (settings->decay_by) {
    case DECAY_LR:
        return lr * settings->weight_decay;
    case DECAY_SCHEDULE:
        return lr / settings->alpha * settings->weight_decay;
    default:
        return settings->weight_decay;
    }
}

static void adamw_update(const OptimStep *step, const OptimSpan *span, double ratio) {
    (void)ratio;
    const AdamwSettings *settings = step->settings;
    Moments k = moments_make(settings->beta1, settings->beta2, settings->eps,
                             settings->eps_placement, settings->bias_correction, step->t);
    double shrink = span->segment->decay ? shrink_of(settings, step->lr) : 0;
    move(span->weights, span->slot[0], span->slot[1], span->grad, span->n, (real)step->lr,
         (real)shrink, k);
}

VEC_CLONES static void precondition(real *restrict p, const real *restrict v, int64_t n,
                                    Moments k) {
    moments_precondition(p, v, n, k);
}

static void adamw_preconditioner(const OptimStep *step, const OptimSpan *span, real *p) {
    const AdamwSettings *settings = step->settings;
    precondition(p, span->slot[1], span->n,
                 moments_make(settings->beta1, settings->beta2, settings->eps,
                              settings->eps_placement, settings->bias_correction, step->t));
}

static const char *const placements[] = {"outside", "hat", "inside", NULL};
static const char *const decays[] = {"lr", "schedule", "alone", NULL};

static const Param params[] = {
    PARAM(NUMBER, AdamwSettings, beta1, "0.9", 0, 0.9999999, "1", "decay of the mean gradient m"),
    PARAM(NUMBER, AdamwSettings, beta2, "0.999", 0, 0.9999999, "1", "decay of the mean square v"),
    PARAM(NUMBER, AdamwSettings, eps, "1e-8", 1e-30, 1, "1",
          "keeps the denominator off zero; 0 / 0 without it"),
    PARAM_FROM(AdamwSettings, eps_placement, "\"outside\"", placements,
               "outside the root of the corrected v, epsilon-hat, or inside the root"),
    PARAM(FLAG, AdamwSettings, bias_correction, "true", 0, 0, "1", "divide m and v by c1 and c2"),
    PARAM(NUMBER, AdamwSettings, weight_decay, "0.01", 0, 1, "1",
          "decoupled decay of tensors with the decay flag"),
    PARAM_FROM(AdamwSettings, decay_by, "\"lr\"", decays,
               "what the decay is multiplied by: lr, the schedule lr / alpha, or nothing"),
    PARAM(NUMBER, AdamwSettings, alpha, "1", 1e-12, 1e6, "1",
          "decay_by schedule: the rate that the schedule multiplies, as lr.base after scaling"),
    PARAM_END,
};

static const Preset presets[] = {
    {"torch", "torch.optim.AdamW", "{}"},
    {"optax", "optax.adamw: another default decay", "{\"weight_decay\": 1e-4}"},
    {"bert", "BERT's AdamWeightDecayOptimizer", "{\"bias_correction\": false, \"eps\": 1e-6}"},
    {"paper", "algorithm 2 of the paper; give alpha", "{\"decay_by\": \"schedule\"}"},
    {"tf-addons", "TF Addons' decoupled mixin: the decay without lr", "{\"decay_by\": \"alone\"}"},
    PRESET_END,
};

OPTIM_TYPE(adamw) = {
    .kind = {.name = "adamw",
             .summary = "Adam with decoupled weight decay",
             .detail =
                 "m = beta1 * m + (1 - beta1) * g         c1 = 1 - beta1^t\n"
                 "v = beta2 * v + (1 - beta2) * g^2       c2 = 1 - beta2^t\n"
                 "w = w - lr * (m / c1) / (sqrt(v / c2) + eps) - s * w\n"
                 "s = weight_decay * lr            decay_by lr (torch)\n"
                 "    weight_decay * lr / alpha    decay_by schedule (the paper)\n"
                 "    weight_decay                 decay_by alone\n"
                 "eps_placement as in `adam`. The decay uses the weight before the step.\n"
                 "\n"
                 "weight_decay 0.01 at lr 0.01 is 1e-4 in the paper's form: settings do not\n"
                 "carry over between the two. lr goes with the square root of the batch.\n"
                 "\n"
                 "When it fails: with a large batch there are few steps, and beta2 = 0.999\n"
                 "remembers most of them (see lr.companion); without a warmup the first steps\n"
                 "are as large as any, on a v of a few gradients.",
             .reference = "Loshchilov and Hutter 2019 (arXiv 1711.05101); torch.optim.AdamW",
             .settings_bytes = sizeof(AdamwSettings),
             .params = params,
             .presets = presets},
    .n_slots = 2,
    .lr = 0.01,
    .lr_power = 0.5,
    .update = adamw_update,
    .preconditioner = adamw_preconditioner,
};
