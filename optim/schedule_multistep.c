#include "optim/schedule.h"

#include <math.h>

typedef struct MultistepSettings {
    double gamma;
    ParamNumbers milestones;
    int unit;
} MultistepSettings;

static double multistep_factor(const void *settings, const ScheduleTime *time) {
    const MultistepSettings *multistep = settings;
    double now = fmin(time->now, time->total) * (1 + 1e-12);
    int passed = 0;
    for (int i = 0; i < multistep->milestones.n; i++)
        passed += schedule_length(multistep->milestones.value[i], multistep->unit, time) <= now;
    return pow(multistep->gamma, passed);
}

static const Param params[] = {
    PARAM(NUMBER, MultistepSettings, gamma, "0.1", 0, 1, "1", "factor at each milestone"),
    PARAM(NUMBERS, MultistepSettings, milestones, "[30, 60, 80]", 0, 1e15, "1",
          "where the rate drops, in units, in any order"),
    PARAM_FROM(MultistepSettings, unit, "\"epochs\"", schedule_units, "of the milestones"),
    PARAM_END,
};

SCHEDULE_TYPE(multistep) = {
    .kind = {.name = "multistep",
             .summary = "the rate drops by a factor at given points",
             .detail =
                 "factor = gamma^(number of milestones at or before t)\n"
                 "\n"
                 "The update at a milestone has the lower rate already. Counted from the start\n"
                 "of the trial, warmup included. The default is Goyal's: epochs 30, 60 and 80\n"
                 "of 90.",
             .reference = "Goyal et al. 2017 (arXiv 1706.02677); torch MultiStepLR",
             .settings_bytes = sizeof(MultistepSettings),
             .params = params},
    .jumps = true,
    .factor = multistep_factor,
};
