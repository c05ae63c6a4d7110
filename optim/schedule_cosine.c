#include "optim/schedule.h"

#include <math.h>

typedef struct CosineSettings {
    double floor;
} CosineSettings;

static double cosine_factor(const void *settings, const ScheduleTime *time) {
    const CosineSettings *cosine = settings;
    double wave = (1 + cos(3.14159265358979323846 * schedule_progress(time))) / 2;
    return cosine->floor + (1 - cosine->floor) * wave;
}

static const Param params[] = {
    PARAM(NUMBER, CosineSettings, floor, "0", 0, 1, "1",
          "end of the decay, as a factor of the peak"),
    PARAM_END,
};

SCHEDULE_TYPE(cosine) = {
    .kind = {.name = "cosine",
             .summary = "half a cosine wave from the peak to the floor",
             .detail =
                 "factor = floor + (1 - floor) / 2 * (1 + cos(pi * x))\n"
                 "x = share of the updates after the warmup that are done\n"
                 "\n"
                 "The closed form, so a changed rate does not propagate. The shape depends on the\n"
                 "horizon: runs with different budgets are not prefixes of each other.",
             .reference = "Loshchilov and Hutter 2017 (arXiv 1608.03983), without restarts",
             .settings_bytes = sizeof(CosineSettings),
             .params = params},
    .factor = cosine_factor,
};
