#include "optim/schedule.h"

#include <math.h>

typedef struct ExponentialSettings {
    double gamma;
    double every;
    int unit;
    double floor;
} ExponentialSettings;

static double exponential_factor(const void *settings, const ScheduleTime *time) {
    const ExponentialSettings *exponential = settings;
    double length = schedule_length(exponential->every, exponential->unit, time);
    double done = fmax(0, fmin(time->now, time->total) - time->warmup);
    return length > 0 ? fmax(exponential->floor, pow(exponential->gamma, done / length)) : 1;
}

static const Param params[] = {
    PARAM(NUMBER, ExponentialSettings, gamma, "0.95", 1e-9, 1, "1", "factor over one `every`"),
    PARAM(NUMBER, ExponentialSettings, every, "1", 1e-9, 1e15, "1",
          "what gamma is a factor over, in units"),
    PARAM_FROM(ExponentialSettings, unit, "\"epochs\"", schedule_units, "of `every`"),
    PARAM(NUMBER, ExponentialSettings, floor, "0", 0, 1, "1", "the factor does not fall below it"),
    PARAM_END,
};

SCHEDULE_TYPE(exponential) = {
    .kind = {.name = "exponential",
             .summary = "the rate falls by a factor over equal distances, smoothly",
             .detail =
                 "factor = max(floor, gamma^((t - T_w) / every))\n"
                 "\n"
                 "Counted from the end of the warmup, so that it starts at the peak. The shape\n"
                 "does not depend on the horizon. For torch's ExponentialLR count by steps; for\n"
                 "Detectron, whose gamma is the final ratio, by a fraction of 1. The staircase\n"
                 "form is `step`.",
             .reference = "torch ExponentialLR; optax.exponential_decay",
             .settings_bytes = sizeof(ExponentialSettings),
             .params = params},
    .factor = exponential_factor,
};
