#include "lab/train/by_worker.h"

static const char *const slot_names[] = {"own", "mean", "zero", NULL};

const Param local_rows[] = {
    PARAM(COUNT, LocalSettings, period, "1", 1, 1e9, "steps",
          "workers step by themselves and average their weights after so many steps, 1: they "
          "average gradients"),
    PARAM(NUMBER, LocalSettings, after_epochs, "0", 0, 1e9, "epochs",
          "gradients are averaged every step before that (post-local SGD)"),
    PARAM_FROM(LocalSettings, slots, "\"own\"", slot_names,
               "the optimizer's own vectors at an average: kept by each worker, averaged too, or "
               "zero"),
    PARAM_END,
};

static bool is_compressed(const TrialSettings *settings) {
    return settings->compression->mean != NULL;
}

bool trial_by_worker(const TrialSettings *settings) {
    return is_compressed(settings) || settings->local.period > 1;
}

int64_t trial_most_replicas(const TrialSettings *settings, int64_t global_batch) {
    return trial_by_worker(settings) ? settings->workers : global_batch / settings->mini_batch;
}

static Error *check_count(const TrialSettings *settings, const Json *object) {
    int64_t shards = trial_shards(settings);
    if (shards % settings->workers == 0)
        return NULL;
    return error_hint(json_error(json_find(object, "workers"),
                                 "is %lld, which does not divide %lld shards (global_batch %lld / "
                                 "mini_batch %lld)",
                                 (long long)settings->workers, (long long)shards,
                                 (long long)settings->global_batch,
                                 (long long)settings->mini_batch),
                      "every worker needs the same number of shards, at least one");
}

/* What is made of the mean gradient, which no rank ever sees. */
static Error *check_noise(const TrialSettings *settings, const Json *object) {
    const ScalingType *scaling = (const ScalingType *)settings->lr.scaling;
    const char *hint = "take it out, or take compression and local out";
    if (scaling->gain || scaling->own_clock)
        return error_hint(json_error(json_find(object, "lr"),
                                     "has scaling '%s', which follows the noise of the mean "
                                     "gradient, but workers do not exchange that here",
                                     scaling->kind.name),
                          "use scaling none, sqrt or linear");
    if (settings->noise.preconditioned)
        return error_hint(json_error(json_find(object, "noise"),
                                     "needs the mean gradient, which workers do not exchange here"),
                          "%s", hint);
    if (settings->curvature.every_examples > 0)
        return error_hint(
            json_error(json_find(object, "curvature"),
                       "needs sums of whole gradients, which workers do not exchange here"),
            "%s", hint);
    return NULL;
}

static Error *check_local(const TrialSettings *settings, const Json *object) {
    const Json *where = json_find(object, "local");
    if (settings->local.period == 1)
        return NULL;
    if (settings->workers < 2)
        return error_hint(json_error(where, "has a period of %lld steps, but there is one worker",
                                     (long long)settings->local.period),
                          "give trial.workers, for example 4");
    if (is_compressed(settings))
        return error_hint(
            json_error(where, "averages weights, trial.compression '%s' compresses gradients",
                       settings->compression->kind.name),
            "use one of the two");
    if (settings->ema.half_life_examples > 0)
        return error_hint(json_error(where, "has no weights to average between its periods, which "
                                            "trial.weight_ema asks for"),
                          "use one of the two");
    return NULL;
}

static Error *check_momentum(const TrialSettings *settings, const Json *object) {
    if (!settings->compression->own_momentum || settings->optimizer->n_slots == 0)
        return NULL;
    return error_hint(json_error(json_find(object, "compression"),
                                 "is '%s', whose workers keep the momentum, but the optimizer "
                                 "'%s' has a memory of its own",
                                 settings->compression->kind.name, settings->optimizer->kind.name),
                      "use {\"name\": \"sgd\"} and give the compression the momentum");
}

static Error *read_compression(TrialSettings *out, const Json *value, Arena *arena) {
    const Kind *kind = compression_table[COMPRESSION_ID_none];
    out->compression_settings = NULL;
    if (value)
        PASS(kind_read(&kind, &out->compression_settings, value, compression_table, COMPRESSION_N,
                       "compression", NULL, arena));
    out->compression = (const CompressionType *)kind;
    return NULL;
}

Error *by_worker_read(TrialSettings *out, const Json *object, Arena *arena) {
    PASS(read_compression(out, json_find(object, "compression"), arena));
    PASS(check_count(out, object));
    if (!trial_by_worker(out))
        return NULL;
    PASS(check_noise(out, object));
    PASS(check_local(out, object));
    return check_momentum(out, object);
}

void by_worker_write(Json *object, const TrialSettings *settings, Arena *arena) {
    if (settings->workers != 1)
        json_add_number(object, "workers", (double)settings->workers, arena);
    if (is_compressed(settings))
        json_add(object, "compression",
                 kind_write(&settings->compression->kind, settings->compression_settings, arena),
                 arena);
}
