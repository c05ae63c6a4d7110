/* Batch schedules: global_batch may change during a trial (Smith et al. 2018; batch warmup). The
 * number of shards changes, the mini-batch does not. A function of examples seen alone, so that a
 * resumed trial and every layout agree. */
#ifndef LAB_TRAIN_BATCH_SCHEDULE_H
#define LAB_TRAIN_BATCH_SCHEDULE_H

#include "lab/base/kind.h"

/* Where a trial stands when it asks for the batch of its next update. */
typedef struct BatchTime {
    int64_t examples; /* seen so far */
    int64_t n_train;
    int64_t global_batch, mini_batch; /* of the trial; global_batch is a multiple of mini_batch */
    double lr_factor; /* what the schedule of the learning rate says here, in (0, 1] */
} BatchTime;

typedef struct BatchScheduleType {
    Kind kind;
    bool replaces_lr; /* the batch grows where the learning rate would have dropped */
    /* Batch of the next update; the caller rounds it down to a multiple of mini_batch, at least
     * one. */
    double (*batch)(const void *settings, const BatchTime *time);
    /* Settings that contradict themselves; may be NULL. `where` is the object they were read from.
     */
    Error *(*check)(const void *settings, const Json *where);
} BatchScheduleType;

#define BATCH_SCHEDULE(name) BATCH_SCHEDULE_ID_##name,
enum {
#include "lab/train/batch_schedules.def"
    BATCH_SCHEDULE_N
};
#undef BATCH_SCHEDULE
#define BATCH_SCHEDULE_TYPE(name)                                                                  \
    extern const BatchScheduleType batch_schedule_##name;                                          \
    _Static_assert(BATCH_SCHEDULE_ID_##name >= 0, "line in batch_schedules.def");                  \
    const BatchScheduleType batch_schedule_##name

extern const Kind *const batch_schedule_table[BATCH_SCHEDULE_N];

/* Examples of the next update. */
int64_t batch_at(const BatchScheduleType *type, const void *settings, const BatchTime *time);

#endif
