#include "optim/schedule.h"

#include <math.h>

enum { ANNEAL_COSINE, ANNEAL_LINEAR };

typedef struct OneCycleSettings {
    double pct_start;
    double div_factor, final_div_factor;
    bool three_phase;
    int anneal;
} OneCycleSettings;

/* From `from` at `start` to `to` at `end`. */
static double between(int anneal, double from, double to, double t, double start, double end) {
    double x = end > start ? fmin(1, fmax(0, (t - start) / (end - start))) : 1;
    if (anneal == ANNEAL_LINEAR)
        return from + (to - from) * x;
    return to + (from - to) / 2 * (1 + cos(3.14159265358979323846 * x));
}

/* In updates, because the ends of torch's phases are. */
static double one_cycle_factor(const void *settings, const ScheduleTime *time) {
    const OneCycleSettings *cycle = settings;
    double total = (time->total - time->warmup) / time->first_batch;
    double t = fmax(0, fmin(time->now, time->total) - time->warmup) / time->first_batch;
    double low = 1 / cycle->div_factor, last = low / cycle->final_div_factor;
    double top = cycle->pct_start * total - 1, back = 2 * cycle->pct_start * total - 2;
    if (t <= top)
        return between(cycle->anneal, low, 1, t, 0, top);
    if (!cycle->three_phase)
        return between(cycle->anneal, 1, last, t, fmax(0, top), total - 1);
    if (t <= back)
        return between(cycle->anneal, 1, low, t, fmax(0, top), back);
    return between(cycle->anneal, low, last, t, fmax(0, back), total - 1);
}

static const char *const anneals[] = {"cosine", "linear", NULL};

static const Param params[] = {
    PARAM(NUMBER, OneCycleSettings, pct_start, "0.3", 0, 0.5, "1", "share of the rise"),
    PARAM(NUMBER, OneCycleSettings, div_factor, "25", 1, 1e9, "1", "it starts at peak / this"),
    PARAM(NUMBER, OneCycleSettings, final_div_factor, "1e4", 1, 1e12, "1",
          "it ends at its start / this"),
    PARAM(FLAG, OneCycleSettings, three_phase, "false", 0, 0, "1",
          "back to the start in as long as the rise, then to the end"),
    PARAM_FROM(OneCycleSettings, anneal, "\"cosine\"", anneals, "shape of the phases"),
    PARAM_END,
};

SCHEDULE_TYPE(one_cycle) = {
    .kind = {.name = "one_cycle",
             .summary = "rise to the peak, then down to next to nothing",
             .detail =
                 "rise     from peak / div_factor to the peak, t = 0 to pct_start * T - 1\n"
                 "fall     to peak / div_factor / final_div_factor at T - 1\n"
                 "three_phase: back to peak / div_factor at 2 * pct_start * T - 2 first\n"
                 "\n"
                 "Its rise is a warmup: give no other. The ends of the phases are torch's, an\n"
                 "update early, so the shape at another batch is shifted by about an update.\n"
                 "torch also cycles the momentum from 0.95 to 0.85 and back; here it stays.",
             .reference = "Smith and Topin 2017 (arXiv 1708.07120); torch OneCycleLR",
             .settings_bytes = sizeof(OneCycleSettings),
             .params = params},
    .counts_updates = true,
    .factor = one_cycle_factor,
};
