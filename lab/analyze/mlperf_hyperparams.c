#include "lab/analyze/mlperf.h"

#include "lab/base/kind.h"
#include "optim/companion.h"
#include "optim/schedule.h"

#include <math.h>
#include <string.h>

/* A setting's name in MLPerf's logs; rows of an optimizer go before those of all. */
typedef struct Known {
    const char *optimizer; /* NULL: any */
    const char *setting, *name;
} Known;

static const Known known[] = {
    {"adam", "beta1", "opt_adam_beta_1"},
    {"adam", "beta2", "opt_adam_beta_2"},
    {"adam", "eps", "opt_adam_epsilon"},
    {"adamw", "beta1", "opt_adamw_beta_1"},
    {"adamw", "beta2", "opt_adamw_beta_2"},
    {"adamw", "eps", "opt_adamw_epsilon"},
    {"adamw", "weight_decay", "opt_adamw_weight_decay"},
    {"lamb", "beta1", "opt_lamb_beta_1"},
    {"lamb", "beta2", "opt_lamb_beta_2"},
    {"lamb", "eps", "opt_lamb_epsilon"},
    {"lamb", "weight_decay", "opt_lamb_weight_decay_rate"},
    {"lars", "eps", "lars_epsilon"},
    {NULL, "momentum", "opt_momentum"},
    {NULL, "weight_decay", "opt_weight_decay"},
};

enum { N_KNOWN = sizeof known / sizeof *known };

/* NULL: MLPerf has no name for it. */
static const char *known_name(const char *optimizer, const char *setting) {
    for (int i = 0; i < N_KNOWN; i++)
        if (strcmp(known[i].setting, setting) == 0 &&
            (!known[i].optimizer || strcmp(known[i].optimizer, optimizer) == 0))
            return known[i].name;
    return NULL;
}

/* What is momentum here is sgd there. */
static const char *opt_name(const char *optimizer) {
    return strcmp(optimizer, "momentum") == 0 ? "sgd" : optimizer;
}

/* What the update rule saw, when a companion rule moves betas and eps with the batch. */
static double acting(const LrSettings *lr, const char *setting, double value, double k) {
    CompanionRule rule = (CompanionRule)lr->companion;
    return strcmp(setting, "beta1") == 0   ? companion_beta1(rule, value, k)
           : strcmp(setting, "beta2") == 0 ? companion_beta2(rule, value, k)
           : strcmp(setting, "eps") == 0   ? companion_eps(rule, value, k)
                                           : value;
}

static void add_optimizer(Json *out, const RunRecord *run, const LrSettings *lr, double k,
                          Arena *arena) {
    const char *optimizer = run->header.optimizer;
    const Json *settings = json_find(run->config, "optimizer");
    if (!settings)
        return;
    JSON_EACH (setting, settings) {
        const char *name = known_name(optimizer, setting->key);
        if (name && setting->kind == JSON_NUMBER)
            json_add_number(out, name, acting(lr, setting->key, setting->number, k), arena);
    }
}

static void add_number_of(Json *out, const char *name, const Json *object, const char *key,
                          Arena *arena) {
    const Json *value = object ? json_find(object, key) : NULL;
    if (value && value->kind == JSON_NUMBER)
        json_add_number(out, name, value->number, arena);
}

static void add_schedule(Json *out, const RunRecord *run, const LrSettings *lr, double peak,
                         Arena *arena) {
    const RunHeader *header = &run->header;
    double batch = (double)header->global_batch, n_train = (double)header->n_train;
    double warmup = lr_warmup_steps(lr, header->global_batch, header->n_train, header->total_steps);
    json_add_number(out, "opt_learning_rate_warmup_steps", warmup, arena);
    if (n_train > 0)
        json_add_number(out, "opt_learning_rate_warmup_epochs", warmup * batch / n_train, arena);
    json_add_text(out, "opt_learning_rate_decay_schedule", lr->schedule->name, arena);
    if (strcmp(lr->schedule->name, "polynomial") != 0)
        return;
    const Json *settings = json_get(run->config, "lr.schedule");
    const Json *end = json_find(settings, "end"), *end_lr = json_find(settings, "end_lr");
    add_number_of(out, "opt_learning_rate_decay_poly_power", settings, "power", arena);
    json_add_number(out, "opt_learning_rate_decay_steps", (double)header->total_steps - warmup,
                    arena);
    bool absolute = end_lr && end_lr->kind == JSON_NUMBER && end_lr->number > 0;
    bool relative = end && end->kind == JSON_NUMBER;
    json_add_number(out, "opt_end_learning_rate",
                    absolute   ? end_lr->number
                    : relative ? end->number * peak
                               : 0,
                    arena);
}

static void add_rate(Json *out, const RunRecord *run, const LrSettings *lr, double k,
                     Arena *arena) {
    const ScalingType *scaling = (const ScalingType *)lr->scaling;
    bool by_noise = scaling->gain != NULL;
    double peak = lr->base * (by_noise ? 1 : scaling->factor(lr->scaling_settings, k));
    json_add_number(out, "opt_base_learning_rate", peak, arena);
    if (by_noise) /* the base rate, then: what it was multiplied by is in the rows */
        json_add_text(out, "learning_rate_follows_noise_by", lr->scaling->name, arena);
    add_schedule(out, run, lr, peak, arena);
}

/* Of a run that was imported: what its logger said. */
static void add_imported(Json *out, const RunRecord *run, Arena *arena) {
    const Json *settings = json_find(run->config, "settings");
    double peak = NAN;
    for (int64_t i = 0; i < run->n_steps; i++)
        peak = fmax(peak, run->steps[i].lr);
    if (isfinite(peak))
        json_add_number(out, "opt_base_learning_rate", peak, arena);
    if (settings && settings->kind == JSON_OBJECT)
        JSON_EACH (setting, settings)
            if (!json_find(out, setting->key))
                json_add(out, setting->key, json_copy(setting, arena), arena);
}

Json *mlperf_hyperparams(const RunRecord *run, Arena *arena) {
    const RunHeader *header = &run->header;
    Json *out = json_object(arena);
    const Json *object = json_find(run->config, "lr");
    LrSettings lr;
    json_add_text(out, "opt_name", opt_name(header->optimizer), arena);
    if (!object) {
        add_imported(out, run, arena);
        return out;
    }
    Error *error = lr_read(&lr, object, arena);
    if (error) { /* settings of another version stand whole in the record, under their own names */
        error_end(error);
        return out;
    }
    double batch = (double)header->global_batch, k = lr_k(&lr, batch, batch);
    add_rate(out, run, &lr, k, arena);
    add_optimizer(out, run, &lr, k, arena);
    const Json *clip = json_get(run->config, "clip.norm");
    if (clip && clip->kind == JSON_NUMBER && clip->number > 0)
        json_add_number(out, "opt_gradient_clip_norm", clip->number, arena);
    json_add_number(out, "mini_batch", (double)header->mini_batch, arena);
    return out;
}
