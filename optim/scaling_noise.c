#include "optim/gain.h"
#include "optim/schedule.h"

typedef struct NoiseSettings {
    double half_life;
} NoiseSettings;

static double noise_factor(const void *settings, double k) {
    (void)settings, (void)k;
    return 1;
}

static double noise_gain(const void *settings, double k, double base_batch, double noise_trace,
                         double noise_sqnorm) {
    (void)settings;
    return noise_sqnorm > 0 ? gain_of_noise_scale(noise_trace / noise_sqnorm, base_batch, k) : NAN;
}

static double noise_half_life(const void *settings, double base_batch) {
    return ((const NoiseSettings *)settings)->half_life * base_batch;
}

static const Param params[] = {
    PARAM(NUMBER, NoiseSettings, half_life, "693", 0, 1e12, "base batches",
          "over which the average noise forgets half; 0: no average"),
    PARAM_END,
};

SCALING_TYPE(noise) = {
    .kind = {.name = "noise",
             .summary = "learning rate by the run's own gradient noise scale",
             .detail =
                 "lr = base * (1 + N / base_batch) / (1 + N / global_batch)\n"
                 "N = tr(Sigma) / |G|^2, the noise scale, smoothed while the trial runs\n"
                 "\n"
                 "Linear while the noise dominates (N large), none when the gradient does. The\n"
                 "factor is 1 until the first estimate; where one is undefined (|G|^2 not above\n"
                 "0) the last one is held. The same number as AdaScale's gain, but the schedule\n"
                 "goes by examples as everywhere.",
             .reference = "McCandlish et al. 2018 (arXiv 1812.06162), section 2.2",
             .settings_bytes = sizeof(NoiseSettings),
             .params = params},
    .factor = noise_factor,
    .gain = noise_gain,
    .half_life = noise_half_life,
};
