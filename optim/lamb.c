/* LAMB (shared/specs/optimizers.md section 4): version 5 of the paper, and the variants of the
 * frameworks as settings. The measure pass moves m and v and takes the norms; the update pass forms
 * the direction again from m and v. Keeping it in one more vector instead was slower (37 against 32
 * ms at 10^7 weights, 1.5 against 1.3 ms at 670k): the traffic costs more than the second root. */
#include "lab/base/vec.h"
#include "optim/clip.h"
#include "optim/moments.h"
#include "optim/optim.h"
#include "optim/sums.h"

enum { DECAY_INSIDE, DECAY_OUTSIDE, DECAY_L2 };
enum { SKIP_NDIM, SKIP_WD, SKIP_NONE };

typedef struct LambSettings {
    double beta1, beta2;
    double eps;
    int eps_placement;
    bool bias_correction, bias_in_step;
    double weight_decay;
    int decay;
    int skip;
    double phi_min, phi_max;
    double ratio_min, ratio_max;
    double max_grad_norm;
    bool normalise_grad;
} LambSettings;

/* step->constant: what lr is multiplied by */
enum { STEP_FACTOR };

static void lamb_begin(OptimStep *step) {
    const LambSettings *settings = step->settings;
    double t = (double)step->t, norm = sqrt(step->grad_sumsq);
    step->constant[STEP_FACTOR] =
        settings->bias_in_step ? sqrt(1 - pow(settings->beta2, t)) / (1 - pow(settings->beta1, t))
                               : 1;
    if (settings->normalise_grad)
        step->grad_factor = norm > 0 ? 1 / norm : 1;
    else if (settings->max_grad_norm > 0)
        step->grad_factor = clip_factor(CLIP_TF, norm, settings->max_grad_norm);
}

static double decay_of(const LambSettings *settings, const Segment *segment, int where) {
    return segment->decay && settings->decay == where ? settings->weight_decay : 0;
}

static Moments letters_of(const OptimStep *step, const Segment *segment) {
    const LambSettings *settings = step->settings;
    Moments k = moments_make(settings->beta1, settings->beta2, settings->eps,
                             settings->eps_placement == 1 ? EPS_INSIDE : EPS_OUTSIDE,
                             settings->bias_correction && !settings->bias_in_step, step->t);
    k.factor = (real)step->grad_factor;
    k.l2 = (real)decay_of(settings, segment, DECAY_L2);
    return k;
}

/* Moves m and v; the directions u stay in the first cache until their norm is taken. */
VEC_CLONES static void measure(double *sums, real *restrict m, real *restrict v,
                               const real *restrict w, const real *restrict g, int64_t n, real lam,
                               Moments k) {
    real u[VEC_CHUNK];
    for (int64_t i = 0; i < n; i++) {
        moments_see(&k, &m[i], &v[i], w[i], g[i]);
        u[i] = moments_ascent(&k, m[i], v[i]) + lam * w[i];
    }
    sums[0] = sums_squares(w, n);
    sums[1] = sums_squares(u, n);
}

static void lamb_measure(const OptimStep *step, const OptimSpan *span, double *sums) {
    measure(sums, span->slot[0], span->slot[1], span->weights, span->grad, span->n,
            (real)decay_of(step->settings, span->segment, DECAY_INSIDE),
            letters_of(step, span->segment));
}

static bool adapts(const LambSettings *settings, const Segment *segment) {
    switch (settings->skip) {
    case SKIP_NDIM:
        return segment->adapt;
    case SKIP_WD:
        return segment->decay && settings->weight_decay > 0;
    default:
        return true;
    }
}

static double limited(double x, double min, double max) {
    return x < min ? min : max > 0 && x > max ? max : x;
}

/* Decay outside the ratio comes first: the norm is then that of the shrunk weights. */
static double lamb_ratio(const OptimStep *step, const Segment *segment, const double *sums,
                         double grad_sumsq) {
    (void)grad_sumsq;
    const LambSettings *settings = step->settings;
    double shrink = step->lr * decay_of(settings, segment, DECAY_OUTSIDE);
    double n_w = sqrt(sums[0]) * fabs(1 - shrink), n_u = sqrt(sums[1]);
    if (!adapts(settings, segment) || !(n_w > 0 && n_u > 0))
        return 1;
    return limited(limited(n_w, settings->phi_min, settings->phi_max) / n_u, settings->ratio_min,
                   settings->ratio_max);
}

VEC_CLONES static void move(real *restrict w, const real *restrict m, const real *restrict v,
                            int64_t n, real s, real lam, real shrink, Moments k) {
    for (int64_t i = 0; i < n; i++)
        w[i] -= s * (moments_ascent(&k, m[i], v[i]) + lam * w[i]) + shrink * w[i];
}

static void lamb_update(const OptimStep *step, const OptimSpan *span, double ratio) {
    const LambSettings *settings = step->settings;
    move(span->weights, span->slot[0], span->slot[1], span->n,
         (real)(step->lr * step->constant[STEP_FACTOR] * ratio),
         (real)decay_of(settings, span->segment, DECAY_INSIDE),
         (real)(step->lr * decay_of(settings, span->segment, DECAY_OUTSIDE)),
         letters_of(step, span->segment));
}

VEC_CLONES static void precondition(real *restrict p, const real *restrict v, int64_t n,
                                    Moments k) {
    moments_precondition(p, v, n, k);
}

/* Without the trust ratio, which all weights of a tensor share and which follows the gradient. */
static void lamb_preconditioner(const OptimStep *step, const OptimSpan *span, real *p) {
    precondition(p, span->slot[1], span->n, letters_of(step, span->segment));
}

static const char *const placements[] = {"outside", "inside", NULL};
static const char *const decays[] = {"inside", "outside", "l2", NULL};
static const char *const skips[] = {"ndim", "wd", "none", NULL};

static const Param params[] = {
    PARAM(NUMBER, LambSettings, beta1, "0.9", 0, 0.9999999, "1", "decay of the mean gradient m"),
    PARAM(NUMBER, LambSettings, beta2, "0.999", 0, 0.9999999, "1", "decay of the mean square v"),
    PARAM(NUMBER, LambSettings, eps, "1e-6", 1e-30, 1, "1",
          "added to the root of v; 0 / 0 without it"),
    PARAM_FROM(LambSettings, eps_placement, "\"outside\"", placements,
               "outside or inside the root of v"),
    PARAM(FLAG, LambSettings, bias_correction, "true", 0, 0, "1",
          "divide m and v by 1 - beta^t (paper version 5; false: version 3)"),
    PARAM(FLAG, LambSettings, bias_in_step, "false", 0, 0, "1",
          "multiply the step by sqrt(1 - beta2^t) / (1 - beta1^t) instead (old DeepSpeed)"),
    PARAM(NUMBER, LambSettings, weight_decay, "0.01", 0, 1, "1",
          "decay of tensors with the decay flag"),
    PARAM_FROM(LambSettings, decay, "\"inside\"", decays,
               "inside u, outside the ratio and before it (Keras), or L2 in the gradient"),
    PARAM_FROM(LambSettings, skip, "\"ndim\"", skips,
               "not adapted: tensors without the adapt flag, those without decay, or none"),
    PARAM(NUMBER, LambSettings, phi_min, "0", 0, 1e30, "1", "lower limit of |w| in the ratio"),
    PARAM(NUMBER, LambSettings, phi_max, "0", 0, 1e30, "1",
          "upper limit of |w| in the ratio; 0: none"),
    PARAM(NUMBER, LambSettings, ratio_min, "0", 0, 1e30, "1", "lower limit of the ratio"),
    PARAM(NUMBER, LambSettings, ratio_max, "0", 0, 1e30, "1", "upper limit of the ratio; 0: none"),
    PARAM(NUMBER, LambSettings, max_grad_norm, "0", 0, 1e30, "1",
          "clip the gradient of all tensors together to this norm; 0: never"),
    PARAM(FLAG, LambSettings, normalise_grad, "false", 0, 0, "1",
          "divide the gradient of all tensors by its norm, always"),
    PARAM_END,
};

static const Preset presets[] = {
    {"paper", "the paper's version 5, mlcommons BERT (TF 1), TF Addons", "{}"},
    {"lamb-nv", "NVIDIA BERT with NVLAMB: clipped to norm 1, every tensor adapted",
     "{\"max_grad_norm\": 1, \"skip\": \"none\"}"},
    {"apex", "apex FusedLAMB: clipped to norm 1, adapted where there is decay",
     "{\"max_grad_norm\": 1, \"skip\": \"wd\"}"},
    {"apex-l2", "apex FusedLAMB with adam_w_mode off",
     "{\"max_grad_norm\": 1, \"skip\": \"wd\", \"decay\": \"l2\"}"},
    {"timm-lambc", "timm Lamb with trust_clip",
     "{\"max_grad_norm\": 1, \"skip\": \"wd\", \"ratio_max\": 1}"},
    {"optax", "optax.lamb: every tensor adapted", "{\"skip\": \"none\"}"},
    {"keras", "Keras 3 Lamb: decay outside the ratio, every tensor adapted",
     "{\"decay\": \"outside\", \"skip\": \"none\"}"},
    {"deepspeed", "DeepSpeed FusedLamb with corrected m and v",
     "{\"eps\": 1e-8, \"weight_decay\": 0, \"skip\": \"none\", \"ratio_min\": 0.01, "
     "\"ratio_max\": 10}"},
    {"deepspeed-old", "DeepSpeed FusedLamb before that: the correction in the step",
     "{\"eps\": 1e-8, \"weight_decay\": 0, \"skip\": \"none\", \"ratio_min\": 0.01, "
     "\"ratio_max\": 10, \"bias_in_step\": true}"},
    PRESET_END,
};

OPTIM_TYPE(lamb) = {
    .kind =
        {.name = "lamb",
         .summary = "Adam with a trust ratio per tensor: steps in proportion to the weights",
         .detail =
             "m = beta1 * m + (1 - beta1) * g         mh = m / (1 - beta1^t)\n"
             "v = beta2 * v + (1 - beta2) * g^2       vh = v / (1 - beta2^t)\n"
             "u = mh / (sqrt(vh) + eps) + weight_decay * w     (decay only with the decay flag)\n"
             "ratio = phi(|w|) / |u| per tensor; 1 when either is 0 or it is not adapted\n"
             "w = w - lr * ratio * u\n"
             "phi and the ratio are cut to their limits. decay outside: first\n"
             "w = w - lr * weight_decay * w, the ratio then uses that w and a u without decay.\n"
             "decay l2: g + weight_decay * w for g.\n"
             "\n"
             "A tensor moves by lr times its norm in every step, however small its gradient.\n"
             "The first step is sign(g) but for eps. Tensors that are not adapted move as\n"
             "under Adam at LAMB's lr, and so does an adapted tensor that is exactly zero.\n"
             "Old DeepSpeed's bias_in_step shrinks the early steps (0.32 at t = 1, 0.15 near\n"
             "t = 10, 0.8 at t = 1000). max_grad_norm counts all tensors, before m and v; a\n"
             "clip of each micro-batch (NVIDIA BERT TF) is something else. Learning rates of\n"
             "0.001 to 0.02, scaled with the square root of the batch.\n"
             "\n"
             "When it fails: with a rate that does not decay the end stays noisy; small\n"
             "tensors of a small norm crawl (limits of phi or the ratio help); without bias\n"
             "correction or a warmup the first ratios are wild.",
         .reference = "You et al. 2019 (arXiv 1904.00962 v5, algorithm 2); mlcommons BERT "
                      "lamb_optimizer_v1.py",
         .settings_bytes = sizeof(LambSettings),
         .params = params,
         .presets = presets},
    .n_slots = 2,
    .n_sums = 2,
    .traffic = 10,
    .lr = 0.01,
    .lr_power = 0.5,
    .begin = lamb_begin,
    .measure = lamb_measure,
    .ratio = lamb_ratio,
    .update = lamb_update,
    .preconditioner = lamb_preconditioner,
};
