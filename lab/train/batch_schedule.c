#include "lab/train/batch_schedule.h"

#include <math.h>

#define BATCH_SCHEDULE(name) extern const BatchScheduleType batch_schedule_##name;
#include "lab/train/batch_schedules.def"
#undef BATCH_SCHEDULE
#define BATCH_SCHEDULE(name) &batch_schedule_##name.kind,
const Kind *const batch_schedule_table[BATCH_SCHEDULE_N] = {
#include "lab/train/batch_schedules.def"
};
#undef BATCH_SCHEDULE

int64_t batch_at(const BatchScheduleType *type, const void *settings, const BatchTime *time) {
    double shards = floor(type->batch(settings, time) / (double)time->mini_batch + 1e-9);
    return (int64_t)fmax(shards, 1) * time->mini_batch;
}
