#include "lab/train/batch_schedule.h"

static double constant_batch(const void *settings, const BatchTime *time) {
    (void)settings;
    return (double)time->global_batch;
}

BATCH_SCHEDULE_TYPE(constant) = {
    .kind = {.name = "constant", .summary = "global_batch from the first step to the last"},
    .batch = constant_batch,
};
