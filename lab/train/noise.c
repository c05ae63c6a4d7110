#include "lab/train/noise.h"

#include <math.h>

NoiseEstimate noise_estimate(int64_t n_units, double unit, double mean_unit_sumsq,
                             double grad_sumsq, double seen_frac) {
    if (n_units < 2)
        return (NoiseEstimate){NAN, NAN};
    double n = (double)n_units;
    double trace = unit * n / (n - 1) * (mean_unit_sumsq - grad_sumsq);
    /* E|gbar|^2 = |G|^2 + (1 - B/N) tr / B, the second factor for draws without replacement */
    double left = seen_frac < 1 ? 1 - seen_frac : 0;
    return (NoiseEstimate){trace, grad_sumsq - left * trace / (n * unit)};
}

void noise_see(NoiseSmooth *smooth, NoiseEstimate estimate, double decay) {
    if (!isfinite(estimate.trace) || !isfinite(estimate.sqnorm))
        return;
    smooth->trace = decay * smooth->trace + (1 - decay) * estimate.trace;
    smooth->sqnorm = decay * smooth->sqnorm + (1 - decay) * estimate.sqnorm;
    smooth->n_seen++;
}

double noise_scale(NoiseSmooth *smooth) {
    if (smooth->n_seen == 0)
        return NAN;
    if (smooth->sqnorm > 0)
        return smooth->trace / smooth->sqnorm;
    smooth->n_undefined++;
    return NAN;
}

void noise_add(NoiseSum *sum, NoiseEstimate estimate) {
    if (!isfinite(estimate.trace) || !isfinite(estimate.sqnorm))
        return;
    sum->trace += estimate.trace;
    sum->sqnorm += estimate.sqnorm;
    sum->n++;
}

NoiseEstimate noise_take(NoiseSum *sum) {
    double n = (double)sum->n;
    NoiseEstimate out = {NAN, NAN};
    if (sum->n > 0)
        out = (NoiseEstimate){sum->trace / n, sum->sqnorm / n};
    *sum = (NoiseSum){0};
    return out;
}
