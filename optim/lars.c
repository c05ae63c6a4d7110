/* LARS, paper and MLPerf form (shared/specs/optimizers.md section 3.1): learning rate and trust
 * ratio are both stored in the velocity. */
#include "lab/base/vec.h"
#include "optim/optim.h"
#include "optim/sums.h"

#include <math.h>

typedef struct LarsSettings {
    double momentum;
    double eta;
    double weight_decay;
    double eps;
    bool nesterov;
} LarsSettings;

VEC_CLONES static double squares(const real *w, int64_t n) {
    return sums_squares(w, n);
}

/* |w|^2 only: |g|^2 is known from the reduction. */
static void lars_measure(const OptimStep *step, const OptimSpan *span, double *sums) {
    (void)step;
    sums[0] = span->segment->adapt ? squares(span->weights, span->n) : 0;
}

static double lars_ratio(const OptimStep *step, const Segment *segment, const double *sums,
                         double grad_sumsq) {
    const LarsSettings *settings = step->settings;
    double n_w = sqrt(sums[0]), n_g = sqrt(grad_sumsq);
    double lam = segment->decay ? settings->weight_decay : 0;
    if (!segment->adapt || !(n_w > 0 && n_g > 0))
        return 1;
    return settings->eta * n_w / (n_g + lam * n_w + settings->eps);
}

/* s = lr * trust */
VEC_CLONES static void move(real *restrict w, real *restrict v, const real *restrict g, int64_t n,
                            real s, real mu, real decay) {
    for (int64_t i = 0; i < n; i++) {
        v[i] = mu * v[i] + s * (g[i] + decay * w[i]);
        w[i] -= v[i];
    }
}

VEC_CLONES static void move_nesterov(real *restrict w, real *restrict v, const real *restrict g,
                                     int64_t n, real s, real mu, real decay) {
    for (int64_t i = 0; i < n; i++) {
        real d = s * (g[i] + decay * w[i]);
        v[i] = mu * v[i] + d;
        w[i] -= mu * v[i] + d;
    }
}

static void lars_update(const OptimStep *step, const OptimSpan *span, double ratio) {
    const LarsSettings *settings = step->settings;
    double decay = span->segment->decay ? settings->weight_decay : 0;
    (settings->nesterov ? move_nesterov : move)(span->weights, span->slot[0], span->grad, span->n,
                                                (real)(step->lr * ratio), (real)settings->momentum,
                                                (real)decay);
}

static const Param params[] = {
    PARAM(NUMBER, LarsSettings, momentum, "0.9", 0, 1, "1", "decay of the velocity, mu"),
    PARAM(NUMBER, LarsSettings, eta, "0.001", 0, 1, "1", "trust coefficient"),
    PARAM(NUMBER, LarsSettings, weight_decay, "1e-4", 0, 1, "1",
          "coupled L2 decay of tensors with the decay flag, also in the denominator of trust"),
    PARAM(NUMBER, LarsSettings, eps, "0", 0, 1, "1", "added to the denominator of trust"),
    PARAM(FLAG, LarsSettings, nesterov, "false", 0, 0, "1", "look ahead by momentum * velocity"),
    PARAM_END,
};

OPTIM_TYPE(lars) = {
    .kind = {.name = "lars",
             .summary =
                 "momentum with a trust ratio per tensor: steps in proportion to the weights",
             .detail =
                 "trust = eta * |w| / (|g| + weight_decay * |w| + eps)     per tensor, before the "
                 "step;\n"
                 "        1 when |w| or |g| is 0, and on tensors without the adapt flag\n"
                 "d = g + weight_decay * w     (decay only on tensors with the decay flag)\n"
                 "v = momentum * v + lr * trust * d                        (v starts at 0)\n"
                 "w = w - v                    nesterov: w = w - (momentum * v + lr * trust * d)\n"
                 "\n"
                 "Learning rates are of the order 1 to 30, since eta multiplies them. Biases and "
                 "other\n"
                 "tensors without the adapt flag take the raw lr (as in MLPerf), and so does an "
                 "adapted\n"
                 "tensor that starts at exactly zero: large steps, the usual reason for a failure "
                 "at the\n"
                 "first updates. Needs a warmup; at small batches momentum is as good.",
             .reference = "You, Gitman, Ginsburg 2017 (arXiv 1708.03888); mlcommons "
                          "mlperf_lars_optimizer.py",
             .settings_bytes = sizeof(LarsSettings),
             .params = params},
    .n_slots = 1,
    .n_sums = 1,
    .lr = 2,
    .measure = lars_measure,
    .ratio = lars_ratio,
    .update = lars_update,
};
