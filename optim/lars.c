/* LARS (shared/specs/optimizers.md section 3): the form of the paper and MLPerf, where learning
 * rate and trust are both stored in the velocity, and the variants of the frameworks as settings.
 */
#include "lab/base/vec.h"
#include "optim/optim.h"
#include "optim/sums.h"
#include "optim/velocity.h"

#include <math.h>

enum { LR_INSIDE, LR_OUTSIDE };
enum { TRUST_ON_GRAD, TRUST_ON_MOMENTUM };
enum { DENOMINATOR_SPLIT, DENOMINATOR_SUM, DENOMINATOR_GRAD_ONLY };
enum { MODE_SCALE, MODE_CLIP };
enum { SKIP_NDIM, SKIP_WD, SKIP_NONE };
enum { ZERO_NORM_TRUST1, ZERO_NORM_NOOP };

typedef struct LarsSettings {
    double momentum;
    double eta;
    double weight_decay;
    double eps;
    bool nesterov;
    int lr_placement;
    int trust_on;
    int denominator;
    int mode;
    bool one_minus_mu;
    int skip;
    double excluded_lr_scale;
    int zero_norm;
} LarsSettings;

static bool adapts(const LarsSettings *settings, const Segment *segment) {
    switch (settings->skip) {
    case SKIP_NDIM:
        return segment->adapt;
    case SKIP_WD:
        return segment->decay && settings->weight_decay > 0;
    default:
        return true;
    }
}

/* Where a zero gradient is left alone it gets no decay either. (With a zero weight there is none.)
 */
static double decay_of(const LarsSettings *settings, const OptimSpan *span) {
    bool noop = settings->zero_norm == ZERO_NORM_NOOP && adapts(settings, span->segment) &&
                !(span->grad_sumsq > 0);
    return span->segment->decay && !noop ? settings->weight_decay : 0;
}

VEC_CLONES static double squares(const real *w, int64_t n) {
    return sums_squares(w, n);
}

VEC_CLONES static double decayed_squares(const real *restrict w, const real *restrict g, int64_t n,
                                         real decay) {
    real d[VEC_CHUNK];
    for (int64_t i = 0; i < n; i++)
        d[i] = g[i] + decay * w[i];
    return sums_squares(d, n);
}

/* Trust on the momentum: the velocity moves before the norm is taken. `ahead` 0: the norm of v. */
VEC_CLONES static double moved_squares(const real *restrict w, real *restrict v,
                                       const real *restrict g, int64_t n, real mu, real decay,
                                       bool ahead) {
    real u[VEC_CHUNK];
    real c_v = ahead ? mu : 1, c_d = ahead ? 1 : 0;
    for (int64_t i = 0; i < n; i++) {
        real d = g[i] + decay * w[i];
        v[i] = mu * v[i] + d;
        u[i] = c_v * v[i] + c_d * d;
    }
    return sums_squares(u, n);
}

/* sums: |w|^2, and |.|^2 of the denominator where it is not |g|, which is known from the reduction.
 */
static void lars_measure(const OptimStep *step, const OptimSpan *span, double *sums) {
    const LarsSettings *settings = step->settings;
    bool adapted = adapts(settings, span->segment);
    real decay = (real)decay_of(settings, span);
    sums[0] = adapted ? squares(span->weights, span->n) : 0;
    sums[1] = 0;
    if (settings->trust_on == TRUST_ON_MOMENTUM)
        sums[1] = moved_squares(span->weights, span->slot[0], span->grad, span->n,
                                (real)settings->momentum, decay, settings->nesterov);
    else if (adapted && settings->denominator == DENOMINATOR_SUM)
        sums[1] = decayed_squares(span->weights, span->grad, span->n, decay);
}

static double denominator_of(const LarsSettings *settings, const Segment *segment, double n_w,
                             double n_g, double n_measured) {
    double lam = segment->decay ? settings->weight_decay : 0;
    if (settings->trust_on == TRUST_ON_MOMENTUM || settings->denominator == DENOMINATOR_SUM)
        return n_measured + settings->eps;
    return n_g + (settings->denominator == DENOMINATOR_SPLIT ? lam * n_w : 0) + settings->eps;
}

/* At lr 0 a clipped rate is the full one; lr multiplies later. */
static double clipped(const LarsSettings *settings, double rate, double lr) {
    if (settings->mode == MODE_SCALE)
        return rate;
    return lr > 0 && rate < lr ? rate / lr : 1;
}

static double lars_ratio(const OptimStep *step, const Segment *segment, const double *sums,
                         double grad_sumsq) {
    const LarsSettings *settings = step->settings;
    double n_w = sqrt(sums[0]), n_g = sqrt(grad_sumsq), n_d = sqrt(sums[1]);
    if (!adapts(settings, segment))
        return settings->excluded_lr_scale;
    bool on_momentum = settings->trust_on == TRUST_ON_MOMENTUM;
    if (!(n_w > 0 && (on_momentum ? n_d : n_g) > 0))
        return settings->zero_norm == ZERO_NORM_NOOP ? 1 : clipped(settings, 1, step->lr);
    double denominator = denominator_of(settings, segment, n_w, n_g, n_d);
    if (!(denominator > 0)) /* the decay cancels the gradient */
        return clipped(settings, 1, step->lr);
    double rate = settings->eta * n_w / denominator;
    return clipped(settings, settings->one_minus_mu ? rate * (1 - settings->momentum) : rate,
                   step->lr);
}

VEC_CLONES static void move(real *restrict w, real *restrict v, const real *restrict g, int64_t n,
                            Velocity k) {
    velocity_move(w, v, g, n, k);
}

VEC_CLONES static void move_ahead(real *restrict w, real *restrict v, const real *restrict g,
                                  int64_t n, Velocity k) {
    velocity_move_ahead(w, v, g, n, k);
}

/* After moved_squares; s = lr * trust. */
VEC_CLONES static void follow(real *restrict w, const real *restrict v, const real *restrict g,
                              int64_t n, real s, real mu, real decay, bool ahead) {
    real c_v = ahead ? mu : 1, c_d = ahead ? 1 : 0;
    for (int64_t i = 0; i < n; i++)
        w[i] -= s * (c_v * v[i] + c_d * (g[i] + decay * w[i]));
}

static void lars_update(const OptimStep *step, const OptimSpan *span, double ratio) {
    const LarsSettings *settings = step->settings;
    double decay = decay_of(settings, span);
    if (settings->trust_on == TRUST_ON_MOMENTUM) {
        follow(span->weights, span->slot[0], span->grad, span->n, (real)(step->lr * ratio),
               (real)settings->momentum, (real)decay, settings->nesterov);
        return;
    }
    bool inside = settings->lr_placement == LR_INSIDE;
    Velocity k = {.keep = (real)settings->momentum,
                  .gain = (real)(inside ? step->lr * ratio : ratio),
                  .decay = (real)decay,
                  .rate = (real)(inside ? 1 : step->lr),
                  .mu = (real)settings->momentum};
    (settings->nesterov ? move_ahead : move)(span->weights, span->slot[0], span->grad, span->n, k);
}

static const char *const lr_placements[] = {"inside", "outside", NULL};
static const char *const trusts[] = {"grad", "momentum", NULL};
static const char *const denominators[] = {"split", "sum", "grad_only", NULL};
static const char *const modes[] = {"scale", "clip", NULL};
static const char *const skips[] = {"ndim", "wd", "none", NULL};
static const char *const zero_norms[] = {"trust1", "noop", NULL};

static const Param params[] = {
    PARAM(NUMBER, LarsSettings, momentum, "0.9", 0, 1, "1", "decay of the velocity, mu"),
    PARAM(NUMBER, LarsSettings, eta, "0.001", 0, 1, "1", "trust coefficient"),
    PARAM(NUMBER, LarsSettings, weight_decay, "1e-4", 0, 1, "1",
          "coupled L2 decay of tensors with the decay flag, also in the denominator of trust"),
    PARAM(NUMBER, LarsSettings, eps, "0", 0, 1, "1", "added to the denominator of trust"),
    PARAM(FLAG, LarsSettings, nesterov, "false", 0, 0, "1", "look ahead by momentum * velocity"),
    PARAM_FROM(LarsSettings, lr_placement, "\"inside\"", lr_placements,
               "lr inside the velocity, where old steps keep the old lr, or outside"),
    PARAM_FROM(LarsSettings, trust_on, "\"grad\"", trusts,
               "trust of the gradient, inside the velocity; or of the momentum, outside with lr"),
    PARAM_FROM(LarsSettings, denominator, "\"split\"", denominators,
               "|g| + weight_decay * |w|; |g + weight_decay * w|; or |g|"),
    PARAM_FROM(LarsSettings, mode, "\"scale\"", modes, "rate lr * trust, or min(lr, trust)"),
    PARAM(FLAG, LarsSettings, one_minus_mu, "false", 0, 0, "1", "trust times 1 - momentum"),
    PARAM_FROM(LarsSettings, skip, "\"ndim\"", skips,
               "not adapted: tensors without the adapt flag, those without decay, or none"),
    PARAM(NUMBER, LarsSettings, excluded_lr_scale, "1", 0, 1e6, "1",
          "trust of the tensors that are not adapted"),
    PARAM_FROM(LarsSettings, zero_norm, "\"trust1\"", zero_norms,
               "an adapted tensor with |w| or |g| 0: trust 1 with decay, or neither"),
    PARAM_END,
};

static const Preset presets[] = {
    {"mlperf", "the paper, mlcommons (TF 1), Paddle, NVCaffe of August 2017", "{}"},
    {"mlperf-tf2", "mlcommons (TF 2), where eps 0 becomes 1e-7", "{\"eps\": 1e-7}"},
    {"timm", "timm Lars", "{\"lr_placement\": \"outside\", \"eps\": 1e-8, \"skip\": \"wd\"}"},
    {"bolts", "Lightning bolts, flash",
     "{\"lr_placement\": \"outside\", \"eps\": 1e-8, \"skip\": \"wd\", \"zero_norm\": \"noop\"}"},
    {"apex-larc", "apex LARC over SGD, which clips",
     "{\"lr_placement\": \"outside\", \"eps\": 1e-8, \"skip\": \"none\", \"zero_norm\": \"noop\", "
     "\"mode\": \"clip\", \"eta\": 0.02}"},
    {"simclr", "SimCLR with classic_momentum, optax.lars, nnabla", "{\"denominator\": \"sum\"}"},
    {"simclr-late", "SimCLR without classic_momentum: trust after the momentum",
     "{\"trust_on\": \"momentum\", \"lr_placement\": \"outside\"}"},
    {"nvcaffe", "nvcaffe-0.16, which clips",
     "{\"denominator\": \"grad_only\", \"mode\": \"clip\", \"skip\": \"none\"}"},
    {"nvcaffe-0.17", "NVIDIA/caffe 0.17: scales, with 1 - momentum",
     "{\"denominator\": \"grad_only\", \"one_minus_mu\": true, \"skip\": \"none\"}"},
    PRESET_END,
};

OPTIM_TYPE(lars) = {
    .kind =
        {.name = "lars",
         .summary = "momentum with a trust ratio per tensor: steps in proportion to the weights",
         .detail =
             "trust = eta * |w| / (|g| + weight_decay * |w| + eps)     per tensor\n"
             "d = g + weight_decay * w     (decay only on tensors with the decay flag)\n"
             "inside   v = momentum * v + lr * trust * d               (v starts at 0)\n"
             "         w = w - v              nesterov: w = w - (momentum * v + lr * trust * d)\n"
             "outside  u = momentum * u + trust * d\n"
             "         w = w - lr * u         nesterov: w = w - lr * (momentum * u + trust * d)\n"
             "trust_on momentum  u = momentum * u + d     (nesterov: u' = momentum * u + d)\n"
             "         w = w - lr * (eta * |w| / (|u| + eps)) * u\n"
             "mode clip   min(trust / lr, 1) for trust, so that the rate is min(lr, trust)\n"
             "Tensors that are not adapted have trust = excluded_lr_scale. Adapted ones with |w|\n"
             "or |g| 0 have trust 1 (clip: min(1 / lr, 1)) and keep their decay, or, zero_norm\n"
             "noop, trust 1 and no decay.\n"
             "\n"
             "The placement of lr does not matter while lr is constant; under any schedule\n"
             "it does. The sum denominator is never larger than the split one, and differs\n"
             "most late, when g and w point against each other. Learning rates are of the\n"
             "order 1 to 30, since eta multiplies them. MLPerf's lr.base for ResNet-50: 5\n"
             "below batch 8192, 10 below 16384, 25 below 32768, then 29 to 32, with a warmup\n"
             "of 5 epochs or more and a polynomial decay of power 2.\n"
             "\n"
             "When it fails: at the first updates, because biases and other tensors without\n"
             "the adapt flag take that raw lr (as in MLPerf; excluded_lr_scale), and so does\n"
             "an adapted tensor that starts at exactly zero; without a warmup; with the\n"
             "decay in the loss as well. At small batches momentum is as good.",
         .reference = "You, Gitman, Ginsburg 2017 (arXiv 1708.03888); mlcommons "
                      "mlperf_lars_optimizer.py",
         .settings_bytes = sizeof(LarsSettings),
         .params = params,
         .presets = presets},
    .n_slots = 1,
    .n_sums = 2,
    .traffic = 6,
    .lr = 2,
    .lr_power = 1,
    .measure = lars_measure,
    .ratio = lars_ratio,
    .update = lars_update,
};
