#include "lab/sweep/experiment.h"

#include "lab/base/io.h"
#include "lab/base/say.h"
#include "lab/base/text.h"
#include "lab/sweep/expand.h"
#include "lab/sweep/layout.h"
#include "lab/sweep/seeds.h"
#include "lab/sweep/trials.h"

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

Error *experiment_override(Json *root, const char *text, Arena *arena) {
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

/* What a campaign adds to the experiment.json of its results folder, which is a config like any
 * other. */
static void drop_hash(Json *root) {
    Json *before = NULL;
    for (Json *child = root->first; child; before = child, child = child->next) {
        if (strcmp(child->key, "sha256") != 0)
            continue;
        *(before ? &before->next : &root->first) = child->next;
        if (root->last == child)
            root->last = before;
        root->n--;
        return;
    }
}

static Error *load_root(Json **out, const char *file, Arena *arena) {
    if (io_is_folder(file))
        return error_hint(error_new(CODE_USAGE, "'%s' is a folder", file),
                          "give an experiment file: batchlab run %s/NAME.json", file);
    Error *error = json_load(out, file, arena);
    if (error)
        return error_code(error) == CODE_MISSING ? hint_near(error, file, arena) : error;
    if ((*out)->kind == JSON_OBJECT)
        drop_hash(*out);
    return NULL;
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
    if (experiment->search)
        json_add(object, "search", search_write(experiment->search, arena), arena);
    json_add(object, "seeds", seeds_write(seeds, n_seeds, arena), arena);
    if (experiment->branches.where)
        json_add(object, "branch", branches_write(&experiment->branches, arena), arena);
    json_add(object, "layouts", layout_write(&experiment->layouts, arena), arena);
    return object;
}

Error *experiment_load(Experiment *out, const char *file, const char *const *overrides,
                       int n_overrides, Arena *arena) {
    return experiment_load_shared(out, file, overrides, n_overrides, NULL, arena);
}

Error *experiment_load_shared(Experiment *out, const char *file, const char *const *overrides,
                              int n_overrides, Shelf *shelf, Arena *arena) {
    *out = (Experiment){.file = file, .shelf = shelf};
    Json *root;
    PASS(load_root(&root, file, arena));
    for (int i = 0; i < n_overrides; i++)
        PASS(experiment_override(root, overrides[i], arena));
    TopSettings top;
    PASS(param_read(&top, top_rows, root, top_keys, arena));
    if (!text_is_name(top.experiment))
        return error_hint(json_error(json_find(root, "experiment"),
                                     "is '%s', which is no usable name", top.experiment),
                          "lower-case letters, digits, '.', '_', '-', at most 63, without '..'");
    out->name = top.experiment;
    out->question = top.question;
    const Json *trial = json_find(root, "trial"), *layouts = json_find(root, "layouts");
    if (!trial)
        return error_hint(json_error(root, "lacks the required setting 'trial'"),
                          "see experiments/quickstart.json");
    uint64_t *seeds = NULL;
    int n_seeds = 0;
    PASS(seeds_read(&seeds, &n_seeds, json_find(root, "seeds"), arena));
    PASS(layout_read(&out->layouts, layouts, arena));
    out->paths = data_paths(file, arena);
    PASS(branches_read(&out->branches, json_find(root, "branch"), arena));
    const Json *search = json_find(root, "search");
    if (search && search->kind == JSON_NULL) /* search=null takes it away */
        search = NULL;
    PASS(search_read(&out->search, search, arena));
    if (out->search && out->branches.where)
        return error_hint(json_error(out->branches.where, "stands beside a search"),
                          "search first; then branch off the best point in an experiment of its "
                          "own: search=null experiment=NAME and what the search found, such as "
                          "trial.lr.base=0.1");
    PASS(trials_resolve(out, trial, json_find(root, "sweep"), seeds, n_seeds, arena));
    PASS(layout_check(out, layouts ? layouts : root));
    out->resolved = resolved_config(out, root, seeds, n_seeds, arena);
    const char *text = json_canonical(out->resolved, arena);
    char hex[HASH_ROOM];
    hash_of(text, strlen(text), hex);
    out->sha256 = arena_copy(arena, hex);
    return NULL;
}

Error *experiment_take_share(Experiment *experiment, int64_t index, int64_t count, Arena *arena) {
    if (experiment->search)
        return error_hint(error_new(CODE_USAGE, "a search is not cut into shares"),
                          "its best points are known when all points ended: use one allocation");
    if (index < 0 || index >= count || count > experiment->n_trials)
        return error_hint(error_new(CODE_USAGE, "there is no share %lld of %lld", (long long)index,
                                    (long long)count),
                          "legal: 0/N to N-1/N; the experiment has %d trials, so N is at most %d",
                          experiment->n_trials, experiment->n_trials);
    PlannedTrial *kept = ARENA_ARRAY(arena, PlannedTrial, experiment->n_trials);
    int n = 0;
    for (int64_t i = index; i < experiment->n_trials; i += count)
        kept[n++] = experiment->trials[i];
    experiment->trials = kept;
    experiment->n_trials = n;
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
        if (!axis && experiment->search && strncmp(path, "trial.", 6) == 0)
            axis = search_shadow(experiment->search, path + 6);
        if (axis)
            say("note: '%s' has no effect, because %s sets it in every trial", path, axis->path);
    }
}
