#include "lab/store/search_record.h"

#include "lab/train/metric.h"

#include <math.h>
#include <string.h>

const char *const goal_metric_names[] = {"examples_to_target", "valid_accuracy", "valid_loss",
                                         NULL};

static const char *const role_names[] = {"point", "rerun", NULL};

/* ---- writing */

Json *search_goal_write(const SearchGoal *goal, Arena *arena) {
    Json *object = json_object(arena);
    json_add_text(object, "metric", goal_metric_names[goal->metric], arena);
    json_add_text(object, "direction", goal->maximize ? "maximize" : "minimize", arena);
    json_add_text(object, "otherwise", goal_metric_names[goal->otherwise], arena);
    return object;
}

Json *run_search_write(const RunSearch *search, Arena *arena) {
    Json *object = json_object(arena);
    json_add_text(object, "cell", search->cell, arena);
    json_add_number(object, "point", search->point, arena);
    json_add_text(object, "role", role_names[search->role], arena);
    json_add_number(object, "trials", search->trials, arena);
    json_add_text(object, "algorithm", search->algorithm, arena);
    json_add_number(object, "seed", (double)search->seed, arena);
    Json *space = json_add(object, "space", json_object(arena), arena);
    Json *values = json_add(object, "values", json_object(arena), arena);
    for (int i = 0; i < search->n_axes; i++) {
        const SearchAxis *axis = &search->axis[i];
        json_add(space, axis->name, search_axis_write(axis, arena), arena);
        json_add(values, axis->name, json_copy(search->value[i], arena), arena);
    }
    json_add(object, "goal", search_goal_write(&search->goal, arena), arena);
    return object;
}

/* ---- reading */

static const char *text_at(const Json *object, const char *key) {
    const Json *value = object ? json_find(object, key) : NULL;
    return value && value->kind == JSON_TEXT ? value->text : NULL;
}

static int64_t whole_at(const Json *object, const char *key) {
    const Json *value = json_find(object, key);
    return value && value->kind == JSON_NUMBER ? (int64_t)value->number : -1;
}

static int index_of(const char *name, const char *const *names) {
    for (int i = 0; name && names[i]; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

static bool read_goal(SearchGoal *out, const Json *goal) {
    int metric = index_of(text_at(goal, "metric"), goal_metric_names),
        otherwise = index_of(text_at(goal, "otherwise"), goal_metric_names);
    const char *direction = text_at(goal, "direction");
    if (metric < 0 || otherwise < 0 || !direction)
        return false;
    *out =
        (SearchGoal){(GoalMetric)metric, strcmp(direction, "maximize") == 0, (GoalMetric)otherwise};
    return true;
}

static bool read_axes(RunSearch *out, const Json *space, const Json *values, Arena *arena) {
    if (!space || space->kind != JSON_OBJECT || !values || values->kind != JSON_OBJECT)
        return false;
    SearchAxis *axis = ARENA_ARRAY(arena, SearchAxis, space->n);
    const Json **value = ARENA_ARRAY(arena, const Json *, space->n);
    JSON_EACH (object, space) {
        value[out->n_axes] = json_find(values, object->key);
        if (!value[out->n_axes] || !search_axis_read(&axis[out->n_axes], object))
            return false;
        out->n_axes++;
    }
    out->axis = axis;
    out->value = value;
    return true;
}

bool run_search_read(RunSearch *out, const Json *object, Arena *arena) {
    *out = (RunSearch){0};
    if (!object || object->kind != JSON_OBJECT)
        return false;
    int role = index_of(text_at(object, "role"), role_names);
    out->cell = text_at(object, "cell");
    out->point = (int)whole_at(object, "point");
    out->role = (SearchRole)role;
    out->trials = (int)whole_at(object, "trials");
    out->algorithm = text_at(object, "algorithm");
    out->seed = whole_at(object, "seed");
    return out->cell && role >= 0 && out->point >= 0 && out->trials > 0 && out->algorithm &&
           read_axes(out, json_find(object, "space"), json_find(object, "values"), arena) &&
           read_goal(&out->goal, json_find(object, "goal"));
}

bool run_search(RunSearch *out, const RunRecord *run, Arena *arena) {
    return run_search_read(out, run->search, arena);
}

/* ---- the ranking */

SearchGoal search_goal_default(const char *metric, bool has_classes) {
    Metric target = metric ? metric_find(metric) : METRIC_N;
    bool loss = !has_classes || (target != METRIC_N && !metric_is_share(target));
    GoalMetric best = loss ? GOAL_VALID_LOSS : GOAL_VALID_ACCURACY;
    return metric ? (SearchGoal){GOAL_EXAMPLES_TO_TARGET, false, best}
                  : (SearchGoal){best, !loss, best};
}

/* How a point ended, best first. */
static int rank_of(const RunSummary *summary) {
    switch (summary->outcome) {
    case OUTCOME_REACHED:
    case OUTCOME_BUDGET_SPENT:
        return 0;
    case OUTCOME_INTERRUPTED:
        return summary->pruned_at_step > 0 ? 1 : 4;
    case OUTCOME_DIVERGED:
        return 2;
    default:
        return 3;
    }
}

bool search_can_win(const RunSummary *summary) {
    return rank_of(summary) == 0;
}

/* Smaller is better; what is missing is worst. */
static double cost(const RunSummary *summary, GoalMetric metric, bool maximize) {
    double value = metric == GOAL_EXAMPLES_TO_TARGET ? summary->examples_to_target
                   : metric == GOAL_VALID_LOSS       ? summary->best_valid_loss
                                                     : summary->best_valid_accuracy;
    return isnan(value) ? INFINITY : maximize ? -value : value;
}

bool search_is_better(SearchResult a, SearchResult b, const SearchGoal *goal) {
    int rank = rank_of(a.summary) - rank_of(b.summary);
    if (rank != 0)
        return rank < 0;
    bool accuracy = goal->otherwise == GOAL_VALID_ACCURACY;
    double first = cost(a.summary, goal->metric, goal->maximize),
           second = cost(b.summary, goal->metric, goal->maximize);
    if (first == second) {
        first = cost(a.summary, goal->otherwise, accuracy);
        second = cost(b.summary, goal->otherwise, accuracy);
    }
    return first != second ? first < second : a.point < b.point;
}
