/* The learning rate of an update: base * scaling(global_batch / base_batch) * warmup(x) * schedule(x), every part a
 * function of examples seen, so that it means the same at every batch size. */
#ifndef OPTIM_SCHEDULE_H
#define OPTIM_SCHEDULE_H

#include "lab/base/kind.h"

typedef struct ScheduleType {
    Kind kind;
    bool jumps; /* true: not continuous in tau (steps, restarts) */
    /* Factor in [0, 1] for the decay-local index tau of `total` updates (tau = step - warmup_steps, which may be a
     * fraction). Depends on tau / total alone, and holds its last value past the end. */
    double (*factor)(const void *settings, double tau, double total);
} ScheduleType;

typedef struct ScalingType {
    Kind kind;
    double (*factor)(const void *settings, double k); /* k = global_batch / base_batch */
} ScalingType;

#define SCHEDULE(name) SCHEDULE_ID_##name,
enum {
#include "optim/schedules.def"
    SCHEDULE_N
};
#undef SCHEDULE
#define SCALING(name) SCALING_ID_##name,
enum {
#include "optim/scalings.def"
    SCALING_N
};
#undef SCALING
#define SCHEDULE_TYPE(name)                                                                        \
    extern const ScheduleType schedule_##name;                                                     \
    _Static_assert(SCHEDULE_ID_##name >= 0, "line in schedules.def");                              \
    const ScheduleType schedule_##name
#define SCALING_TYPE(name)                                                                         \
    extern const ScalingType scaling_##name;                                                       \
    _Static_assert(SCALING_ID_##name >= 0, "line in scalings.def");                                \
    const ScalingType scaling_##name

extern const Kind *const schedule_table[SCHEDULE_N];
extern const Kind *const scaling_table[SCALING_N];

/* The `lr` object of a trial, resolved. Exactly one of the warmup lengths is > 0, or none. */
typedef struct LrSettings {
    double base;
    int64_t base_batch; /* 0: the trial's global_batch */
    const Kind *scaling;
    void *scaling_settings;
    const Kind *schedule;
    void *schedule_settings;
    int64_t warmup_steps;
    double warmup_epochs;
    int64_t warmup_examples;
} LrSettings;

/* Reads {"base":..., "base_batch":..., "scaling": NAME|{...}, "warmup": {"steps"|"epochs"|"examples": n},
 * "schedule": NAME|{...}}. Errors (code 2) as param_read, and when a warmup gives two lengths. */
Error *lr_read(LrSettings *out, const Json *object, Arena *arena);
/* The rows of the object itself, and of its `warmup`. */
const Param *lr_rows(void);
const Param *lr_warmup_rows(void);

/* Resolved form, with base_batch as it acts; no warmup is no key. lr_read of it gives the same settings. */
Json *lr_write(const LrSettings *lr, int64_t global_batch, Arena *arena);

/* Progress tau / total of a schedule, held in [0, 1]: what a factor is a function of. */
double schedule_progress(double tau, double total);

/* Warmup length in updates: `steps`, or ceil(examples / global_batch). */
double lr_warmup_steps(const LrSettings *lr, int64_t global_batch, int64_t n_train);

/* The learning rate used by the update with 0-based index `step`. Warmup is linear, (step + 1) / warmup_steps: no
 * dead first step; the schedule starts where the warmup ends and ends at total_steps. */
double lr_at(const LrSettings *lr, int64_t step, int64_t global_batch, int64_t n_train, int64_t total_steps);

#endif
