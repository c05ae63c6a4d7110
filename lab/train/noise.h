/* Gradient noise scale every step (McCandlish et al. 2018, appendix A.1; shared/specs/methods.md
 * 1). */
#ifndef LAB_TRAIN_NOISE_H
#define LAB_TRAIN_NOISE_H

#include "lab/base/arena.h"

#include <stdbool.h>
#include <stdint.h>

/* Unbiased estimates of one step; NaN when fewer than two units were seen. */
typedef struct NoiseEstimate {
    double trace;  /* tr(Sigma), per example; never negative up to rounding */
    double sqnorm; /* |G|^2; may be negative */
} NoiseEstimate;

/* From n_units gradients, each the mean over `unit` examples: mean_unit_sumsq = mean |g_u|^2,
 * grad_sumsq = |gbar|^2. `seen_frac` is B / N when the examples were drawn without replacement from
 * N, 0 for endless data: with it |G| is the gradient over exactly those N examples. */
NoiseEstimate noise_estimate(int64_t n_units, double unit, double mean_unit_sumsq,
                             double grad_sumsq, double seen_frac);

/* Separately smoothed numerator and denominator: exponential moving averages with decay NOISE_DECAY
 * a step. (The bias correction is the same for both and cancels in the ratio.) Part of a trial's
 * state. */
#define NOISE_DECAY 0.99
typedef struct NoiseSmooth {
    double trace, sqnorm;
    int64_t n_seen, n_undefined; /* estimates taken in; ratios that were not positive */
} NoiseSmooth;

void noise_see(NoiseSmooth *smooth, NoiseEstimate estimate, double decay);
/* tr / |G|^2 in examples; NaN before the first estimate and while the smoothed |G|^2 is not
 * positive. */
double noise_scale(NoiseSmooth *smooth);

/* A plain mean over the steps since it was taken last; part of a trial's state too. */
typedef struct NoiseSum {
    double trace, sqnorm;
    int64_t n;
} NoiseSum;

void noise_add(NoiseSum *sum, NoiseEstimate estimate);
/* NaN when nothing was added; begins anew. */
NoiseEstimate noise_take(NoiseSum *sum);

#endif
