#include "optim/schedule.h"

#include <math.h>

typedef struct RestartSettings {
    double first;
    int unit;
    double mult;
    double floor;
} RestartSettings;

/* Share of the cycle that `done` falls into; a restart belongs to the new cycle. */
static double share_of_cycle(double done, double length, double mult) {
    if (mult > 1) {
        while (done >= length * (1 - 1e-12)) {
            done -= length;
            length *= mult;
        }
    } else {
        done -= length * floor(done / length * (1 + 1e-12));
    }
    return fmin(1, fmax(0, done / length));
}

static double restart_factor(const void *settings, const ScheduleTime *time) {
    const RestartSettings *restarts = settings;
    double length = schedule_length(restarts->first, restarts->unit, time);
    double done = fmax(0, fmin(time->now, time->total) - time->warmup);
    double share = length > 0 ? share_of_cycle(done, length, restarts->mult) : 0;
    return restarts->floor + (1 - restarts->floor) * (1 + cos(3.14159265358979323846 * share)) / 2;
}

static const Param params[] = {
    PARAM(NUMBER, RestartSettings, first, "10", 1e-9, 1e15, "1",
          "length of the first cycle, in units"),
    PARAM_FROM(RestartSettings, unit, "\"epochs\"", schedule_units, "of `first`"),
    PARAM(NUMBER, RestartSettings, mult, "2", 1, 100, "1", "each cycle is so many times longer"),
    PARAM(NUMBER, RestartSettings, floor, "0", 0, 1, "1",
          "end of each cycle, as a factor of the peak"),
    PARAM_END,
};

SCHEDULE_TYPE(cosine_restarts) = {
    .kind = {.name = "cosine_restarts",
             .summary = "half cosine waves, each from the peak again",
             .detail =
                 "factor = floor + (1 - floor) / 2 * (1 + cos(pi * x))\n"
                 "x = share of the cycle that is done; cycles of first, first * mult, ...\n"
                 "\n"
                 "Counted from the end of the warmup. The update at a restart has the peak rate.\n"
                 "A trial that does not end with a cycle ends with a large rate: choose the\n"
                 "lengths so that they add up to the horizon.",
             .reference = "Loshchilov and Hutter 2017 (arXiv 1608.03983), SGDR",
             .settings_bytes = sizeof(RestartSettings),
             .params = params},
    .jumps = true,
    .factor = restart_factor,
};
