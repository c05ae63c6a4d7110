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

static const Param lr_params[] = {
    PARAM(NUMBER, LrSettings, base, NULL, 0, 1e6, "1",
          "learning rate at base_batch, after the warmup"),
    PARAM(COUNT, LrSettings, base_batch, "0", 0, 2147483648.0, "examples",
          "batch that base was tuned at; 0: the global batch"),
    PARAM_END,
};

/* The same fields as a table of their own, since they stand in an object of their own. */
static const Param warmup_params[] = {
    {"steps", PARAM_COUNT, offsetof(LrSettings, warmup_steps), "0", 0, 1e15, "steps",
     "length of the warmup in updates", NULL},
    {"epochs", PARAM_NUMBER, offsetof(LrSettings, warmup_epochs), "0", 0, 1e9, "epochs",
     "length of the warmup in passes over the training set", NULL},
    {"examples", PARAM_COUNT, offsetof(LrSettings, warmup_examples), "0", 0, 1e15, "examples",
     "length of the warmup in examples", NULL},
    PARAM_END,
};

const Param *lr_rows(void) {
    return lr_params;
}

const Param *lr_warmup_rows(void) {
    return warmup_params;
}

static Error *read_warmup(LrSettings *out, const Json *object, Arena *arena) {
    if (object && object->kind != JSON_OBJECT)
        return error_hint(
            json_error(object, "is %s, but should be an object", json_kind_name(object->kind)),
            "{\"epochs\": 1}, {\"steps\": 100} or {\"examples\": 50000}");
    PASS(param_read(out, warmup_params, object, NULL, arena));
    if (object && object->n > 1)
        return error_hint(json_error(object, "gives %d lengths, but should give one", object->n),
                          "keep one of steps, epochs, examples");
    if (object && object->n == 0)
        return error_hint(json_error(object, "gives no length"),
                          "give one of steps, epochs, examples, or leave the warmup out");
    return NULL;
}

Error *lr_read(LrSettings *out, const Json *object, Arena *arena) {
    static const char *const parts[] = {"scaling", "warmup", "schedule", NULL};
    *out = (LrSettings){0};
    PASS(param_read(out, lr_params, object, parts, arena));
    PASS(read_warmup(out, json_find(object, "warmup"), arena));
    const Json *scaling = json_find(object, "scaling"), *schedule = json_find(object, "schedule");
    PASS(kind_read(&out->scaling, &out->scaling_settings,
                   scaling ? scaling : json_text("none", arena), scaling_table, SCALING_N,
                   "scaling rule", NULL, arena));
    return kind_read(&out->schedule, &out->schedule_settings,
                     schedule ? schedule : json_text("constant", arena), schedule_table, SCHEDULE_N,
                     "schedule", NULL, arena);
}

static int64_t base_batch_of(const LrSettings *lr, int64_t global_batch) {
    return lr->base_batch > 0 ? lr->base_batch : global_batch;
}

Json *lr_write(const LrSettings *lr, int64_t global_batch, Arena *arena) {
    Json *object = json_object(arena);
    json_add_number(object, "base", lr->base, arena);
    json_add_number(object, "base_batch", (double)base_batch_of(lr, global_batch), arena);
    json_add(object, "scaling", kind_write(lr->scaling, lr->scaling_settings, arena), arena);
    Json *warmup = json_object(arena);
    if (lr->warmup_steps > 0)
        json_add_number(warmup, "steps", (double)lr->warmup_steps, arena);
    if (lr->warmup_epochs > 0)
        json_add_number(warmup, "epochs", lr->warmup_epochs, arena);
    if (lr->warmup_examples > 0)
        json_add_number(warmup, "examples", (double)lr->warmup_examples, arena);
    if (warmup->n > 0)
        json_add(object, "warmup", warmup, arena);
    json_add(object, "schedule", kind_write(lr->schedule, lr->schedule_settings, arena), arena);
    return object;
}

double schedule_progress(double tau, double total) {
    if (!(total > 0) || tau >= total)
        return 1;
    return tau > 0 ? tau / total : 0;
}

double lr_warmup_steps(const LrSettings *lr, int64_t global_batch, int64_t n_train) {
    if (lr->warmup_steps > 0)
        return (double)lr->warmup_steps;
    double examples =
        lr->warmup_epochs > 0 ? lr->warmup_epochs * (double)n_train : (double)lr->warmup_examples;
    /* 1.1 epochs of 50000 examples are 55000 examples, although 1.1 * 50000 > 55000 in double */
    return ceil(examples / (double)global_batch * (1 - 1e-12));
}

double lr_at(const LrSettings *lr, int64_t step, int64_t global_batch, int64_t n_train,
             int64_t total_steps) {
    const ScalingType *scaling = (const ScalingType *)lr->scaling; /* types begin with their kind */
    const ScheduleType *schedule = (const ScheduleType *)lr->schedule;
    double k = (double)global_batch / (double)base_batch_of(lr, global_batch);
    double peak = lr->base * scaling->factor(lr->scaling_settings, k);
    double warmup = lr_warmup_steps(lr, global_batch, n_train), t = (double)step;
    if (t < warmup)
        return peak * (t + 1) / warmup;
    return peak * schedule->factor(lr->schedule_settings, t - warmup, (double)total_steps - warmup);
}
