#include "lab/sweep/space.h"

#include "lab/base/text.h"
#include "lab/sweep/setting.h"

#include <math.h>
#include <string.h>

typedef struct AxisSettings {
    double min, max;
    int scale;
    int64_t points;
} AxisSettings;

static const Param axis_rows[] = {
    PARAM(NUMBER, AxisSettings, min, NULL, -INFINITY, INFINITY, "1", "smallest value"),
    PARAM(NUMBER, AxisSettings, max, NULL, -INFINITY, INFINITY, "1", "largest value"),
    PARAM_FROM(AxisSettings, scale, "\"linear\"", search_scale_names,
               "what the points are even in: the value, its logarithm, or that of 1 - value"),
    PARAM(COUNT, AxisSettings, points, "0", 0, 10000, "1", "of a grid: values on this axis"),
    PARAM_END,
};

const Param *space_axis_rows(void) {
    return axis_rows;
}

/* ---- names */

static bool below(const char *name, const char *object) {
    size_t n = strlen(object);
    return strncmp(name, object, n) == 0 && (name[n] == '\0' || name[n] == '.');
}

const char *space_refusal(const char *name) {
    static const char *const measured[] = {"dataset", "stop", "eval", "isa", "branch"};
    static const char *const cells[] = {"global_batch", "optimizer.name", "optimizer.preset",
                                        "model.name", "model.preset"};
    for (size_t i = 0; i < sizeof measured / sizeof *measured; i++)
        if (below(name, measured[i]))
            return "changes what is measured, so its points could not be compared";
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
        if (strcmp(name, cells[i]) == 0)
            return "tells cells apart: a search tunes inside each, a sweep compares them";
    if (strcmp(name, "optimizer") == 0 || strcmp(name, "model") == 0)
        return "tells cells apart: a search tunes inside each, a sweep compares them";
    size_t n = strlen(name);
    if (n > 5 && strcmp(name + n - 5, ".name") == 0)
        return "is the name of a kind: give whole objects as values of its parent";
    return NULL;
}

static Error *check_name(const Json *axis) {
    const char *name = axis->key, *refusal = space_refusal(name);
    if (*name == '\0' || *name == '.' || name[strlen(name) - 1] == '.' || strstr(name, ".."))
        return error_hint(json_error(axis, "names no setting: '%s' is not a dotted name", name),
                          "for example lr.base");
    if (strncmp(name, "trial.", 6) == 0)
        return error_hint(json_error(axis, "starts with 'trial.'"),
                          "names in a search are below trial already: '%s'", name + 6);
    if (refusal)
        return error_hint(json_error(axis, "is not a search's to set: it %s", refusal),
                          "for example lr.base, optimizer.momentum, optimizer.weight_decay");
    return NULL;
}

/* ---- one axis */

static Error *read_values(SearchAxis *out, int64_t *levels, const Json *axis) {
    const Json *values = json_find(axis, "values");
    JSON_EACH (child, axis)
        if (child != values)
            return error_hint(json_error(child, "stands beside 'values'"),
                              "an axis is a list of values, or a range: keep one");
    if (values->kind != JSON_ARRAY || values->n == 0)
        return error_hint(
            json_error(values, "is %s, but should be a list of values",
                       values->kind == JSON_ARRAY ? "empty" : json_kind_name(values->kind)),
            "for example [0.9, 0.99]");
    Arena *scratch = arena_new();
    Error *error = NULL;
    JSON_EACH (child, values)
        for (const Json *other = values->first; other != child && !error; other = other->next)
            if (strcmp(json_canonical(child, scratch), json_canonical(other, scratch)) == 0)
                error = error_hint(json_error(child, "stands twice"), "give every value once");
    arena_end(scratch);
    out->scale = SCALE_CHOICE;
    out->values = values;
    *levels = values->n;
    return error;
}

static Error *check_range(const SearchAxis *axis, const Json *where) {
    const Json *min = json_find(where, "min"), *max = json_find(where, "max");
    if (!(axis->min < axis->max))
        return error_hint(json_error(max, "is %g, which is not above min %g", axis->max, axis->min),
                          "min < max; one value needs no axis");
    if (axis->scale == SCALE_LOG && !(axis->min > 0))
        return error_hint(json_error(min, "is %g, which has no logarithm", axis->min),
                          "legal with scale log: above 0, for example %g", axis->max / 1000);
    if (axis->scale == SCALE_REVERSE_LOG && !(axis->min >= 0 && axis->max < 1))
        return error_hint(axis->min >= 0 ? json_error(max, "is %g, which is not below 1", axis->max)
                                         : json_error(min, "is %g, which is below 0", axis->min),
                          "legal with scale reverse_log: 0 up to 1 without 1, for example 0.8 to "
                          "0.999");
    return NULL;
}

static Error *read_axis(SearchAxis *out, int64_t *levels, const SearchType *algorithm,
                        const Json *axis, Arena *arena) {
    *out = (SearchAxis){.name = axis->key};
    if (axis->kind == JSON_OBJECT && json_find(axis, "values"))
        return read_values(out, levels, axis);
    static const char *const others[] = {"values", NULL};
    AxisSettings settings;
    PASS(param_read(&settings, axis_rows, axis, others, arena));
    out->scale = (SearchScale)settings.scale;
    out->min = settings.min;
    out->max = settings.max;
    *levels = settings.points;
    const Json *points = json_find(axis, "points");
    if (!algorithm->counts_levels && points)
        return error_hint(json_error(points, "is for algorithm grid"),
                          "%s has search.trials points", algorithm->kind.name);
    if (algorithm->counts_levels && settings.points < 1)
        return error_hint(
            json_error(points ? points : axis, points ? "is 0, which is out of range"
                                                      : "lacks 'points', which a grid needs"),
            "legal: 1 to 10000");
    return check_range(out, axis);
}

/* ---- all of them */

static Error *add(Space *out, const SearchType *algorithm, const Json *axis, Arena *arena) {
    PASS(check_name(axis));
    if (out->n_axes == SEARCH_MAX_AXES)
        return error_hint(json_error(axis, "is one axis too many"), "at most %d", SEARCH_MAX_AXES);
    int at = out->n_axes++;
    for (; at > 0 && strcmp(out->where[at - 1]->key, axis->key) > 0; at--) {
        out->axis[at] = out->axis[at - 1];
        out->levels[at] = out->levels[at - 1];
        out->where[at] = out->where[at - 1];
    }
    out->where[at] = axis;
    return read_axis(&out->axis[at], &out->levels[at], algorithm, axis, arena);
}

/* Two axes that set the same thing, or one inside the other. */
static Error *check_overlap(const Space *space) {
    for (int i = 0; i < space->n_axes; i++)
        for (int j = 0; j < space->n_axes; j++)
            if (i != j && below(space->axis[i].name, space->axis[j].name))
                return error_hint(
                    json_error(space->where[i], "lies inside the axis '%s'", space->axis[j].name),
                    "keep one of them");
    return NULL;
}

static Error *check_object(const Json *space) {
    return space->kind == JSON_OBJECT
               ? NULL
               : error_hint(json_error(space, "is %s, but should be an object of axes",
                                       json_kind_name(space->kind)),
                            "for example {\"lr.base\": {\"min\": 1e-3, \"max\": 1, \"scale\": "
                            "\"log\"}}");
}

Error *space_read(Space *out, const SearchType *algorithm, const Json *space, const Json *own,
                  Arena *arena) {
    *out = (Space){0};
    PASS(check_object(space));
    if (own)
        PASS(check_object(own));
    JSON_EACH (axis, space)
        if (!own || !json_find(own, axis->key))
            PASS(add(out, algorithm, axis, arena));
    for (const Json *axis = own ? own->first : NULL; axis; axis = axis->next) {
        if (axis->kind != JSON_NULL)
            PASS(add(out, algorithm, axis, arena));
        else if (!json_find(space, axis->key))
            return error_hint(json_error(axis, "is null, but search.space has no such axis"),
                              "null takes an axis of search.space away");
    }
    if (out->n_axes == 0)
        return error_hint(json_error(own ? own : space, "leaves no axis to search"),
                          "for example {\"lr.base\": {\"min\": 1e-3, \"max\": 1, \"scale\": "
                          "\"log\"}}");
    return check_overlap(out);
}

int64_t space_points(const Space *space) {
    int64_t n = 1;
    for (int i = 0; i < space->n_axes && n <= 1 << 24; i++)
        n *= space->levels[i];
    return n;
}

/* ---- setting */

/* A number that stands where its axis stands, so that messages can say where it comes from. */
static const Json *number_at(double x, const Json *where, Arena *arena) {
    Json *value = json_number(x, arena);
    value->file = where->file;
    value->line = where->line;
    value->path = where->path;
    return value;
}

static const Json *choice_at(const Json *values, int64_t index) {
    const Json *value = values->first;
    while (index-- > 0)
        value = value->next;
    return value;
}

Error *space_set(Json *trial, const SearchAxis *axis, const Json *value, Arena *arena) {
    const char *dot = strrchr(axis->name, '.');
    const char *parent = dot ? arena_copy_n(arena, axis->name, (size_t)(dot - axis->name)) : NULL;
    const Json *kind = parent ? json_get(trial, parent) : NULL;
    if (kind && kind->kind == JSON_TEXT) {
        Json *object = json_object(arena);
        object->file = kind->file;
        object->line = kind->line;
        object->path = kind->path;
        json_add(object, "name", json_copy(kind, arena), arena);
        PASS(json_set(trial, parent, object, arena));
    }
    return json_set(trial, axis->name, value, arena);
}

Error *space_begin(Json *trial, const Space *space, Arena *arena) {
    for (int i = 0; i < space->n_axes; i++) {
        const SearchAxis *axis = &space->axis[i];
        const Json *value = axis->scale == SCALE_CHOICE
                                ? axis->values->first
                                : number_at(axis->min, space->where[i], arena);
        PASS(space_set(trial, axis, value, arena));
    }
    return NULL;
}

void space_point(const Json **values, const Space *space, const SearchType *algorithm,
                 uint64_t seed, int64_t point, Arena *arena) {
    double u[SEARCH_MAX_AXES];
    algorithm->place(u, space->n_axes, space->levels, seed, point);
    for (int i = 0; i < space->n_axes; i++) {
        const SearchAxis *axis = &space->axis[i];
        int64_t n = space->levels[i], index = (int64_t)(u[i] * (double)n);
        values[i] = axis->scale == SCALE_CHOICE
                        ? choice_at(axis->values, index < n ? index : n - 1)
                        : number_at(search_axis_value(axis, u[i]), space->where[i], arena);
    }
}

/* ---- the settings behind the axes */

Error *space_fits(const Space *space, const OptimType *optimizer) {
    const char *names[64];
    int n = 0;
    for (const Param *row = optimizer->kind.params; row && row->key && n < 64; row++)
        names[n++] = row->key;
    for (int i = 0; i < space->n_axes; i++) {
        const char *name = space->axis[i].name;
        bool known = strncmp(name, "optimizer.", 10) != 0;
        for (int j = 0; j < n && !known; j++)
            known = strcmp(names[j], name + 10) == 0;
        if (known)
            continue;
        const char *near = text_nearest(name + 10, names, n);
        Error *error = json_error(space->where[i], "is no setting of the optimizer '%s'",
                                  optimizer->kind.name);
        return near ? error_hint(error, "did you mean 'optimizer.%s'?", near)
                    : error_hint(error, "leave it out there: \"spaces\": {\"%s\": {\"%s\": null}}",
                                 optimizer->kind.name, name);
    }
    return NULL;
}

static Error *check_end(const Json *end, double x, const Param *row, Arena *arena) {
    if (x >= row->min && x <= row->max)
        return NULL;
    return error_hint(json_error(end, "is %g, which is out of the setting's range", x), "%s: %s",
                      row->key, param_range(row, arena));
}

Error *space_check(Space *space, const TrialSettings *settings, Arena *arena) {
    for (int i = 0; i < space->n_axes; i++) {
        SearchAxis *axis = &space->axis[i];
        const Param *row = setting_row(settings, axis->name);
        if (axis->scale == SCALE_CHOICE)
            continue;
        if (!row || (row->kind != PARAM_NUMBER && row->kind != PARAM_COUNT))
            return error_hint(json_error(space->where[i], "has a range, but is no number"),
                              "give its values: {\"values\": [...]}");
        axis->whole = row->kind == PARAM_COUNT;
        if (axis->whole && axis->max != floor(axis->max))
            return error_hint(json_error(json_find(space->where[i], "max"),
                                         "is %g, but the setting takes whole numbers", axis->max),
                              "%s: %s", row->key, param_range(row, arena));
        PASS(check_end(json_find(space->where[i], "min"), axis->min, row, arena));
        PASS(check_end(json_find(space->where[i], "max"), axis->max, row, arena));
    }
    return NULL;
}
