/* Reading and writing the `lr` object. */
#include "optim/companion.h"
#include "optim/schedule.h"

static const Param lr_params[] = {
    PARAM(NUMBER, LrSettings, base, NULL, 0, 1e6, "1",
          "learning rate at base_batch, after the warmup"),
    PARAM(COUNT, LrSettings, base_batch, "0", 0, 2147483648.0, "examples",
          "batch that base was tuned at; 0: the global batch"),
    PARAM_FROM(
        LrSettings, companion, "\"none\"", companion_rules,
        "settings of the optimizer that scale with the batch too: beta2 keeps its half-life in "
        "examples, or all of Malladi's (betas, eps; with scaling sqrt)"),
    PARAM_END,
};

static const char *const warmup_kinds[] = {"linear",   "mlperf",    "goyal",  "horovod",
                                           "constant", "quadratic", "factor", NULL};

/* Fields of the same struct as a table of their own, since they stand in an object of their own. */
static const Param warmup_params[] = {
    {"steps", PARAM_COUNT, offsetof(LrSettings, warmup_steps), "0", 0, 1e15, "steps",
     "length of the warmup in updates", NULL},
    {"epochs", PARAM_NUMBER, offsetof(LrSettings, warmup_epochs), "0", 0, 1e9, "epochs",
     "length of the warmup in passes over the training set", NULL},
    {"examples", PARAM_COUNT, offsetof(LrSettings, warmup_examples), "0", 0, 1e15, "examples",
     "length of the warmup in examples", NULL},
    {"fraction", PARAM_NUMBER, offsetof(LrSettings, warmup_fraction), "0", 0, 1, "1",
     "length of the warmup as a share of the trial", NULL},
    {"kind", PARAM_CHOICE, offsetof(LrSettings, warmup_kind), "\"linear\"", 0, 0, "1",
     "from zero by (t + 1) / T, or t / T (mlperf); from base by t / T (goyal), (t + 1) / T "
     "(horovod) or "
     "(t / T)^2 (quadratic); at base (constant); from start * the schedule by t / T (factor)",
     warmup_kinds},
    {"start", PARAM_NUMBER, offsetof(LrSettings, warmup_start), "0.3333333333333333", 0, 1, "1",
     "kind factor: where it starts, as a share of the rate", NULL},
    PARAM_END,
};

static const char *const warmup_lengths[] = {"steps", "epochs", "examples", "fraction", NULL};

const Param *lr_rows(void) {
    return lr_params;
}

const Param *lr_warmup_rows(void) {
    return warmup_params;
}

const char *const *lr_warmup_lengths(void) {
    return warmup_lengths;
}

static Error *read_warmup(LrSettings *out, const Json *object, Arena *arena) {
    if (object && object->kind != JSON_OBJECT)
        return error_hint(
            json_error(object, "is %s, but should be an object", json_kind_name(object->kind)),
            "{\"epochs\": 1}, {\"steps\": 100} or {\"examples\": 50000}");
    PASS(param_read(out, warmup_params, object, NULL, arena));
    int n = 0;
    for (const char *const *length = warmup_lengths; object && *length; length++)
        n += json_find(object, *length) != NULL;
    if (n > 1)
        return error_hint(json_error(object, "gives %d lengths, but should give one", n),
                          "keep one of steps, epochs, examples, fraction");
    if (object && n == 0)
        return error_hint(json_error(object, "gives no length"),
                          "give one of steps, epochs, examples, fraction, or leave the warmup out");
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

static void write_warmup(Json *object, const LrSettings *lr, Arena *arena) {
    Json *warmup = json_object(arena);
    if (lr->warmup_steps > 0)
        json_add_number(warmup, "steps", (double)lr->warmup_steps, arena);
    if (lr->warmup_epochs > 0)
        json_add_number(warmup, "epochs", lr->warmup_epochs, arena);
    if (lr->warmup_examples > 0)
        json_add_number(warmup, "examples", (double)lr->warmup_examples, arena);
    if (lr->warmup_fraction > 0)
        json_add_number(warmup, "fraction", lr->warmup_fraction, arena);
    if (warmup->n == 0)
        return;
    json_add_text(warmup, "kind", warmup_kinds[lr->warmup_kind], arena);
    if (lr->warmup_kind == WARMUP_FACTOR)
        json_add_number(warmup, "start", lr->warmup_start, arena);
    json_add(object, "warmup", warmup, arena);
}

Json *lr_write(const LrSettings *lr, int64_t global_batch, Arena *arena) {
    Json *object = json_object(arena);
    json_add_number(object, "base", lr->base, arena);
    json_add_number(object, "base_batch",
                    (double)(lr->base_batch > 0 ? lr->base_batch : global_batch), arena);
    json_add_text(object, "companion", companion_rules[lr->companion], arena);
    json_add(object, "scaling", kind_write(lr->scaling, lr->scaling_settings, arena), arena);
    write_warmup(object, lr, arena);
    json_add(object, "schedule", kind_write(lr->schedule, lr->schedule_settings, arena), arena);
    return object;
}
