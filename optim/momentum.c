/* Heavy-ball and Nesterov momentum in the forms of the frameworks (shared/specs/optimizers.md
 * section 1.1). */
#include "lab/base/vec.h"
#include "optim/optim.h"
#include "optim/velocity.h"

#include <math.h>

enum { FORM_TORCH, FORM_CAFFE, FORM_EMA };
enum { CORRECTION_NONE, CORRECTION_GOYAL, CORRECTION_DETECTRON };

typedef struct MomentumSettings {
    double momentum;
    bool nesterov;
    double weight_decay;
    int form;
    double dampening;
    int correction;
} MomentumSettings;

VEC_CLONES static void move(real *restrict w, real *restrict v, const real *restrict g, int64_t n,
                            Velocity k) {
    velocity_move(w, v, g, n, k);
}

VEC_CLONES static void move_ahead(real *restrict w, real *restrict v, const real *restrict g,
                                  int64_t n, Velocity k) {
    velocity_move_ahead(w, v, g, n, k);
}

/* What the velocity of the Caffe form, which holds old learning rates, is multiplied by. */
static double correction_of(const MomentumSettings *settings, double lr, double lr_last) {
    if (settings->correction == CORRECTION_NONE || !(lr_last > 0))
        return 1;
    double ratio = lr / lr_last;
    bool small = fmax(ratio, 1 / ratio) <= 1.1 || lr_last <= 1e-7; /* Detectron leaves those */
    return settings->correction == CORRECTION_DETECTRON && small ? 1 : ratio;
}

enum { KEEP, GAIN, RATE };

static void momentum_begin(OptimStep *step) {
    const MomentumSettings *settings = step->settings;
    step->constant[KEEP] = settings->momentum;
    step->constant[GAIN] = 1;
    step->constant[RATE] = step->lr;
    switch (settings->form) {
    case FORM_TORCH: /* the first velocity is the first gradient, not damped */
        step->constant[GAIN] = step->t == 1 ? 1 : 1 - settings->dampening;
        break;
    case FORM_CAFFE:
        step->constant[KEEP] *= correction_of(settings, step->lr, step->lr_last);
        step->constant[GAIN] = step->lr;
        step->constant[RATE] = 1;
        break;
    case FORM_EMA:
        step->constant[GAIN] = 1 - settings->momentum;
        break;
    }
}

static void momentum_update(const OptimStep *step, const OptimSpan *span, double ratio) {
    (void)ratio;
    const MomentumSettings *settings = step->settings;
    Velocity k = {.keep = (real)step->constant[KEEP],
                  .gain = (real)step->constant[GAIN],
                  .decay = (real)(span->segment->decay ? settings->weight_decay : 0),
                  .rate = (real)step->constant[RATE],
                  .mu = (real)settings->momentum};
    (settings->nesterov ? move_ahead : move)(span->weights, span->slot[0], span->grad, span->n, k);
}

static const char *const forms[] = {"torch", "caffe", "ema", NULL};
static const char *const corrections[] = {"none", "goyal", "detectron", NULL};

static const Param params[] = {
    PARAM(NUMBER, MomentumSettings, momentum, "0.9", 0, 1, "1", "decay of the velocity, mu"),
    PARAM(FLAG, MomentumSettings, nesterov, "false", 0, 0, "1",
          "step along d + momentum * velocity instead of the velocity"),
    PARAM(NUMBER, MomentumSettings, weight_decay, "1e-4", 0, 1, "1",
          "coupled L2 decay, added to the gradient of tensors with the decay flag"),
    PARAM_FROM(MomentumSettings, form, "\"torch\"", forms,
               "lr outside the velocity (torch), inside it (caffe), or a moving average (ema)"),
    PARAM(NUMBER, MomentumSettings, dampening, "0", 0, 1, "1",
          "torch form: d enters the velocity by 1 - dampening, but for the first one"),
    PARAM_FROM(MomentumSettings, correction, "\"none\"", corrections,
               "caffe form: rescale the velocity when lr changes"),
    PARAM_END,
};

static const Preset presets[] = {
    {"torch", "torch.optim.SGD, optax.sgd", "{\"form\": \"torch\"}"},
    {"caffe", "Caffe, Keras, TF MomentumOptimizer with lr folded in", "{\"form\": \"caffe\"}"},
    {"goyal", "the Caffe form with Goyal's momentum correction: the torch form's weights",
     "{\"form\": \"caffe\", \"correction\": \"goyal\"}"},
    {"detectron", "Caffe2's form; corrected only when lr changes by more than a tenth",
     "{\"form\": \"caffe\", \"correction\": \"detectron\"}"},
    PRESET_END,
};

OPTIM_TYPE(momentum) = {
    .kind =
        {.name = "momentum",
         .summary = "SGD with momentum: torch, Caffe and average forms; nesterov as an option",
         .detail = "d = g + weight_decay * w     (decay only on tensors with the decay flag)\n"
                   "torch   u = momentum * u + (1 - dampening) * d    (first step: u = d)\n"
                   "        w = w - lr * u            nesterov: w = w - lr * (d + momentum * u)\n"
                   "caffe   v = momentum * c * v + lr * d             (v starts at 0)\n"
                   "        w = w - v                 nesterov: w = w - (momentum * v + lr * d)\n"
                   "ema     m = momentum * m + (1 - momentum) * d     (m starts at 0)\n"
                   "        w = w - lr * m\n"
                   "\n"
                   "Correction c of the caffe form: 1 (none), lr / last lr (goyal; 1 after a rate\n"
                   "of 0), or that only when lr changes by more than a tenth (detectron: most\n"
                   "updates of a linear warmup stay uncorrected). With goyal the caffe form gives\n"
                   "the torch form's weights, except that a first update at lr 0 loses its\n"
                   "gradient for ever. In the torch form a change of lr rescales old gradients\n"
                   "too, so it needs none. The average form is not torch's dampening = 1 -\n"
                   "momentum: its first step is damped. torch refuses nesterov with dampening;\n"
                   "here the damped d looks ahead.\n"
                   "\n"
                   "With linear scaling of lr this is the baseline of large-batch work.\n"
                   "\n"
                   "When it fails: by divergence or a worse end once lr / (1 - momentum) passes\n"
                   "what the curvature allows; without a warmup, in the first epoch at large\n"
                   "batches.",
         .reference = "Polyak 1964; Sutskever et al. 2013; Goyal et al. 2017 (arXiv 1706.02677) "
                      "remark 2; torch.optim.SGD; Caffe SGDSolver",
         .settings_bytes = sizeof(MomentumSettings),
         .params = params,
         .presets = presets},
    .n_slots = 1,
    .lr = 0.1,
    .lr_power = 1,
    .begin = momentum_begin,
    .update = momentum_update,
};
