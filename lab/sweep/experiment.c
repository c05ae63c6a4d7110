#include "lab/sweep/experiment.h"

#include "lab/base/text.h"
#include "lab/sweep/expand.h"

#include <stdlib.h>
#include <string.h>

static const char *const top_keys[] = {"$schema", "experiment", "question", "trial", "sweep", "seeds",
                                       "layouts", "search", NULL};

typedef struct TopSettings {
    const char *experiment, *question, *schema;
} TopSettings;

static const Param top_rows[] = {
    PARAM(TEXT, TopSettings, experiment, NULL, 0, 0, "1", "name, also of the results folder"),
    PARAM(TEXT, TopSettings, question, NULL, 0, 0, "1", "what the report answers"),
    PARAM_END,
};

static const char *const mode_names[] = {"full", "verify", NULL};

static const Param layout_rows[] = {
    PARAM(NUMBER, LayoutSettings, max_seconds, "0", 0, 1e9, "s", "a run stops as interrupted after this long, 0: never"),
    PARAM(NUMBER, LayoutSettings, checkpoint_s, "5", 0, 1e9, "s", "a full run writes a checkpoint each time this long passed"),
    PARAM(COUNT, LayoutSettings, steps, "50", 1, 1e9, "steps", "steps of a verify run"),
    PARAM_FROM(LayoutSettings, mode, "\"verify\"", mode_names, "train once and verify layouts, or train on every layout"),
    PARAM_END,
};

static const char *const layout_keys[] = {"replicas", "threads", "mode", "steps", "max_seconds", "checkpoint_s",
                                          "collective", NULL};

typedef struct CountsSettings {
    ParamCounts replicas, threads;
} CountsSettings;

static const Param counts_rows[] = {
    PARAM(COUNTS, CountsSettings, replicas, "[1]", 1, 65536, "replicas", "MPI processes that share a trial"),
    PARAM(COUNTS, CountsSettings, threads, "[1]", 1, 1024, "threads", "OpenMP threads of a replica"),
    PARAM_END,
};

/* A single number may stand for a list of one. */
static Error *as_list(const Json **out, const Json *layouts, const char *key, Arena *arena) {
    const Json *value = layouts ? json_find(layouts, key) : NULL;
    if (value && value->kind == JSON_NUMBER) {
        Json *list = json_array(arena);
        list->file = value->file;
        list->line = value->line;
        list->path = value->path;
        json_add(list, NULL, json_copy(value, arena), arena);
        value = list;
    }
    if (value && value->kind == JSON_ARRAY && value->n == 0)
        return error_hint(json_error(value, "is an empty list"), "for example [1, 2, 4]");
    *out = value;
    return NULL;
}

static Error *read_layouts(LayoutSettings *out, const Json *layouts, Arena *arena) {
    PASS(param_read(out, layout_rows, layouts, layout_keys, arena));
    const char *const keys[] = {"replicas", "threads"};
    Json *lists = json_object(arena);
    for (int i = 0; i < 2; i++) {
        const Json *list = NULL;
        PASS(as_list(&list, layouts, keys[i], arena));
        if (list)
            PASS(json_set(lists, keys[i], list, arena));
    }
    CountsSettings counts;
    PASS(param_read(&counts, counts_rows, lists, NULL, arena));
    out->replicas = counts.replicas;
    out->threads = counts.threads;
    const Json *name = layouts ? json_find(layouts, "collective") : NULL;
    if (name && name->kind != JSON_TEXT)
        return error_hint(json_error(name, "is %s, but should be the name of a collective",
                                     json_kind_name(name->kind)), "`batchlab list collectives` shows all");
    const Kind *kind;
    PASS(kind_find(&kind, collective_table, COLLECTIVE_N, name ? name->text : "tree", "collective", name));
    out->collective = (const CollectiveType *)kind;
    return NULL;
}

static Json *write_layouts(const LayoutSettings *layouts, Arena *arena) {
    Json *object = json_object(arena);
    const CountsSettings counts = {layouts->replicas, layouts->threads};
    param_write(object, counts_rows, &counts, arena);
    param_write(object, layout_rows, layouts, arena);
    json_add_text(object, "collective", layouts->collective->kind.name, arena);
    return object;
}

/* ---- seeds */

static Error *read_seeds(uint64_t **out, int *n, const Json *seeds, Arena *arena) {
    enum { MAX_SEEDS = 10000 };
    const char *hint = "legal: a count (seeds 0 to n-1) or a list such as [0, 7]; a seed is a whole number from 0";
    int count = !seeds ? 1 : seeds->kind == JSON_ARRAY ? seeds->n : seeds->kind == JSON_NUMBER ? (int)seeds->number : 0;
    if (seeds && seeds->kind == JSON_NUMBER && (double)count != seeds->number)
        return error_hint(json_error(seeds, "is %g, but should be a whole number", seeds->number), "%s", hint);
    if (count < 1 || count > MAX_SEEDS)
        return error_hint(json_error(seeds, "gives no usable seeds"), "%s", hint);
    uint64_t *list = ARENA_ARRAY(arena, uint64_t, count);
    for (int i = 0; i < count; i++)
        list[i] = (uint64_t)i;
    int i = 0;
    if (seeds && seeds->kind == JSON_ARRAY)
        JSON_EACH(seed, seeds) {
            char *end = NULL;
            if (seed->kind == JSON_TEXT && seed->text[0] >= '0' && seed->text[0] <= '9')
                list[i] = strtoull(seed->text, &end, 10);
            bool text = end && *end == '\0';
            if (!text && (seed->kind != JSON_NUMBER || seed->number < 0 || seed->number != (double)(uint64_t)seed->number))
                return error_hint(json_error(seed, "is no seed"), "%s", hint);
            if (!text)
                list[i] = (uint64_t)seed->number;
            for (int j = 0; j < i; j++)
                if (list[j] == list[i])
                    return error_hint(json_error(seed, "stands twice"), "give every seed once");
            i++;
        }
    *out = list;
    *n = count;
    return NULL;
}

/* ---- datasets: one object for equal settings */

typedef struct DataCache {
    int n;
    const char *key[64];
    Dataset *data[64];
} DataCache;

static Error *find_data(const Dataset **out, DataCache *cache, const TrialSettings *trial, DataPaths paths,
                        Arena *arena) {
    const char *key = json_canonical(kind_write(&trial->dataset->kind, trial->dataset_settings, arena), arena);
    for (int i = 0; i < cache->n; i++)
        if (strcmp(cache->key[i], key) == 0) {
            *out = cache->data[i];
            return NULL;
        }
    if (cache->n == 64)
        return error_new(CODE_USAGE, "more than 64 different datasets in one experiment");
    Dataset *data = ARENA_NEW(arena, Dataset);
    TRY(dataset_load(data, trial->dataset, trial->dataset_settings, paths, arena), "reading the dataset '%s'",
        trial->dataset->kind.name);
    cache->key[cache->n] = key;
    cache->data[cache->n++] = data;
    *out = data;
    return NULL;
}

/* ---- trials */

/* Everything that can be known of a trial before it runs. */
static Error *check_trial(PlannedTrial *trial, DataCache *cache, DataPaths paths, const Json *where, Arena *arena) {
    TrialSettings *settings = &trial->settings;
    PASS(find_data(&trial->data, cache, settings, paths, arena));
    const Dataset *data = trial->data;
    Arena *scratch = arena_new();
    ModelInput input = {data->n_features, data->n_classes, {data->shape[0], data->shape[1], data->shape[2]}};
    Model *model;
    Error *error = model_new(&model, settings->model, settings->model_settings, &input, (int)settings->mini_batch,
                             scratch);
    bool coupled = !error && model->coupled;
    arena_end(scratch);
    TRY(error, "the model '%s' on the dataset '%s'", settings->model->kind.name, settings->dataset->kind.name);
    const Json *mini = json_find(where, "mini_batch");
    if (coupled && (!mini || mini->kind != JSON_NUMBER))
        return error_hint(json_error(where, "must give mini_batch as a number"),
                          "the model has batch norm, so the result depends on it");
    if (settings->eval_every_examples == 0)
        settings->eval_every_examples = data->n[SPLIT_TRAIN];
    trial->total_steps = trial_total_steps(settings, data->n[SPLIT_TRAIN]);
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

static Error *resolve_trials(Experiment *out, const Json *trial, const Json *sweep, const uint64_t *seeds,
                             int n_seeds, Arena *arena) {
    enum { MAX_TRIALS = 100000 };
    Expansion expansion;
    PASS(expand_new(&expansion, trial, sweep, arena));
    if (expansion.n_points > MAX_TRIALS / n_seeds)
        return error_hint(error_new(CODE_USAGE, "'%s' would make %lld trials", out->file,
                                    (long long)expansion.n_points * n_seeds), "at most %d", MAX_TRIALS);
    DataCache *cache = ARENA_NEW(arena, DataCache);
    out->trials = ARENA_ARRAY(arena, PlannedTrial, expansion.n_points * n_seeds);
    for (int64_t point = 0; point < expansion.n_points; point++) {
        Json *resolved;
        PASS(expand_point(&resolved, &expansion, point, arena));
        PlannedTrial planned = {0};
        PASS(expand_blame(trial_read(&planned.settings, resolved, arena), &expansion, point, arena));
        TrialSettings settings = planned.settings;
        for (int i = 0; i < n_seeds; i++) {
            planned.settings = settings;
            planned.seed = seeds[i];
            PASS(expand_blame(check_trial(&planned, cache, out->paths, resolved, arena), &expansion, point, arena));
            if (!is_known(out, planned.id))
                out->trials[out->n_trials++] = planned;
        }
    }
    return NULL;
}

/* A layout that no trial can carry is a mistake; one that some cannot is listed by `plan`. */
static Error *check_layouts(const Experiment *experiment, const Json *layouts) {
    for (int i = 0; i < experiment->layouts.replicas.n; i++) {
        int64_t replicas = experiment->layouts.replicas.value[i], most = 0;
        for (int j = 0; j < experiment->n_trials; j++) {
            int64_t shards = trial_shards(&experiment->trials[j].settings);
            most = shards > most ? shards : most;
        }
        if (replicas <= most)
            continue;
        const Json *where = json_find(layouts, "replicas");
        return error_hint(json_error(where ? where : layouts, "has %lld replicas, but no trial of the experiment has "
                                     "more than %lld shards", (long long)replicas, (long long)most),
                          "a trial has global_batch / mini_batch shards, one replica needs at least one: use a "
                          "larger global_batch, a smaller mini_batch or fewer replicas");
    }
    return NULL;
}

/* ---- overrides */

static Error *apply_override(Json *root, const char *text, Arena *arena) {
    size_t n = strcspn(text, "=");
    const char *path = arena_copy_n(arena, text, n), *value_text = text + n + 1;
    Json *value;
    Error *error = json_parse(&value, value_text, strlen(value_text), "command line", arena);
    if (error) { /* not JSON: a string */
        error_end(error);
        value = json_text(value_text, arena);
        value->file = "command line";
    }
    value->path = path;
    value->line = 0;
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

static Error *reserved(const Json *root) {
    const Json *search = json_find(root, "search");
    if (!search)
        return NULL;
    return error_hint(json_error(search, "is reserved: this version does not search"), "sweep lr.base instead");
}

/* The config as it acts: defaults filled in, values the user gave kept. */
static Json *resolved_config(const Experiment *experiment, const Json *root, const uint64_t *seeds, int n_seeds,
                             Arena *arena) {
    Json *object = json_object(arena);
    json_add_text(object, "experiment", experiment->name, arena);
    json_add_text(object, "question", experiment->question, arena);
    json_add(object, "trial", json_copy(json_find(root, "trial"), arena), arena);
    if (json_find(root, "sweep"))
        json_add(object, "sweep", json_copy(json_find(root, "sweep"), arena), arena);
    Json *list = json_add(object, "seeds", json_array(arena), arena);
    for (int i = 0; i < n_seeds; i++)
        json_add(list, NULL,
                 seeds[i] < (uint64_t)1 << 53 ? json_number((double)seeds[i], arena)
                                              : json_text(arena_print(arena, "%llu", (unsigned long long)seeds[i]), arena),
                 arena);
    json_add(object, "layouts", write_layouts(&experiment->layouts, arena), arena);
    return object;
}

Error *experiment_load(Experiment *out, const char *file, const char *const *overrides, int n_overrides,
                       Arena *arena) {
    *out = (Experiment){.file = file};
    Json *root;
    TRY(json_load(&root, file, arena), "cannot read the experiment '%s'", file);
    for (int i = 0; i < n_overrides; i++)
        TRY(apply_override(root, overrides[i], arena), "the override '%s'", overrides[i]);
    TopSettings top;
    PASS(param_read(&top, top_rows, root, top_keys, arena));
    if (!text_is_name(top.experiment))
        return error_hint(json_error(json_find(root, "experiment"), "is '%s', which is no usable name", top.experiment),
                          "lower-case letters, digits, '.', '_', '-', at most 63, without '..'");
    out->name = top.experiment;
    out->question = top.question;
    PASS(reserved(root));
    const Json *trial = json_find(root, "trial"), *layouts = json_find(root, "layouts");
    if (!trial)
        return error_hint(json_error(root, "lacks the required setting 'trial'"), "see experiments/quickstart.json");
    uint64_t *seeds = NULL;
    int n_seeds = 0;
    PASS(read_seeds(&seeds, &n_seeds, json_find(root, "seeds"), arena));
    PASS(read_layouts(&out->layouts, layouts, arena));
    out->paths = data_paths(file, arena);
    PASS(resolve_trials(out, trial, json_find(root, "sweep"), seeds, n_seeds, arena));
    PASS(check_layouts(out, layouts ? layouts : root));
    out->resolved = resolved_config(out, root, seeds, n_seeds, arena);
    const char *text = json_canonical(out->resolved, arena);
    char hex[HASH_ROOM];
    hash_of(text, strlen(text), hex);
    out->sha256 = arena_copy(arena, hex);
    return NULL;
}
