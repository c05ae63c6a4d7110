#include "optim/schedule.h"

#include <math.h>

enum { SHAPE_LINEAR, SHAPE_SQRT, SHAPE_COSINE, SHAPE_EXP };

typedef struct WsdSettings {
    double decay;
    int unit;
    int shape;
    double end;
    double final_ratio;
} WsdSettings;

/* Whole updates, rounded down as int() does. */
static double decay_length(const WsdSettings *wsd, const ScheduleTime *time) {
    double updates = schedule_length(wsd->decay, wsd->unit, time) / time->first_batch;
    double length = floor(updates * (1 + 1e-12)) * time->first_batch;
    return fmin(length, fmax(0, time->total - time->warmup));
}

static double wsd_factor(const void *settings, const ScheduleTime *time) {
    const WsdSettings *wsd = settings;
    double length = decay_length(wsd, time);
    double x = length > 0 ? fmin(1, (time->now - (time->total - length)) / length) : 0;
    if (x <= 0)
        return 1;
    switch (wsd->shape) {
    case SHAPE_SQRT:
        return wsd->end + (1 - wsd->end) * (1 - sqrt(x));
    case SHAPE_COSINE:
        return wsd->end + (1 - wsd->end) * (1 + cos(3.14159265358979323846 * x)) / 2;
    case SHAPE_EXP:
        return pow(wsd->final_ratio, x);
    default:
        return wsd->end + (1 - wsd->end) * (1 - x);
    }
}

static const char *const shapes[] = {"linear", "sqrt", "cosine", "exp", NULL};

static const Param params[] = {
    PARAM(NUMBER, WsdSettings, decay, "0.2", 0, 1e15, "1", "length of the decay, in units"),
    PARAM_FROM(WsdSettings, unit, "\"fraction\"", schedule_units, "of `decay`"),
    PARAM_FROM(WsdSettings, shape, "\"linear\"", shapes,
               "1 - x, 1 - sqrt(x), half a cosine, or final_ratio^x"),
    PARAM(NUMBER, WsdSettings, end, "0", 0, 1, "1",
          "end of the decay, as a factor of the peak (not exp)"),
    PARAM(NUMBER, WsdSettings, final_ratio, "0.1", 1e-12, 1, "1",
          "exp: end of the decay, as a factor of the peak"),
    PARAM_END,
};

SCHEDULE_TYPE(wsd) = {
    .kind =
        {.name = "wsd",
         .summary = "hold the peak, decay at the end: warmup, stable, decay",
         .detail = "factor = 1, then over the last `decay` a shape of x = 0 to 1:\n"
                   "linear 1 - x, sqrt 1 - sqrt(x), cosine (1 + cos(pi * x)) / 2, exp\n"
                   "final_ratio^x; the first three end at `end`\n"
                   "\n"
                   "A fraction is of the whole trial, in whole updates. Until the decay begins\n"
                   "the horizon does not enter, so that runs with different budgets share their\n"
                   "beginning. LANS's schedule is this one. sqrt decays fastest at first.",
         .reference = "Hu et al. 2024 (arXiv 2404.06395); Haegele et al. 2024 (arXiv 2405.18392)",
         .settings_bytes = sizeof(WsdSettings),
         .params = params},
    .factor = wsd_factor,
};
