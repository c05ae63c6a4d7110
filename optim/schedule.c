#include "optim/schedule.h"

#include <math.h>

#define SCHEDULE(name) extern const ScheduleType schedule_##name;
#include "optim/schedules.def"
#undef SCHEDULE
#define SCALING(name) extern const ScalingType scaling_##name;
#include "optim/scalings.def"
#undef SCALING

const Kind *const schedule_table[SCHEDULE_N] = {
#define SCHEDULE(name) &schedule_##name.kind,
#include "optim/schedules.def"
#undef SCHEDULE
};

const Kind *const scaling_table[SCALING_N] = {
#define SCALING(name) &scaling_##name.kind,
#include "optim/scalings.def"
#undef SCALING
};

const char *const schedule_units[] = {"steps", "epochs", "examples", "fraction", NULL};

double schedule_length(double length, int unit, const ScheduleTime *time) {
    const double examples[] = {time->first_batch, time->epoch, 1, time->total};
    return length * examples[unit];
}

double schedule_progress(const ScheduleTime *time) {
    double done = time->now - time->warmup, all = time->total - time->warmup;
    if (!(all > 0) || done >= all)
        return 1;
    return done > 0 ? done / all : 0;
}

double lr_k(const LrSettings *lr, double global_batch, double first_batch) {
    return global_batch / (lr->base_batch > 0 ? (double)lr->base_batch : first_batch);
}

static double stretch_of(const LrSettings *lr, double first_batch) {
    const ScalingType *scaling = (const ScalingType *)lr->scaling; /* types begin with their kind */
    return scaling->stretch
               ? scaling->stretch(lr->scaling_settings, lr_k(lr, first_batch, first_batch))
               : 1;
}

/* In updates of the first batch, whole. */
static double warmup_updates(const LrSettings *lr, double first_batch, double n_train,
                             double total) {
    if (lr->warmup_steps > 0)
        return (double)lr->warmup_steps;
    double examples = lr->warmup_epochs > 0     ? lr->warmup_epochs * n_train
                      : lr->warmup_fraction > 0 ? lr->warmup_fraction * total
                                                : (double)lr->warmup_examples;
    examples *= stretch_of(lr, first_batch);
    /* 1.1 epochs of 50000 examples are 55000 examples, although 1.1 * 50000 > 55000 in double */
    return ceil(examples / first_batch * (1 - 1e-12));
}

double lr_warmup_steps(const LrSettings *lr, int64_t global_batch, int64_t n_train,
                       int64_t total_steps) {
    return warmup_updates(lr, (double)global_batch, (double)n_train,
                          (double)total_steps * (double)global_batch);
}

/* The rate while t < length: t and length in updates of the first batch, `ahead` is t + 1 there. */
static double rising(const LrSettings *lr, double peak, double t, double ahead, double length) {
    switch (lr->warmup_kind) {
    case WARMUP_LINEAR:
        return peak * ahead / length;
    case WARMUP_MLPERF:
        return peak * t / length;
    case WARMUP_GOYAL:
        return lr->base + (peak - lr->base) * t / length;
    case WARMUP_HOROVOD:
        return lr->base + (peak - lr->base) * ahead / length;
    case WARMUP_QUADRATIC:
        return lr->base + (peak - lr->base) * (t / length) * (t / length);
    default:
        return lr->base; /* constant */
    }
}

static ScheduleTime schedule_time(const LrSettings *lr, const LrTime *time) {
    const ScalingType *scaling = (const ScalingType *)lr->scaling;
    double k = lr_k(lr, time->global_batch, time->first_batch);
    double factor = scaling->gain ? time->gain : scaling->factor(lr->scaling_settings, k);
    double updates = warmup_updates(lr, time->first_batch, time->n_train, time->total);
    return (ScheduleTime){.now = time->now,
                          .warmup = updates * time->first_batch,
                          .total = time->total,
                          .first_batch = time->first_batch,
                          .epoch = time->n_train,
                          .peak = lr->base * factor};
}

double lr_decay(const LrSettings *lr, const LrTime *time) {
    const ScheduleType *schedule = (const ScheduleType *)lr->schedule;
    ScheduleTime now = schedule_time(lr, time);
    bool before = now.now < now.warmup && lr->warmup_kind != WARMUP_FACTOR;
    return before ? 1 : schedule->factor(lr->schedule_settings, &now);
}

double lr_now(const LrSettings *lr, const LrTime *time) {
    ScheduleTime now = schedule_time(lr, time);
    double decay = lr_decay(lr, time), updates = now.warmup / now.first_batch;
    if (now.now >= now.warmup)
        return now.peak * decay;
    double t = now.now / now.first_batch, ahead = (now.now + time->global_batch) / now.first_batch;
    if (lr->warmup_kind == WARMUP_FACTOR)
        return now.peak * decay * (lr->warmup_start + (1 - lr->warmup_start) * t / updates);
    return rising(lr, now.peak, t, fmin(ahead, updates), updates);
}

double lr_at(const LrSettings *lr, int64_t step, int64_t global_batch, int64_t n_train,
             int64_t total_steps) {
    double batch = (double)global_batch;
    LrTime time = {.now = (double)step * batch,
                   .global_batch = batch,
                   .first_batch = batch,
                   .n_train = (double)n_train,
                   .total = (double)total_steps * batch,
                   .gain = 1};
    return lr_now(lr, &time);
}
