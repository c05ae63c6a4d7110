#include "lab/sweep/trials.h"

#include "lab/sweep/cell.h"
#include "lab/train/layer_rules.h"
#include "lab/train/timeline.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_TRIALS = 100000 };

/* ---- datasets: one object for equal settings */

typedef struct DataCache {
    Shelf *shelf; /* NULL: none */
    int n;
    const char *key[EXPERIMENT_MAX_DATASETS];
    Dataset *data[EXPERIMENT_MAX_DATASETS];
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
    if (cache->n == EXPERIMENT_MAX_DATASETS)
        return error_hint(json_error(where, "is one dataset too many for an experiment"),
                          "at most %d different ones", EXPERIMENT_MAX_DATASETS);
    Dataset *data = ARENA_NEW(arena, Dataset);
    TRY(shelf_load(data, cache->shelf, key, trial->dataset, trial->dataset_settings, paths, arena),
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
    TRY(augment_check(&settings->augment, data), "%s cannot be augmented",
        json_place(json_find(where, "dataset"), arena));
    Arena *scratch = arena_new();
    ModelInput input = trial_input(data);
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
    trial->most_replicas = trial_most_replicas(settings, timeline.least_batch);
    Json *written = trial_write(settings, arena);
    trial->config = json_canonical(written, arena);
    trial_id(trial->id, written, trial->seed, data->sha256, arena);
    return NULL;
}

/* ---- distinct ids: an open hash, because comparing each of thousands of points with all before it
 * is a matter of seconds */

typedef struct IdSet {
    int n;
    const char **id; /* (n) */
    int *slot;       /* (n_slots) index + 1 into id, 0: empty */
    size_t n_slots;
} IdSet;

static IdSet ids_new(int64_t most, Arena *arena) {
    IdSet set = {.id = ARENA_ARRAY(arena, const char *, most), .n_slots = 16};
    while (set.n_slots < 2 * (size_t)most)
        set.n_slots *= 2;
    set.slot = ARENA_ARRAY(arena, int, set.n_slots);
    return set;
}

/* Index of an id; set->n before the call when it is new. An id is 16 hex digits of a hash already.
 */
static int ids_add(IdSet *set, const char *id) {
    size_t at = (size_t)strtoull(id, NULL, 16) & (set->n_slots - 1);
    while (set->slot[at] && strcmp(set->id[set->slot[at] - 1], id) != 0)
        at = (at + 1) & (set->n_slots - 1);
    if (set->slot[at] == 0) {
        set->id[set->n++] = id;
        set->slot[at] = set->n;
    }
    return set->slot[at] - 1;
}

/* ---- all of them */

/* What resolving needs all the way down. */
typedef struct Resolve {
    Experiment *out;
    Expansion expansion;
    DataCache data;
    IdSet ids; /* of trials */
    const uint64_t *seeds;
    int n_seeds;
    Arena *arena;
} Resolve;

static Error *make_room(Resolve *resolve, int64_t n_trials, const Json *where) {
    if (n_trials > MAX_TRIALS)
        return error_hint(json_error(where, "would make %lld trials", (long long)n_trials),
                          "at most %d", MAX_TRIALS);
    resolve->out->trials = ARENA_ARRAY(resolve->arena, PlannedTrial, n_trials);
    resolve->ids = ids_new(n_trials, resolve->arena);
    return NULL;
}

/* Index of the trial among the experiment's; an equal one that is there already stands for it. */
static int add_trial(Resolve *resolve, const PlannedTrial *trial) {
    Experiment *out = resolve->out;
    PlannedTrial *place = &out->trials[out->n_trials];
    *place = *trial;
    int index = ids_add(&resolve->ids, place->id);
    out->n_trials += index == out->n_trials;
    return index;
}

/* The trials of one object, a seed each; *last is the last of them. */
static Error *add_seeds(PlannedTrial *last, Resolve *resolve, const Json *object) {
    TrialSettings settings;
    PASS(trial_read(&settings, object, resolve->arena));
    for (int i = 0; i < resolve->n_seeds; i++) {
        *last = (PlannedTrial){.settings = settings, .seed = resolve->seeds[i]};
        PASS(check_trial(last, &resolve->data, resolve->out->paths, object, resolve->arena));
        add_trial(resolve, last);
    }
    return NULL;
}

/* A trunk and its branches. */
static Error *add_family(Resolve *resolve, const Json *object) {
    const Branches *branches = &resolve->out->branches;
    PlannedTrial trunk, last;
    PASS(add_seeds(&trunk, resolve, object));
    for (int i = 0; i < branches_count(branches); i++) {
        Json *branch;
        PASS(branches_point(&branch, branches, i, object, &trunk.settings, trunk.total_examples,
                            resolve->arena));
        PASS(branches_blame(add_seeds(&last, resolve, branch), branches, i));
    }
    return NULL;
}

static Error *add_sweep(Resolve *resolve, const Json *where) {
    const Expansion *expansion = &resolve->expansion;
    Arena *arena = resolve->arena;
    int family = resolve->n_seeds * (1 + branches_count(&resolve->out->branches));
    PASS(make_room(resolve, expansion->n_points * family, where));
    for (int64_t point = 0; point < expansion->n_points; point++) {
        Json *object;
        Error *error = expand_point(&object, expansion, point, arena);
        error = error ? error : add_family(resolve, object);
        PASS(expand_blame(error, expansion, point, arena));
    }
    return NULL;
}

/* ---- with a search */

/* A point's trial, not yet among the others. */
static Error *resolve_point(PlannedTrial *out, Resolve *resolve, const SweepCell *cell,
                            const Json *object, int point) {
    Arena *arena = resolve->arena;
    *out = (PlannedTrial){.seed = resolve->seeds[0], .cell = cell, .point = point};
    Json *resolved;
    Error *error = cell_point(&resolved, cell, object, point, arena);
    error = error ? error : trial_read(&out->settings, resolved, arena);
    error = error ? error : check_trial(out, &resolve->data, resolve->out->paths, resolved, arena);
    return cell_blame(error, cell, point, arena);
}

static Error *begin_cell(SweepCell *cell, Resolve *resolve, Json *object) {
    const Search *search = resolve->out->search;
    PASS(cell_new(cell, search, object, &resolve->expansion, resolve->arena));
    PlannedTrial first;
    PASS(resolve_point(&first, resolve, cell, object, 0));
    cell_identify(cell, &first.settings, first.data->sha256, resolve->arena);
    PASS(prune_check(&search->prune, json_find(search->where, "prune"), first.total_steps,
                     first.total_examples, first.settings.eval.every_examples));
    return search_goal(&cell->goal, search, &first.settings, first.data);
}

/* The cells of the sweep, each once; object[i] and point[i] are where cell i comes from. Returns
 * all their points. */
static Error *begin_cells(int64_t *n_points, Json **object, int64_t *origin, Resolve *resolve) {
    Experiment *out = resolve->out;
    const Expansion *expansion = &resolve->expansion;
    Arena *arena = resolve->arena;
    IdSet known = ids_new(expansion->n_points, arena);
    *n_points = 0;
    for (int64_t i = 0; i < expansion->n_points; i++) {
        SweepCell *cell = &out->cells[out->n_cells];
        Error *error = expand_point(&object[out->n_cells], expansion, i, arena);
        error = error ? error : begin_cell(cell, resolve, object[out->n_cells]);
        PASS(expand_blame(error, expansion, i, arena));
        if (ids_add(&known, cell->id) < out->n_cells)
            continue;
        origin[out->n_cells++] = i;
        *n_points += cell->n_points;
    }
    return NULL;
}

static Error *add_search(Resolve *resolve) {
    Experiment *out = resolve->out;
    Arena *arena = resolve->arena;
    int64_t n_points, most = resolve->expansion.n_points;
    out->cells = ARENA_ARRAY(arena, SweepCell, most);
    Json **object = ARENA_ARRAY(arena, Json *, most);
    int64_t *origin = ARENA_ARRAY(arena, int64_t, most);
    PASS(begin_cells(&n_points, object, origin, resolve));
    PASS(make_room(resolve, n_points, out->search->where));
    for (int i = 0; i < out->n_cells; i++) {
        SweepCell *cell = &out->cells[i];
        for (int point = 0; point < cell->n_points; point++) {
            PlannedTrial trial;
            PASS(expand_blame(resolve_point(&trial, resolve, cell, object[i], point),
                              &resolve->expansion, origin[i], arena));
            cell->trial[point] = add_trial(resolve, &trial);
        }
    }
    int n_reruns = (int)out->search->rerun_seeds;
    uint64_t *seeds = ARENA_ARRAY(arena, uint64_t, n_reruns);
    search_fresh_seeds(seeds, n_reruns, resolve->seeds, resolve->n_seeds);
    out->rerun_seed = seeds;
    return NULL;
}

PlannedTrial trials_reseed(const PlannedTrial *trial, uint64_t seed, Arena *arena) {
    PlannedTrial out = *trial;
    out.seed = seed;
    trial_id(out.id, trial_write(&out.settings, arena), seed, out.data->sha256, arena);
    return out;
}

/* A setting that the sweep or the search replaces in every trial is read too: a typo there is a
 * typo. On the command line it is most likely a misunderstanding. */
static Error *check_base(const Expansion *expansion, const Search *search, Arena *arena) {
    Json *base;
    TrialSettings unused;
    PASS(expand_base(&base, expansion, arena));
    if (search)
        PASS(cell_complete(base, search, arena));
    return trial_read(&unused, base, arena);
}

Error *trials_resolve(Experiment *out, const Json *trial, const Json *sweep, const uint64_t *seeds,
                      int n_seeds, Arena *arena) {
    Resolve *resolve = ARENA_NEW(arena, Resolve);
    resolve->out = out;
    resolve->data.shelf = out->shelf;
    resolve->seeds = seeds;
    resolve->n_seeds = n_seeds;
    resolve->arena = arena;
    PASS(expand_new(&resolve->expansion, trial, sweep, arena));
    if (resolve->expansion.n_points > MAX_TRIALS)
        return error_hint(
            json_error(sweep, "would make %lld trials", (long long)resolve->expansion.n_points),
            "at most %d", MAX_TRIALS);
    PASS(check_base(&resolve->expansion, out->search, arena));
    return out->search ? add_search(resolve) : add_sweep(resolve, sweep ? sweep : trial);
}
