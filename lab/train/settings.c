/* The `trial` object: rows, resolution, identity. */
#include "lab/train/trial.h"

#include "lab/base/hash.h"
#include "lab/train/by_worker.h"
#include "lab/train/layer_rules.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static const Param stop_rows[] = {
    PARAM(NUMBER, StopSettings, epochs, "0", 0, 1e9, "epochs",
          "budget in passes over the training set, 0: none"),
    PARAM(COUNT, StopSettings, examples, "0", 0, 1e15, "examples",
          "budget in training examples, 0: none"),
    PARAM(COUNT, StopSettings, steps, "0", 0, 1e12, "steps", "budget in optimizer steps, 0: none"),
    PARAM(NUMBER, StopSettings, diverge_factor, "10", 1.01, 1e12, "1",
          "diverged when the train loss is above this multiple of its start"),
    PARAM_END,
};

static const Param eval_rows[] = {
    PARAM(COUNT, EvalSettings, every_examples, "0", 0, 1e15, "examples",
          "evaluation interval, 0: one epoch"),
    PARAM_END,
};

static const char *const clip_forms[] = {"tf", "torch", NULL};
static const char *const clip_scopes[] = {"global", "layer", NULL};
static const Param clip_rows[] = {
    PARAM(NUMBER, ClipSettings, norm, "0", 0, 1e30, "1",
          "largest norm of the mean gradient, 0: no clipping"),
    PARAM_FROM(ClipSettings, form, "\"tf\"", clip_forms,
               "limit / norm, or torch's limit / (norm + 1e-6)"),
    PARAM_FROM(ClipSettings, scope, "\"global\"", clip_scopes,
               "norm over all tensors, or each tensor by itself"),
    PARAM_END,
};

static const char *const smooth_names[] = {"all", "others", NULL};
static const Param loss_rows[] = {
    PARAM(NUMBER, LossSettings, label_smoothing, "0", 0, 0.999, "1",
          "share of the target spread over classes; the reported loss stays unsmoothed"),
    PARAM_FROM(LossSettings, smooth, "\"all\"", smooth_names,
               "spread over all classes (e/K) or the others (e/(K-1))"),
    PARAM_END,
};

static const Param ema_rows[] = {
    PARAM(
        NUMBER, EmaSettings, half_life_examples, "0", 0, 1e15, "examples",
        "evaluate a moving average of the weights with this half-life, 0: the weights themselves"),
    PARAM_END,
};

static const Param noise_rows[] = {
    PARAM(FLAG, NoiseSettings, preconditioned, "false", 0, 0, "1",
          "also in the metric of the optimizer's diagonal preconditioner; costs a pass a shard"),
    PARAM_END,
};

static const Param curvature_rows[] = {
    PARAM(COUNT, CurvatureSettings, every_examples, "0", 0, 1e15, "examples",
          "measured at the first evaluation at or past each multiple, 0: never"),
    PARAM(COUNT, CurvatureSettings, examples, "1024", 2, 1 << 24, "examples",
          "fixed subset of the training set, at least two mini-batches"),
    PARAM(NUMBER, CurvatureSettings, step, "0.00390625", 1e-7, 1, "1",
          "of the central differences, as a fraction of |w|; best near 2^-8 in float32"),
    PARAM(COUNT, CurvatureSettings, probes, "8", 1, 255, "1",
          "random vectors for tr(H Sigma), three gradients each"),
    PARAM(COUNT, CurvatureSettings, iterations, "20", 1, 10000, "1",
          "of the power method for the top eigenvalue, two gradients each"),
    PARAM_END,
};

static const TrialSection sections[] = {
    {"eval", offsetof(TrialSettings, eval), eval_rows,
     "when the validation and test sets are looked at", 0},
    {"clip", offsetof(TrialSettings, clip), clip_rows,
     "gradient clipping, before decay and trust ratios", 0},
    {"loss", offsetof(TrialSettings, loss), loss_rows, "the training target", 0},
    {"augment", offsetof(TrialSettings, augment), augment_rows,
     "random changes of the training images, functions of the seed and the place in the stream",
     sizeof(AugmentSettings)},
    {"weight_ema", offsetof(TrialSettings, ema), ema_rows, "averaged weights for evaluation", 0},
    {"noise", offsetof(TrialSettings, noise), noise_rows,
     "noise statistics besides the noise scale, on request", sizeof(NoiseSettings)},
    {"curvature", offsetof(TrialSettings, curvature), curvature_rows,
     "curvature of the training loss at evaluations, on request", sizeof(CurvatureSettings)},
    {"branch", offsetof(TrialSettings, branch), branch_rows,
     "a branch off the trial, with another batch; `branch` beside `sweep` makes families of them",
     sizeof(BranchSettings)},
    {"local", offsetof(TrialSettings, local), local_rows,
     "local SGD: workers step by themselves and average weights", sizeof(LocalSettings)},
};
enum { N_SECTIONS = sizeof sections / sizeof *sections };

typedef struct CountSettings {
    int64_t global_batch, workers;
} CountSettings;

static const Param count_rows[] = {
    PARAM(COUNT, CountSettings, global_batch, NULL, 1, 1 << 24, "examples",
          "examples per optimizer step"),
    PARAM(COUNT, CountSettings, workers, "1", 1, 65536, "workers",
          "logical workers with state of their own, in compressions and local SGD: equal blocks "
          "of shards, at most as many replicas"),
    PARAM_END,
};

static const char *const isa_names[] = {"any", "sse42", "avx2", "avx512", NULL};
typedef struct IsaSettings {
    int isa;
} IsaSettings;
static const Param isa_rows[] = {
    PARAM_FROM(IsaSettings, isa, "\"any\"", isa_names,
               "instruction set the libraries are pinned to"),
    PARAM_END,
};

static const char *const trial_keys[] = {
    "dataset", "model",   "global_batch", "mini_batch", "batch_schedule", "optimizer",
    "lr",      "stop",    "isa",          "layers",     "eval",           "clip",
    "loss",    "augment", "weight_ema",   "noise",      "curvature",      "branch",
    "workers", "local",   "compression",  NULL};

/* ---- reading */

static Error *required(const Json **out, const Json *object, const char *key, const char *hint) {
    *out = json_find(object, key);
    if (!*out)
        return error_hint(json_error(object, "lacks the required setting '%s'", key), "%s", hint);
    return NULL;
}

typedef struct TargetSettings {
    int metric;
    double target;
} TargetSettings;

static const Param target_rows[] = {
    {"metric", PARAM_CHOICE, offsetof(TargetSettings, metric), "\"valid_accuracy\"", 0, 0, "1",
     "what the target is a value of", metric_names},
    PARAM(NUMBER, TargetSettings, target, "0", -INFINITY, INFINITY, "1",
          "the run ends when the metric is as good"),
    PARAM_END,
};

TrialRows trial_rows(void) {
    return (TrialRows){.counts = count_rows,
                       .isa = isa_rows,
                       .target = target_rows,
                       .stop = stop_rows,
                       .sections = sections,
                       .n_sections = N_SECTIONS};
}

static const char *const stop_keys[] = {"metric", "target",         "epochs", "examples",
                                        "steps",  "diverge_factor", NULL};

static Error *read_target(StopSettings *out, const Json *stop, const DatasetType *dataset,
                          Arena *arena) {
    const Json *metric = json_find(stop, "metric"), *target = json_find(stop, "target");
    if (!metric && !target)
        return NULL;
    if (!metric || !target)
        return error_hint(json_error(stop, "has %s without %s", metric ? "metric" : "target",
                                     metric ? "target" : "metric"),
                          "give both, or neither: then the run ends when its budget is spent");
    TargetSettings read;
    PASS(param_read(&read, target_rows, stop, stop_keys, arena));
    if (metric_is_bits((Metric)read.metric) && !dataset->is_text)
        return error_hint(json_error(metric, "is '%s', but the dataset '%s' is no text",
                                     metric_names[read.metric], dataset->kind.name),
                          "use %s: bits per byte are told of 'text' and 'markov'",
                          read.metric == METRIC_VALID_BITS_PER_BYTE ? "valid_loss" : "test_loss");
    if (metric_is_share((Metric)read.metric) && !(read.target > 0 && read.target <= 1))
        return error_hint(json_error(target, "is %g, which is no accuracy", read.target),
                          "legal: above 0 up to 1, for example 0.975");
    out->metric = read.metric;
    out->target = read.target;
    out->has_target = true;
    return NULL;
}

static Error *read_stop(StopSettings *out, const Json *trial, const DatasetType *dataset,
                        Arena *arena) {
    const Json *stop;
    PASS(required(&stop, trial, "stop", "for example {\"epochs\": 10}"));
    PASS(param_read(out, stop_rows, stop, stop_keys, arena));
    PASS(read_target(out, stop, dataset, arena));
    if (out->epochs <= 0 && out->examples == 0 && out->steps == 0)
        return error_hint(json_error(stop, "has no budget"),
                          "give epochs, examples or steps above 0");
    return NULL;
}

int64_t trial_auto_mini_batch(int64_t global_batch) {
    for (int64_t b = 128; b > 1; b /= 2)
        if (global_batch % b == 0 && global_batch / b >= 4)
            return b;
    return 1;
}

static Error *read_mini_batch(TrialSettings *out, const Json *trial) {
    const Json *value = json_find(trial, "mini_batch");
    if (!value || (value->kind == JSON_TEXT && strcmp(value->text, "auto") == 0)) {
        out->mini_batch = trial_auto_mini_batch(out->global_batch);
        while (out->mini_batch > 1 && trial_shards(out) % out->workers != 0)
            out->mini_batch /= 2;
        return NULL;
    }
    const char *hint = "legal: \"auto\" or a whole number that divides global_batch";
    if (value->kind != JSON_NUMBER || value->number != floor(value->number))
        return error_hint(json_error(value, "is %s, but should be a whole number or \"auto\"",
                                     json_kind_name(value->kind)),
                          "%s", hint);
    if (value->number < 1 || value->number > TRIAL_MAX_MINI_BATCH)
        return error_hint(json_error(value, "is %g, which is out of range", value->number),
                          "legal: 1 to %d", TRIAL_MAX_MINI_BATCH);
    out->mini_batch = (int64_t)value->number;
    if (out->global_batch % out->mini_batch != 0)
        return error_hint(json_error(value, "is %lld, which does not divide global_batch %lld",
                                     (long long)out->mini_batch, (long long)out->global_batch),
                          "%s", hint);
    return NULL;
}

static Error *read_batch_schedule(TrialSettings *out, const Json *value, Arena *arena) {
    const Kind *kind = batch_schedule_table[BATCH_SCHEDULE_ID_constant];
    out->batch_schedule_settings = NULL;
    if (value)
        PASS(kind_read(&kind, &out->batch_schedule_settings, value, batch_schedule_table,
                       BATCH_SCHEDULE_N, "batch schedule", NULL, arena));
    out->batch_schedule = (const BatchScheduleType *)kind;
    return value && out->batch_schedule->check
               ? out->batch_schedule->check(out->batch_schedule_settings, value)
               : NULL;
}

Error *trial_read(TrialSettings *out, const Json *object, Arena *arena) {
    *out = (TrialSettings){0};
    const Kind *kind;
    const Json *part;
    IsaSettings isa;
    PASS(param_read(&isa, isa_rows, object, trial_keys, arena));
    PASS(required(&part, object, "dataset", "for example {\"name\": \"glyphs\"}"));
    PASS(kind_read(&kind, &out->dataset_settings, part, dataset_table, DATASET_N, "dataset", NULL,
                   arena));
    out->dataset = (const DatasetType *)kind;
    PASS(required(&part, object, "model", "for example {\"name\": \"mlp\", \"hidden\": [128]}"));
    PASS(kind_read(&kind, &out->model_settings, part, model_table, MODEL_N, "model", NULL, arena));
    out->model = (const ModelType *)kind;
    PASS(required(&part, object, "optimizer", "for example {\"name\": \"momentum\"}"));
    PASS(kind_read(&kind, &out->optimizer_settings, part, optim_table, OPTIM_N, "optimizer", NULL,
                   arena));
    out->optimizer = (const OptimType *)kind;
    PASS(required(&part, object, "lr", "for example {\"base\": 0.1}"));
    PASS(lr_read(&out->lr, part, arena));
    CountSettings counts;
    PASS(param_read(&counts, count_rows, object, trial_keys, arena));
    out->global_batch = counts.global_batch;
    out->workers = counts.workers;
    PASS(read_mini_batch(out, object));
    PASS(read_batch_schedule(out, json_find(object, "batch_schedule"), arena));
    PASS(read_stop(&out->stop, object, out->dataset, arena));
    for (int i = 0; i < N_SECTIONS; i++)
        PASS(param_read((char *)out + sections[i].offset, sections[i].rows,
                        json_find(object, sections[i].key), NULL, arena));
    PASS(by_worker_read(out, object, arena));
    PASS(branch_check(&out->branch, json_find(object, "branch")));
    if (out->branch.examples > 0)
        out->stop.has_target = false; /* a branch has its length, and nothing else ends it */
    PASS(layer_rules_read(&out->layer_rules, &out->n_layer_rules, json_find(object, "layers"),
                          arena));
    out->isa = isa.isa ? isa_names[isa.isa] : NULL;
    return NULL;
}

/* ---- writing */

static const char *rows_text(const Param *rows, const void *settings, Arena *arena) {
    Json *object = json_object(arena);
    param_write(object, rows, settings, arena);
    return json_canonical(object, arena);
}

static bool is_standard(const TrialSection *section, const void *settings, Arena *arena) {
    void *standard = arena_alloc(arena, section->optional_bytes);
    Error *error = param_read(standard, section->rows, NULL, NULL, arena);
    assert(!error); /* optional sections have no required rows */
    return strcmp(rows_text(section->rows, settings, arena),
                  rows_text(section->rows, standard, arena)) == 0;
}

static void write_section(Json *object, const TrialSection *section, const void *settings,
                          Arena *arena) {
    if (section->optional_bytes && is_standard(section, settings, arena))
        return;
    param_write(json_add(object, section->key, json_object(arena), arena), section->rows, settings,
                arena);
}

Json *trial_write(const TrialSettings *settings, Arena *arena) {
    Json *object = json_object(arena);
    json_add(object, "dataset",
             kind_write(&settings->dataset->kind, settings->dataset_settings, arena), arena);
    json_add(object, "model", kind_write(&settings->model->kind, settings->model_settings, arena),
             arena);
    json_add_number(object, "global_batch", (double)settings->global_batch, arena);
    json_add_number(object, "mini_batch", (double)settings->mini_batch, arena);
    json_add(object, "batch_schedule",
             kind_write(&settings->batch_schedule->kind, settings->batch_schedule_settings, arena),
             arena);
    json_add(object, "optimizer",
             kind_write(&settings->optimizer->kind, settings->optimizer_settings, arena), arena);
    json_add(object, "lr", lr_write(&settings->lr, settings->global_batch, arena), arena);
    Json *stop = json_add(object, "stop", json_object(arena), arena);
    if (settings->stop.has_target) {
        json_add_text(stop, "metric", metric_names[settings->stop.metric], arena);
        json_add_number(stop, "target", settings->stop.target, arena);
    }
    param_write(stop, stop_rows, &settings->stop, arena);
    for (int i = 0; i < N_SECTIONS; i++)
        write_section(object, &sections[i], (const char *)settings + sections[i].offset, arena);
    json_add(object, "layers",
             layer_rules_write(settings->layer_rules, settings->n_layer_rules, arena), arena);
    by_worker_write(object, settings, arena);
    if (settings->isa)
        json_add_text(object, "isa", settings->isa, arena);
    return object;
}

/* ---- derived */

ModelInput trial_input(const Dataset *data) {
    return (ModelInput){.n_features = data->n_features,
                        .n_classes = data->n_classes,
                        .shape = {data->shape[0], data->shape[1], data->shape[2]},
                        .n_labels = data->n_labels};
}

int64_t trial_shards(const TrialSettings *settings) {
    return settings->global_batch / settings->mini_batch;
}

int64_t trial_total_steps(const TrialSettings *settings, int64_t n_train) {
    const StopSettings *stop = &settings->stop;
    double batch = (double)settings->global_batch, steps = INFINITY;
    if (stop->epochs > 0)
        steps = fmin(steps, ceil(stop->epochs * (double)n_train / batch));
    if (stop->examples > 0)
        steps = fmin(steps, ceil((double)stop->examples / batch));
    if (stop->steps > 0)
        steps = fmin(steps, (double)stop->steps);
    return (int64_t)fmax(steps, 1);
}

/* A data path says where, not what: the content's hash stands for it. */
static Json *without_paths(Json *trial, Arena *arena) {
    const Json *dataset = json_find(trial, "dataset");
    Json *kept = json_object(arena);
    JSON_EACH (child, dataset)
        if (strcmp(child->key, "path") != 0)
            json_add(kept, child->key, json_copy(child, arena), arena);
    json_set(trial, "dataset", kept, arena);
    return trial;
}

void trial_id(char out[TRIAL_ID_ROOM], Json *written, uint64_t seed, const char *data_sha256,
              Arena *arena) {
    Json *whole = json_object(arena);
    json_add(whole, "trial", without_paths(written, arena), arena);
    json_add_text(whole, "seed", arena_print(arena, "%llu", (unsigned long long)seed), arena);
    json_add_text(whole, "data", data_sha256, arena);
    json_add_text(whole, "kernels", model_kernel_version(), arena);
    const char *text = json_canonical(whole, arena);
    char hex[HASH_ROOM];
    hash_of(text, strlen(text), hex);
    memcpy(out, hex, TRIAL_ID_ROOM - 1);
    out[TRIAL_ID_ROOM - 1] = '\0';
}
