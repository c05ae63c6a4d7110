/* The learning rate of an update: base * scaling(global_batch / base_batch) * warmup * schedule, every part a function of
 * examples seen, so that it means the same at every batch size. Semantics: shared/specs/optimizers.md section 8. */
#ifndef OPTIM_SCHEDULE_H
#define OPTIM_SCHEDULE_H

#include "lab/base/kind.h"

/* Where a trial stands when a factor is asked for; everything in examples, but for the rate. */
typedef struct ScheduleTime {
    double now;         /* seen before the update */
    double warmup;      /* where the warmup ends */
    double total;       /* the whole trial */
    double first_batch; /* what lengths in steps are counted with: the batch that the trial starts with */
    double epoch;       /* the training set */
    double peak;        /* the rate that the factor multiplies */
} ScheduleTime;

typedef struct ScheduleType {
    Kind kind;
    bool jumps;          /* not continuous in time (steps, restarts) */
    bool counts_updates; /* the shape shifts by an update or so, as its reference's does */
    /* Factor in [0, 1] of the update at `time`; holds its last value past the end. */
    double (*factor)(const void *settings, const ScheduleTime *time);
} ScheduleType;

/* k = global_batch / base_batch. */
typedef struct ScalingType {
    Kind kind;
    /* Factor of the base rate; 1 of rules that need noise (until their first gain). */
    double (*factor)(const void *settings, double k);
    /* What a warmup's length in epochs, examples or share is multiplied by; NULL: 1. */
    double (*stretch)(const void *settings, double k);
    /* Of rules that follow the run's noise, else NULL: the factor from the smoothed tr(Sigma) per example and |G|^2;
     * NaN where they do not define one (the last one is then held). */
    double (*gain)(const void *settings, double k, double base_batch, double noise_trace,
                   double noise_sqnorm);
    /* With gain: examples over which the smoothing forgets half. */
    double (*half_life)(const void *settings, double base_batch);
    /* The schedule's clock runs in updates of the base batch and advances by the gain at each update (AdaScale). */
    bool own_clock;
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

/* ---- for the schedules' files */

/* Share of the updates after the warmup that are done, held in [0, 1]. */
double schedule_progress(const ScheduleTime *time);

/* Units that a schedule's lengths may be given in: a setting of its own, `unit`. */
enum { SCHEDULE_STEPS, SCHEDULE_EPOCHS, SCHEDULE_EXAMPLES, SCHEDULE_FRACTION };
extern const char *const schedule_units[];
/* A length in examples; a fraction is of the whole trial. */
double schedule_length(double length, int unit, const ScheduleTime *time);

/* ---- the `lr` object of a trial */

typedef enum {
    WARMUP_LINEAR,    /* from zero, (t + 1) / T: no dead first update */
    WARMUP_MLPERF,    /* from zero, t / T: the first update has rate 0 */
    WARMUP_GOYAL,     /* from the base rate, base + (peak - base) * t / T */
    WARMUP_HOROVOD,   /* the same with t + 1 */
    WARMUP_CONSTANT,  /* the base rate throughout, then the peak */
    WARMUP_QUADRATIC, /* base + (peak - base) * (t / T)^2 (NVCaffe) */
    WARMUP_FACTOR,    /* start + (1 - start) * t / T times the schedule, which runs meanwhile (Detectron) */
} WarmupKind;

/* Resolved. Exactly one of the warmup lengths is > 0, or none. */
typedef struct LrSettings {
    double base;
    int64_t base_batch; /* 0: the trial's global_batch */
    int companion;      /* CompanionRule of optim/companion.h */
    const Kind *scaling;
    void *scaling_settings;
    const Kind *schedule;
    void *schedule_settings;
    int64_t warmup_steps;
    double warmup_epochs;
    int64_t warmup_examples;
    double warmup_fraction;
    int warmup_kind;
    double warmup_start;
} LrSettings;

/* Reads {"base":..., "base_batch":..., "companion":..., "scaling": NAME|{...}, "schedule": NAME|{...},
 * "warmup": {"steps"|"epochs"|"examples"|"fraction": n, "kind":..., "start":...}}. Errors (code 2) as param_read, and when
 * a warmup gives two lengths. */
Error *lr_read(LrSettings *out, const Json *object, Arena *arena);
/* The rows of the object itself, and of its `warmup`; the keys of those that are lengths, NULL-terminated. */
const Param *lr_rows(void);
const Param *lr_warmup_rows(void);
const char *const *lr_warmup_lengths(void);

/* Resolved form, with base_batch as it acts; no warmup is no key. lr_read of it gives the same settings. */
Json *lr_write(const LrSettings *lr, int64_t global_batch, Arena *arena);

/* A trial at an update, for batches that change and rules that follow the noise. */
typedef struct LrTime {
    double now;          /* examples seen before the update (own_clock: updates of the base batch done, times it) */
    double global_batch; /* of the update */
    double first_batch;  /* of the trial's first update */
    double n_train;
    double total; /* examples of the whole trial */
    double gain;  /* of a scaling rule with `gain`: 1 before the first estimate */
} LrTime;

/* The learning rate of an update. */
double lr_now(const LrSettings *lr, const LrTime *time);

/* What the schedule alone multiplies the rate with there; 1 during a warmup that runs before it. */
double lr_decay(const LrSettings *lr, const LrTime *time);

/* lr_now at one batch and without noise, by 0-based index of the update. */
double lr_at(const LrSettings *lr, int64_t step, int64_t global_batch, int64_t n_train, int64_t total_steps);

/* k = global_batch / base_batch; base_batch is the trial's first batch where none is given. */
double lr_k(const LrSettings *lr, double global_batch, double first_batch);

/* Warmup length in updates of `global_batch`, stretched by the scaling rule: `steps`, or ceil(examples / global_batch). */
double lr_warmup_steps(const LrSettings *lr, int64_t global_batch, int64_t n_train, int64_t total_steps);

#endif
