/* Gain of a larger batch from gradient noise (shared/specs/optimizers.md sections 8.1 and 12.3). */
#ifndef OPTIM_GAIN_H
#define OPTIM_GAIN_H

#include <math.h>

/* AdaScale's gain (s2 + m2) / (s2 / k + m2), between 1 and k: s2 is the gradient's variance at the
 * base batch, m2 its squared mean. Estimates below 0 count as 0, after they were averaged; NaN when
 * nothing is left of either. */
static inline double gain_of(double s2, double m2, double k) {
    double noise = s2 > 0 ? s2 : 0, signal = m2 > 0 ? m2 : 0;
    if (isnan(s2) || isnan(m2) || !(noise + signal > 0))
        return NAN;
    return (noise + signal) / (noise / k + signal);
}

/* The same from the noise scale: (1 + x) / (1 + x / k) with x = noise_scale / base_batch. */
static inline double gain_of_noise_scale(double noise_scale, double base_batch, double k) {
    double x = noise_scale / base_batch;
    return x >= 0 ? (1 + x) / (1 + x / k) : NAN;
}

/* Weight that an average over examples keeps over one update of `batch`, when it forgets half in
 * `half_life`. */
static inline double gain_keep(double half_life, double batch) {
    return half_life > 0 ? exp2(-batch / half_life) : 0;
}

#endif
