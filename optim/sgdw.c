/* Momentum with decoupled weight decay (shared/specs/optimizers.md section 1.2). */
#include "lab/base/vec.h"
#include "optim/optim.h"
#include "optim/velocity.h"

enum { DECAY_LR, DECAY_SCHEDULE, DECAY_ALONE };
enum { LR_OUTSIDE, LR_INSIDE };

typedef struct SgdwSettings {
    double momentum;
    bool nesterov;
    double weight_decay;
    int decay_by;
    double alpha;
    int lr_placement;
} SgdwSettings;

VEC_CLONES static void move(real *restrict w, real *restrict v, const real *restrict g, int64_t n,
                            Velocity k) {
    velocity_move(w, v, g, n, k);
}

VEC_CLONES static void move_ahead(real *restrict w, real *restrict v, const real *restrict g,
                                  int64_t n, Velocity k) {
    velocity_move_ahead(w, v, g, n, k);
}

static double shrink_of(const SgdwSettings *settings, double lr) {
    switch (settings->decay_by) {
    case DECAY_LR:
        return lr * settings->weight_decay;
    case DECAY_SCHEDULE:
        return lr / settings->alpha * settings->weight_decay;
    default:
        return settings->weight_decay;
    }
}

static void sgdw_update(const OptimStep *step, const OptimSpan *span, double ratio) {
    (void)ratio;
    const SgdwSettings *settings = step->settings;
    bool inside = settings->lr_placement == LR_INSIDE;
    Velocity k = {.keep = (real)settings->momentum,
                  .gain = (real)(inside ? step->lr : 1),
                  .rate = (real)(inside ? 1 : step->lr),
                  .shrink = (real)(span->segment->decay ? shrink_of(settings, step->lr) : 0),
                  .mu = (real)settings->momentum};
    (settings->nesterov ? move_ahead : move)(span->weights, span->slot[0], span->grad, span->n, k);
}

static const char *const decays[] = {"lr", "schedule", "alone", NULL};
static const char *const placements[] = {"outside", "inside", NULL};

static const Param params[] = {
    PARAM(NUMBER, SgdwSettings, momentum, "0.9", 0, 1, "1", "decay of the velocity, mu"),
    PARAM(FLAG, SgdwSettings, nesterov, "false", 0, 0, "1",
          "step along g + momentum * velocity instead of the velocity"),
    PARAM(NUMBER, SgdwSettings, weight_decay, "1e-4", 0, 1, "1",
          "decoupled decay of tensors with the decay flag"),
    PARAM_FROM(SgdwSettings, decay_by, "\"lr\"", decays,
               "what the decay is multiplied by: lr, the schedule lr / alpha, or nothing"),
    PARAM(NUMBER, SgdwSettings, alpha, "1", 1e-12, 1e6, "1",
          "decay_by schedule: the rate that the schedule multiplies, as lr.base after scaling"),
    PARAM_FROM(SgdwSettings, lr_placement, "\"outside\"", placements,
               "lr outside the velocity, or inside it as in the paper"),
    PARAM_END,
};

static const Preset presets[] = {
    {"timm", "timm SGDW; apex FusedSGD with wd_after_momentum: the same rule",
     "{\"decay_by\": \"lr\", \"lr_placement\": \"outside\"}"},
    {"paper", "algorithm 1 of the paper; give alpha",
     "{\"decay_by\": \"schedule\", \"lr_placement\": \"inside\"}"},
    PRESET_END,
};

OPTIM_TYPE(sgdw) = {
    .kind = {.name = "sgdw",
             .summary = "momentum with decoupled weight decay",
             .detail =
                 "outside  u = momentum * u + g           w = w - lr * u - s * w\n"
                 "inside   v = momentum * v + lr * g      w = w - v - s * w\n"
                 "s = weight_decay * lr            decay_by lr\n"
                 "    weight_decay * lr / alpha    decay_by schedule (the paper)\n"
                 "    weight_decay                 decay_by alone\n"
                 "nesterov: momentum * u + g (momentum * v + lr * g) instead of u (v)\n"
                 "\n"
                 "Shrinking w before the step and adding the decay after the momentum are the\n"
                 "same rule, since g was taken before either. In the paper alpha does not\n"
                 "multiply the decay: its weight_decay is alpha times that of decay_by lr. Decay\n"
                 "without lr and without schedule is in use too.\n"
                 "\n"
                 "When it fails: where momentum does; and decay_by alone goes on shrinking the\n"
                 "weights when the rate has decayed.",
             .reference = "Loshchilov and Hutter 2019 (arXiv 1711.05101), algorithm 1; timm SGDW; "
                          "apex FusedSGD",
             .settings_bytes = sizeof(SgdwSettings),
             .params = params,
             .presets = presets},
    .n_slots = 1,
    .lr = 0.1,
    .lr_power = 1,
    .update = sgdw_update,
};
