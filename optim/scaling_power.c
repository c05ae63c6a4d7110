#include "optim/schedule.h"

#include <math.h>

typedef struct PowerSettings {
    double power;
} PowerSettings;

static double power_factor(const void *settings, double k) {
    return pow(k, ((const PowerSettings *)settings)->power);
}

static const Param params[] = {
    PARAM(NUMBER, PowerSettings, power, "0.75", 0, 1, "1", "0: none, 0.5: sqrt, 1: linear"),
    PARAM_END,
};

SCALING_TYPE(power) = {
    .kind = {.name = "power",
             .summary = "learning rate with a power of the batch",
             .detail =
                 "lr = base * k^power,   k = global_batch / base_batch\n"
                 "\n"
                 "Between sqrt and linear, or a rule that was fitted to one's own best rates.",
             .reference = "Shallue et al. 2019 (arXiv 1811.03600): best rates follow no one power",
             .settings_bytes = sizeof(PowerSettings),
             .params = params},
    .factor = power_factor,
};
