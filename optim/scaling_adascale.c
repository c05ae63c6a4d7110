#include "optim/gain.h"
#include "optim/schedule.h"

typedef struct AdascaleSettings {
    double half_life;
} AdascaleSettings;

static double adascale_factor(const void *settings, double k) {
    (void)settings, (void)k;
    return 1;
}

/* Variance at the base batch: tr(Sigma) / base_batch. */
static double adascale_gain(const void *settings, double k, double base_batch, double noise_trace,
                            double noise_sqnorm) {
    (void)settings;
    return gain_of(noise_trace / base_batch, noise_sqnorm, k);
}

static double adascale_half_life(const void *settings, double base_batch) {
    return ((const AdascaleSettings *)settings)->half_life * base_batch;
}

static const Param params[] = {
    PARAM(NUMBER, AdascaleSettings, half_life, "693", 0, 1e12, "base batches",
          "over which the average noise forgets half; 0: no average"),
    PARAM_END,
};

SCALING_TYPE(adascale) = {
    .kind = {.name = "adascale",
             .summary = "AdaScale: the gain of the run's own noise, for rate and schedule",
             .detail =
                 "r = (s2 + m2) / (s2 / k + m2),   between 1 and k = global_batch / base_batch\n"
                 "s2 = tr(Sigma) / base_batch, m2 = |G|^2, smoothed while the trial runs\n"
                 "lr = r * lr of the base batch at its update number floor(tau);  tau += r\n"
                 "\n"
                 "An update at k times the batch counts as r updates of the base batch: the\n"
                 "schedule and its horizon are those of the base batch. half_life 693 is the\n"
                 "paper's average, theta = 1 - k / 1000 an update. Estimates below 0 count as 0\n"
                 "after averaging (fairscale's clamp before it is biased). The gain is 1 until\n"
                 "the first estimate, and the last one is held where there is none. Without\n"
                 "noise r is 1, and a larger batch buys nothing: that is the answer, not a\n"
                 "failure. SGD and momentum only.",
             .reference = "Johnson et al. 2020 (arXiv 2007.05105); adaptdl",
             .settings_bytes = sizeof(AdascaleSettings),
             .params = params},
    .factor = adascale_factor,
    .gain = adascale_gain,
    .half_life = adascale_half_life,
    .own_clock = true,
};
