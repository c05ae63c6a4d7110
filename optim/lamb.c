/* LAMB, version 5 of the paper (shared/specs/optimizers.md section 4.1). The measure pass moves m and v and takes the
 * norms; the update pass forms the direction again from m and v. Keeping it in one more vector instead was slower
 * (37 against 32 ms at 10^7 weights, 1.5 against 1.3 ms at 670k): the traffic costs more than the second root. */
#include "lab/base/vec.h"
#include "optim/optim.h"
#include "optim/sums.h"

#include <math.h>

typedef struct LambSettings {
    double beta1, beta2;
    double eps;
    double weight_decay;
    bool bias_correction;
} LambSettings;

enum { C1, C2 }; /* step->constant: 1 / (1 - beta^t) */

static void lamb_begin(OptimStep *step) {
    const LambSettings *settings = step->settings;
    double t = (double)step->t;
    step->constant[C1] = settings->bias_correction ? 1 / (1 - pow(settings->beta1, t)) : 1;
    step->constant[C2] = settings->bias_correction ? 1 / (1 - pow(settings->beta2, t)) : 1;
}

/* The paper's letters, as the kernels use them. */
typedef struct Letters {
    real b1, a1, b2, a2; /* a = 1 - b */
    real c1, c2, eps, lam;
} Letters;

static Letters letters_of(const OptimStep *step, const Segment *segment) {
    const LambSettings *settings = step->settings;
    return (Letters){.b1 = (real)settings->beta1,
                     .a1 = (real)(1 - settings->beta1),
                     .b2 = (real)settings->beta2,
                     .a2 = (real)(1 - settings->beta2),
                     .c1 = (real)step->constant[C1],
                     .c2 = (real)step->constant[C2],
                     .eps = (real)settings->eps,
                     .lam = (real)(segment->decay ? settings->weight_decay : 0)};
}

static inline real direction(const Letters *k, real w, real m, real v) {
    return (m * k->c1) / (real_sqrt(v * k->c2) + k->eps) + k->lam * w;
}

/* Moves m and v; the directions u stay in the first cache until their norm is taken. */
VEC_CLONES static void measure(double *sums, real *restrict m, real *restrict v, const real *restrict w,
                               const real *restrict g, int64_t n, Letters k) {
    real u[VEC_CHUNK];
    for (int64_t i = 0; i < n; i++) {
        m[i] = k.b1 * m[i] + k.a1 * g[i];
        v[i] = k.b2 * v[i] + k.a2 * (g[i] * g[i]);
        u[i] = direction(&k, w[i], m[i], v[i]);
    }
    sums[0] = sums_squares(w, n);
    sums[1] = sums_squares(u, n);
}

static void lamb_measure(const OptimStep *step, const OptimSpan *span, double *sums) {
    measure(sums, span->slot[0], span->slot[1], span->weights, span->grad, span->n,
            letters_of(step, span->segment));
}

static double lamb_ratio(const OptimStep *step, const Segment *segment, const double *sums,
                         double grad_sumsq) {
    (void)step, (void)grad_sumsq;
    double n_w = sqrt(sums[0]), n_u = sqrt(sums[1]);
    return segment->adapt && n_w > 0 && n_u > 0 ? n_w / n_u : 1;
}

VEC_CLONES static void move(real *restrict w, const real *restrict m, const real *restrict v, int64_t n,
                            real s, Letters k) {
    for (int64_t i = 0; i < n; i++)
        w[i] -= s * direction(&k, w[i], m[i], v[i]);
}

static void lamb_update(const OptimStep *step, const OptimSpan *span, double ratio) {
    move(span->weights, span->slot[0], span->slot[1], span->n, (real)(step->lr * ratio),
         letters_of(step, span->segment));
}

static const Param params[] = {
    PARAM(NUMBER, LambSettings, beta1, "0.9", 0, 0.9999999, "1", "decay of the mean gradient m"),
    PARAM(NUMBER, LambSettings, beta2, "0.999", 0, 0.9999999, "1", "decay of the mean square v"),
    PARAM(NUMBER, LambSettings, eps, "1e-6", 1e-30, 1, "1",
          "added to the root of v; 0 / 0 without it"),
    PARAM(NUMBER, LambSettings, weight_decay, "0.01", 0, 1, "1",
          "decay inside the direction u, on tensors with the decay flag"),
    PARAM(FLAG, LambSettings, bias_correction, "true", 0, 0, "1",
          "divide m and v by 1 - beta^t (paper version 5; false: version 3)"),
    PARAM_END,
};

OPTIM_TYPE(lamb) = {
    .kind =
        {.name = "lamb",
         .summary = "Adam with a trust ratio per tensor: steps in proportion to the weights",
         .detail =
             "m = beta1 * m + (1 - beta1) * g         mh = m / (1 - beta1^t)\n"
             "v = beta2 * v + (1 - beta2) * g^2       vh = v / (1 - beta2^t)\n"
             "u = mh / (sqrt(vh) + eps) + weight_decay * w   (decay only with the decay flag)\n"
             "ratio = |w| / |u| per tensor; 1 when either is 0, and on tensors without adapt\n"
             "w = w - lr * ratio * u\n"
             "\n"
             "A tensor moves by lr times its norm in every step, however small its gradient: lr "
             "must\n"
             "decay, or the end is noisy. Tensors without the adapt flag move as under Adam at\n"
             "LAMB's lr, and so does an adapted tensor that is exactly zero. Learning rates of "
             "0.001\n"
             "to 0.02, scaled with the square root of the batch. No clipping of the global norm "
             "here.",
         .reference = "You et al. 2019 (arXiv 1904.00962 v5, algorithm 2); mlcommons BERT "
                      "lamb_optimizer_v1.py",
         .settings_bytes = sizeof(LambSettings),
         .params = params},
    .n_slots = 2,
    .n_sums = 2,
    .lr = 0.01,
    .begin = lamb_begin,
    .measure = lamb_measure,
    .ratio = lamb_ratio,
    .update = lamb_update,
};
