#include "optim/schedule.h"

#include <math.h>

enum { SHIFT_JOIN, SHIFT_MLPERF, SHIFT_WHOLE };

typedef struct PolynomialSettings {
    double power;
    double end;
    double end_lr;
    int shift;
} PolynomialSettings;

/* Share of the decay that is left. */
static double left_of(int shift, const ScheduleTime *time) {
    ScheduleTime own = *time;
    if (shift == SHIFT_WHOLE)
        own.warmup = 0;
    if (shift == SHIFT_MLPERF) /* ends one update past the horizon */
        own.total = time->total + time->first_batch;
    own.now = fmin(time->now, time->total);
    return 1 - schedule_progress(&own);
}

static double polynomial_factor(const void *settings, const ScheduleTime *time) {
    const PolynomialSettings *polynomial = settings;
    double end = polynomial->end;
    if (polynomial->end_lr > 0 && time->peak > 0)
        end = fmin(1, polynomial->end_lr / time->peak);
    return end + (1 - end) * pow(left_of(polynomial->shift, time), polynomial->power);
}

static const char *const shifts[] = {"join", "mlperf", "whole", NULL};

static const Param params[] = {
    PARAM(NUMBER, PolynomialSettings, power, "2", 0.1, 10, "1", "exponent; 1: linear decay"),
    PARAM(NUMBER, PolynomialSettings, end, "0", 0, 1, "1",
          "end of the decay, as a factor of the peak"),
    PARAM(NUMBER, PolynomialSettings, end_lr, "0", 0, 1e6, "1",
          "end of the decay as a learning rate; 0: by `end`"),
    PARAM_FROM(PolynomialSettings, shift, "\"join\"", shifts,
               "the decay runs from the end of the warmup, the same and one update longer "
               "(mlperf), or over the whole trial"),
    PARAM_END,
};

static const Preset presets[] = {
    {"mlperf", "mlcommons LARS: power 2 to a rate of 1e-4",
     "{\"power\": 2, \"end_lr\": 1e-4, \"shift\": \"mlperf\"}"},
    {"nvcaffe", "NVCaffe: power 2 over the whole trial, a drop at the join",
     "{\"power\": 2, \"shift\": \"whole\"}"},
    {"bert", "mlcommons BERT: power 1 over the whole trial",
     "{\"power\": 1, \"shift\": \"whole\"}"},
    {"nvidia-bert-lamb", "NVIDIA BERT with LAMB: the square root of what is left",
     "{\"power\": 0.5, \"shift\": \"whole\"}"},
    PRESET_END,
};

SCHEDULE_TYPE(polynomial) = {
    .kind =
        {.name = "polynomial",
         .summary = "a power of the remaining share, from the peak to the end",
         .detail =
             "factor = end + (1 - end) * (1 - x)^power\n"
             "x = (t - T_w) / (T - T_w)         join\n"
             "    (t - T_w) / (T - T_w + 1)     mlperf\n"
             "    t / T                         whole\n"
             "t updates done, of T; T_w of them warmup\n"
             "\n"
             "Power 2 goes with LARS, power 1 with LAMB. Over the whole trial the rate drops at\n"
             "the join: by 0.56 for power 2 after a quarter of warmup. mlcommons ends at a rate\n"
             "of 1e-4 and not at 0.",
         .reference = "You, Gitman, Ginsburg 2017 (arXiv 1708.03888); mlcommons resnet",
         .settings_bytes = sizeof(PolynomialSettings),
         .params = params,
         .presets = presets},
    .factor = polynomial_factor,
};
