#include "optim/schedule.h"

#include <math.h>

typedef struct PolynomialSettings {
    double power;
    double end;
} PolynomialSettings;

static double polynomial_factor(const void *settings, double tau, double total) {
    const PolynomialSettings *polynomial = settings;
    double left = pow(1 - schedule_progress(tau, total), polynomial->power);
    return polynomial->end + (1 - polynomial->end) * left;
}

static const Param params[] = {
    PARAM(NUMBER, PolynomialSettings, power, "2", 0.1, 10, "1", "exponent; 1: linear decay"),
    PARAM(NUMBER, PolynomialSettings, end, "0", 0, 1, "1",
          "end of the decay, as a factor of the peak"),
    PARAM_END,
};

SCHEDULE_TYPE(polynomial) = {
    .kind = {.name = "polynomial",
             .summary = "a power of the remaining share, from the peak to the end",
             .detail =
                 "factor = end + (1 - end) * (1 - x)^power\n"
                 "x = share of the updates after the warmup that are done\n"
                 "\n"
                 "Power 2 goes with LARS, power 1 with LAMB. The decay starts where the warmup "
                 "ends (as\n"
                 "in mlcommons); references that run it over the whole horizon drop at the join.",
             .reference = "You, Gitman, Ginsburg 2017 (arXiv 1708.03888); mlcommons resnet",
             .settings_bytes = sizeof(PolynomialSettings),
             .params = params},
    .factor = polynomial_factor,
};
