#include "optim/schedule.h"

static double constant_factor(const void *settings, const ScheduleTime *time) {
    (void)settings, (void)time;
    return 1;
}

SCHEDULE_TYPE(constant) = {
    .kind = {.name = "constant",
             .summary = "the learning rate stays at its peak",
             .detail = "factor = 1\n"
                       "\n"
                       "Right for measuring how many steps a target takes, because no horizon "
                       "enters. With a\n"
                       "large rate the end is noisy: the last per cent of accuracy needs a decay."},
    .factor = constant_factor,
};
