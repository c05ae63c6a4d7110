/* LANS (shared/specs/optimizers.md section 5): LAMB on gradients normalised per tensor, with a
 * second direction along the gradient itself and a ratio for each. */
#include "lab/base/vec.h"
#include "optim/moments.h"
#include "optim/optim.h"
#include "optim/sums.h"

enum { STEP_APEX, STEP_MXNET };
enum { SKIP_NDIM, SKIP_WD, SKIP_NONE };

typedef struct LansSettings {
    double beta1, beta2;
    double eps;
    double weight_decay;
    bool bias_correction, normalise_grad, grad_averaging;
    int step_form;
    int skip;
} LansSettings;

/* sums of squares of w and of the two directions, and, for MXNet's step, their product */
enum { SUM_W, SUM_M, SUM_G, SUM_MG, N_SUMS };

static Moments letters_of(const OptimStep *step, const OptimSpan *span) {
    const LansSettings *settings = step->settings;
    Moments k = moments_make(settings->beta1, settings->beta2, settings->eps, EPS_OUTSIDE,
                             settings->bias_correction, step->t);
    double norm = sqrt(span->grad_sumsq);
    double eps = settings->step_form == STEP_APEX ? settings->eps : 0;
    if (settings->normalise_grad && norm > 0)
        k.factor = (real)(1 / (norm + eps));
    if (!settings->grad_averaging)
        k.a1 = 1;
    return k;
}

static double decay_of(const LansSettings *settings, const Segment *segment) {
    return segment->decay ? settings->weight_decay : 0;
}

/* Moves m and v; the directions stay in the first cache until their norms are taken. */
VEC_CLONES static void measure(double *sums, real *restrict m, real *restrict v,
                               const real *restrict w, const real *restrict g, int64_t n, real lam,
                               bool with_product, Moments k) {
    real along_m[VEC_CHUNK], along_g[VEC_CHUNK];
    for (int64_t i = 0; i < n; i++) {
        real q = moments_see(&k, &m[i], &v[i], w[i], g[i]), scale = moments_scale(&k, v[i]);
        along_m[i] = (m[i] * k.c1) / scale + lam * w[i];
        along_g[i] = q / scale + lam * w[i];
    }
    sums[SUM_W] = sums_squares(w, n);
    sums[SUM_M] = sums_squares(along_m, n);
    sums[SUM_G] = sums_squares(along_g, n);
    sums[SUM_MG] = with_product ? sums_products(along_m, along_g, n) : 0;
}

static void lans_measure(const OptimStep *step, const OptimSpan *span, double *sums) {
    const LansSettings *settings = step->settings;
    measure(sums, span->slot[0], span->slot[1], span->weights, span->grad, span->n,
            (real)decay_of(settings, span->segment), settings->step_form == STEP_MXNET,
            letters_of(step, span));
}

static bool adapts(const LansSettings *settings, const Segment *segment) {
    switch (settings->skip) {
    case SKIP_NDIM:
        return segment->adapt;
    case SKIP_WD:
        return segment->decay && settings->weight_decay > 0;
    default:
        return true;
    }
}

static double ratio_of(double w_sumsq, double u_sumsq) {
    return w_sumsq > 0 && u_sumsq > 0 ? sqrt(w_sumsq) / sqrt(u_sumsq) : 1;
}

static double lans_ratio(const OptimStep *step, const Segment *segment, const double *sums,
                         double grad_sumsq) {
    (void)grad_sumsq;
    return adapts(step->settings, segment) ? ratio_of(sums[SUM_W], sums[SUM_M]) : 1;
}

/* How far MXNet's first half has moved w, along the first direction, when the second is formed. */
static double moved_before(const OptimStep *step, double ratio) {
    const LansSettings *settings = step->settings;
    return settings->step_form == STEP_MXNET ? step->lr * settings->beta1 * ratio : 0;
}

/* |along_g - shift * along_m|^2 from the product, where w has moved before. */
static double lans_ratio2(const OptimStep *step, const Segment *segment, const double *sums,
                          double grad_sumsq) {
    const LansSettings *settings = step->settings;
    if (!adapts(settings, segment))
        return 1;
    double moved = moved_before(step, lans_ratio(step, segment, sums, grad_sumsq));
    double shift = moved * decay_of(settings, segment);
    return ratio_of(sums[SUM_W], sums[SUM_G] + shift * (shift * sums[SUM_M] - 2 * sums[SUM_MG]));
}

/* s_m and s_g: lr times the weight and the ratio of each direction. */
VEC_CLONES static void move(real *restrict w, const real *restrict m, const real *restrict v,
                            const real *restrict g, int64_t n, real s_m, real s_g, real lam,
                            real shift, Moments k) {
    for (int64_t i = 0; i < n; i++) {
        real scale = moments_scale(&k, v[i]);
        real along_m = (m[i] * k.c1) / scale + lam * w[i];
        real along_g = (k.factor * g[i]) / scale + lam * w[i];
        w[i] -= s_m * along_m + s_g * (along_g - shift * along_m);
    }
}

static void lans_update(const OptimStep *step, const OptimSpan *span, double ratio) {
    const LansSettings *settings = step->settings;
    double lam = decay_of(settings, span->segment);
    double weight_g = settings->grad_averaging ? 1 - settings->beta1 : 1;
    move(span->weights, span->slot[0], span->slot[1], span->grad, span->n,
         (real)(step->lr * settings->beta1 * ratio), (real)(step->lr * weight_g * span->ratio2),
         (real)lam, (real)(lam * moved_before(step, ratio)), letters_of(step, span));
}

static const char *const step_forms[] = {"apex", "mxnet", NULL};
static const char *const skips[] = {"ndim", "wd", "none", NULL};

static const Param params[] = {
    PARAM(NUMBER, LansSettings, beta1, "0.9", 0, 0.9999999, "1",
          "decay of m, and the weight of its direction"),
    PARAM(NUMBER, LansSettings, beta2, "0.999", 0, 0.9999999, "1", "decay of the mean square v"),
    PARAM(NUMBER, LansSettings, eps, "1e-6", 1e-30, 1, "1",
          "added to the root of v and (apex) to |g|; 0 / 0 without it"),
    PARAM(NUMBER, LansSettings, weight_decay, "0.01", 0, 1, "1",
          "decay inside both directions, on tensors with the decay flag"),
    PARAM(FLAG, LansSettings, bias_correction, "true", 0, 0, "1", "divide m and v by 1 - beta^t"),
    PARAM(FLAG, LansSettings, normalise_grad, "true", 0, 0, "1",
          "divide each tensor's gradient by its norm"),
    PARAM(FLAG, LansSettings, grad_averaging, "true", 0, 0, "1",
          "weights 1 - beta1 of the gradient in m and of its direction; false: 1"),
    PARAM_FROM(LansSettings, step_form, "\"apex\"", step_forms,
               "both directions at the same w, or the second after the first half (MXNet)"),
    PARAM_FROM(LansSettings, skip, "\"none\"", skips,
               "not adapted: tensors without the adapt flag, those without decay, or none"),
    PARAM_END,
};

static const Preset presets[] = {
    {"apex", "szhengac/apex FusedLANS", "{}"},
    {"mxnet", "Apache MXNet's Python step", "{\"step_form\": \"mxnet\"}"},
    PRESET_END,
};

OPTIM_TYPE(lans) = {
    .kind =
        {.name = "lans",
         .summary = "LAMB on normalised gradients, with a ratio for momentum and for gradient",
         .detail =
             "q = g / (|g| + eps) per tensor     (q = g where |g| is 0)\n"
             "m = beta1 * m + (1 - beta1) * q         mh = m / (1 - beta1^t)\n"
             "v = beta2 * v + (1 - beta2) * q^2       vh = v / (1 - beta2^t)\n"
             "u_m = mh / (sqrt(vh) + eps) + weight_decay * w\n"
             "u_g = q / (sqrt(vh) + eps) + weight_decay * w\n"
             "w = w - lr * (beta1 * |w| / |u_m| * u_m + (1 - beta1) * |w| / |u_g| * u_g)\n"
             "ratios are 1 where either norm is 0. mxnet: w moves by the first half before u_g\n"
             "is formed (its ratio keeps the old |w|), and q has no eps.\n"
             "\n"
             "Every tensor is adapted, biases too (skip ndim changes that). The norm of a\n"
             "gradient has no effect at all, so clipping has none either. The paper warms\n"
             "up, holds, and decays linearly (schedule wsd). The logged trust is that of\n"
             "u_m.\n"
             "\n"
             "When it fails: as under LAMB a tensor moves by lr times its norm in every\n"
             "step, so lr must decay; a tensor whose gradient is nearly zero moves as far as\n"
             "the others, in a direction that is noise.",
         .reference = "Zheng et al. 2020 (arXiv 2006.13484); szhengac/apex fused_lans.py; MXNet "
                      "lans.py",
         .settings_bytes = sizeof(LansSettings),
         .params = params,
         .presets = presets},
    .n_slots = 2,
    .n_sums = N_SUMS,
    .traffic = 11,
    .lr = 0.01,
    .lr_power = 0.5,
    .measure = lans_measure,
    .ratio = lans_ratio,
    .ratio2 = lans_ratio2,
    .update = lans_update,
};
