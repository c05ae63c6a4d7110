#include "optim/schedule.h"

#include <math.h>

typedef struct StepSettings {
    double gamma;
    double every;
    int unit;
} StepSettings;

static double step_factor(const void *settings, const ScheduleTime *time) {
    const StepSettings *step = settings;
    double length = schedule_length(step->every, step->unit, time);
    double now = fmin(time->now, time->total);
    /* 30 epochs after 30 epochs, although 0.1 * 3 > 0.3 in double */
    return length > 0 ? pow(step->gamma, floor(now / length * (1 + 1e-12))) : 1;
}

static const Param params[] = {
    PARAM(NUMBER, StepSettings, gamma, "0.1", 0, 1, "1", "factor at each step"),
    PARAM(NUMBER, StepSettings, every, "30", 1e-9, 1e15, "1", "distance between steps, in units"),
    PARAM_FROM(StepSettings, unit, "\"epochs\"", schedule_units, "of `every`"),
    PARAM_END,
};

SCHEDULE_TYPE(step) = {
    .kind = {.name = "step",
             .summary = "the rate drops by a factor at equal distances",
             .detail =
                 "factor = gamma^floor(t / every)\n"
                 "\n"
                 "Counted from the start of the trial, warmup included, as Goyal's epochs are.\n"
                 "At a large batch an epoch has few updates: the drops stay at the same\n"
                 "examples, because lengths in epochs are lengths in examples.",
             .reference = "torch StepLR",
             .settings_bytes = sizeof(StepSettings),
             .params = params},
    .jumps = true,
    .factor = step_factor,
};
