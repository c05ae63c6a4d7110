#include "lab/sweep/search.h"

#include <string.h>

enum { MAX_RERUNS = 1000 };

static const Param search_object_rows[] = {
    PARAM(COUNT, Search, trials, "16", 1, SEARCH_MAX_TRIALS, "1", "points of every cell"),
    PARAM(COUNT, Search, seed, "0", 0, 0x1p53, "1", "another one gives other points"),
    PARAM(COUNT, Search, rerun_seeds, "5", 0, MAX_RERUNS, "1",
          "fresh seeds that the best point of a cell is trained with"),
    PARAM(COUNT, Search, parallel, "0", 0, 65536, "1",
          "points trained at a time, 0: as many as there are cores for"),
    PARAM_END,
};

const Param *search_rows(void) {
    return search_object_rows;
}

static const char *const search_keys[] = {"algorithm", "space", "spaces", "goal", "prune", NULL};

/* ---- the goal */

typedef struct GoalSettings {
    int metric, direction;
} GoalSettings;

static const char *const directions[] = {"auto", "minimize", "maximize", NULL};
static const Param goal_rows[] = {
    {"metric", PARAM_CHOICE, offsetof(GoalSettings, metric), NULL, 0, 0, "1",
     "what ranks points: examples to the target, or the best of all evaluations",
     goal_metric_names},
    PARAM_FROM(GoalSettings, direction, "\"auto\"", directions,
               "auto: accuracy is maximized, anything else minimized"),
    PARAM_END,
};

const Param *search_goal_rows(void) {
    return goal_rows;
}

static Error *read_goal(Search *out, const Json *goal, Arena *arena) {
    if (!goal)
        return NULL;
    GoalSettings settings;
    PASS(param_read(&settings, goal_rows, goal, NULL, arena));
    bool accuracy = settings.metric == GOAL_VALID_ACCURACY;
    out->has_goal = true;
    out->goal = (SearchGoal){.metric = (GoalMetric)settings.metric,
                             .maximize = settings.direction ? settings.direction == 2 : accuracy,
                             .otherwise = (GoalMetric)settings.metric};
    return NULL;
}

Error *search_goal(SearchGoal *out, const Search *search, const TrialSettings *settings,
                   const Dataset *data) {
    bool target = settings->stop.has_target;
    *out = search_goal_default(target ? metric_name((Metric)settings->stop.metric) : NULL,
                               data->n_classes > 0);
    if (!search->has_goal)
        return NULL;
    const Json *where = json_get(search->where, "goal.metric");
    if (search->goal.metric == GOAL_EXAMPLES_TO_TARGET && !target)
        return error_hint(json_error(where, "is examples_to_target, but the trial has no target"),
                          "give trial.stop.metric and trial.stop.target, or leave the goal out");
    if (search->goal.metric == GOAL_VALID_ACCURACY && data->n_classes == 0)
        return error_hint(json_error(where, "is valid_accuracy, but the dataset has no classes"),
                          "use valid_loss");
    out->metric = search->goal.metric;
    out->maximize = search->goal.maximize;
    if (search->goal.metric != GOAL_EXAMPLES_TO_TARGET)
        out->otherwise = search->goal.otherwise;
    return NULL;
}

/* ---- the object */

static Error *read_algorithm(Search *out, const Json *object) {
    const Json *name = json_find(object, "algorithm");
    if (name && name->kind != JSON_TEXT)
        return error_hint(json_error(name, "is %s, but should be the name of an algorithm",
                                     json_kind_name(name->kind)),
                          "`batchlab list algorithms` shows all");
    const Kind *kind;
    PASS(kind_find(&kind, search_table, SEARCH_N, name ? name->text : "halton", "algorithm", name));
    out->algorithm = (const SearchType *)kind;
    const Json *trials = json_find(object, "trials");
    if (out->algorithm->counts_levels && trials)
        return error_hint(json_error(trials, "is not for algorithm %s", kind->name),
                          "the axes' points say how many trials there are");
    if (out->algorithm->counts_levels)
        out->trials = 0;
    return NULL;
}

/* Each space by itself, before any trial is read: what is wrong with an axis is said of the axis.
 */
static Error *check_spaces(const Search *search, Arena *arena) {
    Space unused;
    if (search->space && !search->spaces)
        PASS(space_read(&unused, search->algorithm, search->space, NULL, arena));
    for (const Json *own = search->spaces ? search->spaces->first : NULL; own; own = own->next)
        PASS(search_space(&unused, search, own->key, arena));
    return NULL;
}

static Error *read_spaces(Search *out, const Json *object, Arena *arena) {
    out->space = json_find(object, "space");
    out->spaces = json_find(object, "spaces");
    if (!out->space && !out->spaces)
        return error_hint(json_error(object, "lacks the required setting 'space'"),
                          "for example {\"lr.base\": {\"min\": 1e-3, \"max\": 1, \"scale\": "
                          "\"log\"}}");
    if (!out->spaces)
        return check_spaces(out, arena);
    if (out->spaces->kind != JSON_OBJECT)
        return error_hint(json_error(out->spaces, "is %s, but should be an object",
                                     json_kind_name(out->spaces->kind)),
                          "for example {\"lamb\": {\"lr.base\": {\"min\": 1e-4, \"max\": 0.1, "
                          "\"scale\": \"log\"}}}");
    const Kind *unused;
    JSON_EACH (own, out->spaces)
        PASS(kind_find(&unused, optim_table, OPTIM_N, own->key, "optimizer", own));
    return check_spaces(out, arena);
}

Error *search_read(const Search **out, const Json *object, Arena *arena) {
    *out = NULL;
    if (!object)
        return NULL;
    Search *search = ARENA_NEW(arena, Search);
    PASS(param_read(search, search_object_rows, object, search_keys, arena));
    search->where = object;
    PASS(read_algorithm(search, object));
    PASS(read_goal(search, json_find(object, "goal"), arena));
    PASS(prune_read(&search->prune, json_find(object, "prune"), arena));
    PASS(read_spaces(search, object, arena));
    *out = search;
    return NULL;
}

Json *search_write(const Search *search, Arena *arena) {
    Json *object = json_object(arena);
    json_add_text(object, "algorithm", search->algorithm->kind.name, arena);
    Json *rows = json_object(arena);
    param_write(rows, search_object_rows, search, arena);
    JSON_EACH (row, rows)
        if (!search->algorithm->counts_levels || strcmp(row->key, "trials") != 0)
            json_add(object, row->key, json_copy(row, arena), arena);
    static const char *const as_given[] = {"space", "spaces", "goal", "prune"};
    for (int i = 0; i < 4; i++) {
        const Json *part = json_find(search->where, as_given[i]);
        if (part)
            json_add(object, as_given[i], json_copy(part, arena), arena);
    }
    return object;
}

Error *search_space(Space *out, const Search *search, const char *optimizer, Arena *arena) {
    const Json *own = search->spaces ? json_find(search->spaces, optimizer) : NULL;
    if (search->space)
        return space_read(out, search->algorithm, search->space, own, arena);
    if (own)
        return space_read(out, search->algorithm, own, NULL, arena);
    return error_hint(json_error(search->spaces, "has no space for the optimizer '%s'", optimizer),
                      "add one, or a search.space that holds for all");
}

const Json *search_shadow(const Search *search, const char *name) {
    const Json *axis = search->space ? json_find(search->space, name) : NULL;
    for (const Json *own = search->spaces ? search->spaces->first : NULL; own && axis;
         own = own->next) {
        const Json *replaced = json_find(own, name);
        if (replaced && replaced->kind == JSON_NULL) /* one optimizer takes it from the trial */
            axis = NULL;
    }
    return axis;
}

/* ---- the record */

const char *search_entry(const SweepCell *cell, int point, SearchRole role, Arena *arena) {
    const Json *value[SEARCH_MAX_AXES];
    const Search *search = cell->search;
    space_point(value, &cell->space, search->algorithm, (uint64_t)search->seed, point, arena);
    RunSearch entry = {.cell = cell->id,
                       .point = point,
                       .role = role,
                       .trials = cell->n_points,
                       .algorithm = search->algorithm->kind.name,
                       .seed = search->seed,
                       .n_axes = cell->space.n_axes,
                       .axis = cell->space.axis,
                       .value = value,
                       .goal = cell->goal};
    return json_canonical(run_search_write(&entry, arena), arena);
}

void search_fresh_seeds(uint64_t *out, int n, const uint64_t *seeds, int n_seeds) {
    uint64_t next = seeds[0];
    for (int i = 0; i < n; i++) {
        if (i + 1 < n_seeds) {
            out[i] = seeds[i + 1];
            continue;
        }
        bool listed = true;
        while (listed) {
            next++;
            listed = false;
            for (int j = 0; j < n_seeds && !listed; j++)
                listed = seeds[j] == next;
        }
        out[i] = next;
    }
}
