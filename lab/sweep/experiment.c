#include "lab/sweep/experiment.h"

#include "lab/base/io.h"
#include "lab/base/say.h"
#include "lab/base/text.h"
#include "lab/sweep/expand.h"
#include "lab/sweep/layout.h"
#include "lab/sweep/seeds.h"
#include "lab/train/layer_rules.h"
#include "lab/train/timeline.h"

#include <stdlib.h>
#include <string.h>

static const char *const top_keys[] = {"$schema", "experiment", "question", "trial",  "sweep",
                                       "seeds",   "layouts",    "search",   "branch", NULL};

typedef struct TopSettings {
    const char *experiment, *question, *schema;
} TopSettings;

static const Param top_rows[] = {
    PARAM(TEXT, TopSettings, experiment, NULL, 0, 0, "1", "name, also of the results folder"),
    PARAM(TEXT, TopSettings, question, NULL, 0, 0, "1", "what the report answers"),
    PARAM_END,
};

const Param *experiment_rows(void) {
    return top_rows;
}

/* ---- datasets: one object for equal settings */

typedef struct DataCache {
    int n;
    const char *key[64];
    Dataset *data[64];
} DataCache;

static Error *find_data(const Dataset **out, DataCache *cache, const TrialSettings *trial,
                        DataPaths paths, const Json *where, Arena *arena) {
    const char *key =
        json_canonical(kind_write(&trial->dataset->kind, trial->dataset_settings, arena), arena);
    for (int i = 0; i < cache->n; i++)
        if (strcmp(cache->key[i], key) == 0) {
            *out = cache->data[i];
            return NULL;
        }
    if (cache->n == 64)
        return error_hint(json_error(where, "is the 65th different dataset of the experiment"),
                          "at most 64");
    Dataset *data = ARENA_NEW(arena, Dataset);
    TRY(dataset_load(data, trial->dataset, trial->dataset_settings, paths, arena),
        "%s cannot be read", json_place(where, arena));
    cache->key[cache->n] = key;
    cache->data[cache->n++] = data;
    *out = data;
    return NULL;
}

/* ---- trials */

/* Everything that can be known of a trial before it runs. */
static Error *check_trial(PlannedTrial *trial, DataCache *cache, DataPaths paths, const Json *where,
                          Arena *arena) {
    TrialSettings *settings = &trial->settings;
    PASS(find_data(&trial->data, cache, settings, paths, json_find(where, "dataset"), arena));
    const Dataset *data = trial->data;
    Arena *scratch = arena_new();
    ModelInput input = {
        data->n_features, data->n_classes, {data->shape[0], data->shape[1], data->shape[2]}};
    Model *model;
    Error *error = model_new(&model, settings->model, settings->model_settings, &input,
                             (int)settings->mini_batch, scratch);
    bool coupled = !error && model->coupled;
    const Segment *ruled;
    if (!error)
        error = layer_rules_apply(&ruled, settings->layer_rules, settings->n_layer_rules,
                                  model->segments, model->n_segments, scratch);
    arena_end(scratch);
    TRY(error, "%s cannot learn from the dataset '%s'",
        json_place(json_find(where, "model"), arena), settings->dataset->kind.name);
    const Json *mini = json_find(where, "mini_batch");
    if (coupled && (!mini || mini->kind != JSON_NUMBER))
        return error_hint(json_error(mini ? mini : where, "must give mini_batch as a number"),
                          "the model has batch norm, so the result depends on it");
    if (settings->eval.every_examples == 0)
        settings->eval.every_examples = data->n[SPLIT_TRAIN];
    Timeline timeline;
    PASS(timeline_new(&timeline, settings, data->n[SPLIT_TRAIN]));
    trial->total_steps = timeline.total_steps;
    trial->total_examples = timeline.end_examples;
    trial->least_shards = timeline.least_batch / settings->mini_batch;
    trial->config = json_canonical(trial_write(settings, arena), arena);
    trial_id(trial->id, settings, trial->seed, data->sha256, arena);
    return NULL;
}

static bool is_known(const Experiment *experiment, const char *id) {
    for (int i = 0; i < experiment->n_trials; i++)
        if (strcmp(experiment->trials[i].id, id) == 0)
            return true;
    return false;
}

/* A setting that the sweep replaces in every trial is read too: a typo there is a typo. On the
 * command line it is most likely a misunderstanding. */
static Error *check_base(const Expansion *expansion, Arena *arena) {
    Json *base;
    TrialSettings unused;
    PASS(expand_base(&base, expansion, arena));
    return trial_read(&unused, base, arena);
}

/* The trials of one resolved object, a seed each; *settings is what they share. */
static Error *add_trials(Experiment *out, PlannedTrial *last, DataCache *cache,
                         const Json *resolved, const uint64_t *seeds, int n_seeds, Arena *arena) {
    TrialSettings settings;
    PASS(trial_read(&settings, resolved, arena));
    for (int i = 0; i < n_seeds; i++) {
        *last = (PlannedTrial){.settings = settings, .seed = seeds[i]};
        PASS(check_trial(last, cache, out->paths, resolved, arena));
        if (!is_known(out, last->id))
            out->trials[out->n_trials++] = *last;
    }
    return NULL;
}

/* A trunk and its branches. */
static Error *add_family(Experiment *out, DataCache *cache, const Json *resolved,
                         const uint64_t *seeds, int n_seeds, Arena *arena) {
    PlannedTrial trunk, last;
    PASS(add_trials(out, &trunk, cache, resolved, seeds, n_seeds, arena));
    for (int i = 0; i < branches_count(&out->branches); i++) {
        Json *branch;
        PASS(branches_point(&branch, &out->branches, i, resolved, &trunk.settings,
                            trunk.total_examples, arena));
        PASS(branches_blame(add_trials(out, &last, cache, branch, seeds, n_seeds, arena),
                            &out->branches, i));
    }
    return NULL;
}

static Error *resolve_trials(Experiment *out, const Json *trial, const Json *sweep,
                             const uint64_t *seeds, int n_seeds, Arena *arena) {
    enum { MAX_TRIALS = 100000 };
    Expansion expansion;
    PASS(expand_new(&expansion, trial, sweep, arena));
    int64_t most = expansion.n_points * n_seeds * (1 + branches_count(&out->branches));
    if (most > MAX_TRIALS)
        return error_hint(
            json_error(sweep ? sweep : trial, "would make %lld trials", (long long)most),
            "at most %d", MAX_TRIALS);
    PASS(check_base(&expansion, arena));
    DataCache *cache = ARENA_NEW(arena, DataCache);
    out->trials = ARENA_ARRAY(arena, PlannedTrial, most);
    for (int64_t point = 0; point < expansion.n_points; point++) {
        Json *resolved;
        PASS(expand_blame(expand_point(&resolved, &expansion, point, arena), &expansion, point,
                          arena));
        PASS(expand_blame(add_family(out, cache, resolved, seeds, n_seeds, arena), &expansion,
                          point, arena));
    }
    return NULL;
}

/* ---- overrides */

/* Paths as if the value stood where it will be set. */
static void rebase(Json *value, const char *path, Arena *arena) {
    value->file = "command line";
    value->line = 0;
    value->path = path;
    int index = 0;
    for (Json *child = value->first; child; child = child->next, index++)
        rebase(child,
               value->kind == JSON_OBJECT ? arena_print(arena, "%s.%s", path, child->key)
                                          : arena_print(arena, "%s[%d]", path, index),
               arena);
}

static Error *apply_override(Json *root, const char *text, Arena *arena) {
    size_t n = strcspn(text, "=");
    const char *path = arena_copy_n(arena, text, n), *value_text = text + n + 1;
    Json *value;
    Error *error = json_parse(&value, value_text, strlen(value_text), "command line", arena);
    if (error) { /* not JSON: a string */
        error_end(error);
        value = json_text(value_text, arena);
    }
    rebase(value, path, arena);
    return json_set(root, path, value, arena);
}

static DataPaths data_paths(const char *file, Arena *arena) {
    const char **paths = ARENA_ARRAY(arena, const char *, 4);
    const char *slash = strrchr(file, '/');
    int n = 0;
    paths[n++] = ".";
    paths[n++] = slash ? arena_copy_n(arena, file, (size_t)(slash - file)) : ".";
    if (getenv("BATCHLAB_DATA"))
        paths[n++] = getenv("BATCHLAB_DATA");
    return paths;
}

/* A file that is not there: the nearest name beside it. */
static Error *hint_near(Error *error, const char *file, Arena *arena) {
    const char *slash = strrchr(file, '/');
    const char *folder = slash ? arena_copy_n(arena, file, (size_t)(slash - file) + 1) : "";
    char **names = NULL;
    int n = 0;
    Error *listing = io_list(&names, &n, *folder ? folder : ".", arena);
    const char *near =
        listing ? NULL : text_nearest(slash ? slash + 1 : file, (const char *const *)names, n);
    error_end(listing);
    return near ? error_hint(error, "did you mean '%s%s'?", folder, near)
                : error_hint(error, "batchlab run EXPERIMENT.json; experiments/ holds examples");
}

static Error *load_root(Json **out, const char *file, Arena *arena) {
    if (io_is_folder(file))
        return error_hint(error_new(CODE_USAGE, "'%s' is a folder", file),
                          "give an experiment file: batchlab run %s/NAME.json", file);
    Error *error = json_load(out, file, arena);
    return error && error_code(error) == CODE_MISSING ? hint_near(error, file, arena) : error;
}

static Error *reserved(const Json *root) {
    const Json *search = json_find(root, "search");
    if (!search)
        return NULL;
    return error_hint(json_error(search, "is reserved: this version does not search"),
                      "sweep lr.base instead");
}

/* The config as it acts: defaults filled in, values the user gave kept. */
static Json *resolved_config(const Experiment *experiment, const Json *root, const uint64_t *seeds,
                             int n_seeds, Arena *arena) {
    Json *object = json_object(arena);
    json_add_text(object, "experiment", experiment->name, arena);
    json_add_text(object, "question", experiment->question, arena);
    json_add(object, "trial", json_copy(json_find(root, "trial"), arena), arena);
    if (json_find(root, "sweep"))
        json_add(object, "sweep", json_copy(json_find(root, "sweep"), arena), arena);
    json_add(object, "seeds", seeds_write(seeds, n_seeds, arena), arena);
    if (experiment->branches.where)
        json_add(object, "branch", branches_write(&experiment->branches, arena), arena);
    json_add(object, "layouts", layout_write(&experiment->layouts, arena), arena);
    return object;
}

Error *experiment_load(Experiment *out, const char *file, const char *const *overrides,
                       int n_overrides, Arena *arena) {
    *out = (Experiment){.file = file};
    Json *root;
    PASS(load_root(&root, file, arena));
    for (int i = 0; i < n_overrides; i++)
        PASS(apply_override(root, overrides[i], arena));
    TopSettings top;
    PASS(param_read(&top, top_rows, root, top_keys, arena));
    if (!text_is_name(top.experiment))
        return error_hint(json_error(json_find(root, "experiment"),
                                     "is '%s', which is no usable name", top.experiment),
                          "lower-case letters, digits, '.', '_', '-', at most 63, without '..'");
    out->name = top.experiment;
    out->question = top.question;
    PASS(reserved(root));
    const Json *trial = json_find(root, "trial"), *layouts = json_find(root, "layouts");
    if (!trial)
        return error_hint(json_error(root, "lacks the required setting 'trial'"),
                          "see experiments/quickstart.json");
    uint64_t *seeds = NULL;
    int n_seeds = 0;
    PASS(seeds_read(&seeds, &n_seeds, json_find(root, "seeds"), arena));
    PASS(layout_read(&out->layouts, layouts, arena));
    PASS(branches_read(&out->branches, json_find(root, "branch"), arena));
    out->paths = data_paths(file, arena);
    PASS(resolve_trials(out, trial, json_find(root, "sweep"), seeds, n_seeds, arena));
    PASS(layout_check(out, layouts ? layouts : root));
    out->resolved = resolved_config(out, root, seeds, n_seeds, arena);
    const char *text = json_canonical(out->resolved, arena);
    char hex[HASH_ROOM];
    hash_of(text, strlen(text), hex);
    out->sha256 = arena_copy(arena, hex);
    return NULL;
}

void experiment_note_overrides(const Experiment *experiment, const char *const *overrides,
                               int n_overrides, Arena *arena) {
    Expansion expansion;
    Error *error = expand_new(&expansion, json_find(experiment->resolved, "trial"),
                              json_find(experiment->resolved, "sweep"), arena);
    error_end(error); /* it was expanded before: there is none */
    for (int i = 0; i < n_overrides && !error; i++) {
        const char *path = arena_copy_n(arena, overrides[i], strcspn(overrides[i], "="));
        const Json *axis =
            strncmp(path, "trial.", 6) == 0 ? expand_shadow(&expansion, path + 6) : NULL;
        if (axis)
            say("note: '%s' has no effect, because %s sets it in every trial", path, axis->path);
    }
}
