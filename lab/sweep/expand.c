#include "lab/sweep/expand.h"

#include "lab/base/text.h"

#include <string.h>

enum { MAX_AXES = 64, MAX_POINTS = 10000000 };

static Error *check_list(const Json *list) {
    if (list->kind != JSON_ARRAY)
        return error_hint(json_error(list, "is %s, but an axis of the sweep is a list",
                                     json_kind_name(list->kind)),
                          "for example [32, 128, 512]");
    if (list->n == 0)
        return error_hint(json_error(list, "is an empty list"), "an axis needs at least one value");
    if (*list->key == '\0' || *list->key == '.' || list->key[strlen(list->key) - 1] == '.' ||
        strstr(list->key, ".."))
        return error_hint(
            json_error(list, "names no setting: '%s' is not a dotted name", list->key),
            "for example lr.base");
    if (strncmp(list->key, "trial.", 6) == 0)
        return error_hint(json_error(list, "starts with 'trial.'"),
                          "names in the sweep are below trial already: '%s'", list->key + 6);
    if (strncmp(list->key, "layouts.", 8) == 0 || strcmp(list->key, "seeds") == 0)
        return error_hint(json_error(list, "is not part of a trial"),
                          "layouts and seeds have their own lists");
    return NULL;
}

/* Two axes that touch the same setting, or one inside the other. */
static bool overlap(const char *a, const char *b) {
    size_t n = strlen(a), m = strlen(b), least = n < m ? n : m;
    return strncmp(a, b, least) == 0 && (n == m || (n < m ? b[n] : a[m]) == '.');
}

static Error *check_new(const Expansion *expansion, const Json *list) {
    for (int i = 0; i < expansion->n_axes; i++)
        for (int j = 0; j < expansion->axis[i].n_settings; j++)
            if (overlap(expansion->axis[i].setting[j]->key, list->key))
                return error_hint(json_error(list, "is swept twice, also by '%s'",
                                             expansion->axis[i].setting[j]->path),
                                  "join axes that belong together in \"zip\"");
    return NULL;
}

static Error *add_axis(Expansion *out, const Axis *axis, const Json *where) {
    if (out->n_axes == MAX_AXES)
        return error_hint(json_error(where, "is one axis too many"), "at most %d", MAX_AXES);
    out->axis[out->n_axes++] = *axis;
    return NULL;
}

static Error *add_zip(Expansion *out, const Json *object, Arena *arena) {
    if (object->kind != JSON_OBJECT || object->n == 0)
        return error_hint(
            json_error(object, "is %s, but should be an object of lists",
                       object->kind == JSON_OBJECT ? "empty" : json_kind_name(object->kind)),
            "for example {\"optimizer\": [...], \"lr.base\": [...]}");
    Axis axis = {.setting = ARENA_ARRAY(arena, const Json *, object->n)};
    JSON_EACH (list, object) {
        PASS(check_list(list));
        PASS(check_new(out, list));
        if (axis.n_settings > 0 && list->n != axis.n_values)
            return error_hint(json_error(list, "has %d values, but '%s' beside it has %d", list->n,
                                         axis.setting[0]->key, axis.n_values),
                              "lists that move together have the same length");
        for (int i = 0; i < axis.n_settings; i++)
            if (overlap(axis.setting[i]->key, list->key))
                return error_hint(json_error(list, "touches the same setting as '%s' beside it",
                                             axis.setting[i]->key),
                                  "keep one of them");
        axis.n_values = list->n;
        axis.setting[axis.n_settings++] = list;
    }
    return add_axis(out, &axis, object);
}

static Error *add_list(Expansion *out, const Json *list, Arena *arena) {
    PASS(check_list(list));
    PASS(check_new(out, list));
    Axis axis = {
        .n_values = list->n, .n_settings = 1, .setting = ARENA_ARRAY(arena, const Json *, 1)};
    axis.setting[0] = list;
    return add_axis(out, &axis, list);
}

static Error *add_zips(Expansion *out, const Json *zips, Arena *arena) {
    if (zips->kind != JSON_ARRAY)
        return error_hint(
            json_error(zips, "is %s, but should be a list of objects", json_kind_name(zips->kind)),
            "for example [{\"optimizer\": [...], \"lr.base\": [...]}]");
    JSON_EACH (object, zips)
        PASS(add_zip(out, object, arena));
    return NULL;
}

Error *expand_new(Expansion *out, const Json *trial, const Json *sweep, Arena *arena) {
    *out = (Expansion){.trial = trial, .axis = ARENA_ARRAY(arena, Axis, MAX_AXES), .n_points = 1};
    if (!sweep)
        return NULL;
    if (sweep->kind != JSON_OBJECT)
        return error_hint(json_error(sweep, "is %s, but should be an object of lists",
                                     json_kind_name(sweep->kind)),
                          "for example {\"global_batch\": [32, 128]}");
    JSON_EACH (child, sweep)
        PASS(strcmp(child->key, "zip") == 0 ? add_zips(out, child, arena)
                                            : add_list(out, child, arena));
    for (int i = 0; i < out->n_axes; i++) {
        out->n_points *= out->axis[i].n_values;
        if (out->n_points > MAX_POINTS)
            return error_hint(json_error(sweep, "has more than %d points", MAX_POINTS),
                              "shorten its lists");
    }
    return NULL;
}

static const Json *value_at(const Json *list, int64_t index) {
    const Json *value = list->first;
    while (index-- > 0)
        value = value->next;
    return value;
}

/* Index of the point on each axis. */
static void coordinates(int64_t *index, const Expansion *expansion, int64_t point) {
    for (int i = expansion->n_axes - 1; i >= 0; i--) {
        index[i] = point % expansion->axis[i].n_values;
        point /= expansion->axis[i].n_values;
    }
}

Error *expand_point(Json **out, const Expansion *expansion, int64_t point, Arena *arena) {
    int64_t index[MAX_AXES];
    coordinates(index, expansion, point);
    Json *trial = json_copy(expansion->trial, arena);
    for (int i = 0; i < expansion->n_axes; i++)
        for (int j = 0; j < expansion->axis[i].n_settings; j++) {
            const Json *list = expansion->axis[i].setting[j];
            PASS(json_set(trial, list->key, value_at(list, index[i]), arena));
        }
    *out = trial;
    return NULL;
}

Error *expand_base(Json **out, const Expansion *expansion, Arena *arena) {
    PASS(expand_point(out, expansion, 0, arena));
    for (int i = 0; i < expansion->n_axes; i++)
        for (int j = 0; j < expansion->axis[i].n_settings; j++) {
            const char *name = expansion->axis[i].setting[j]->key;
            const Json *own = json_get(expansion->trial, name);
            if (own)
                PASS(json_set(*out, name, own, arena));
        }
    return NULL;
}

const Json *expand_shadow(const Expansion *expansion, const char *name) {
    for (int i = 0; i < expansion->n_axes; i++)
        for (int j = 0; j < expansion->axis[i].n_settings; j++) {
            const Json *axis = expansion->axis[i].setting[j];
            size_t n = strlen(axis->key);
            if (strncmp(axis->key, name, n) == 0 && (name[n] == '\0' || name[n] == '.'))
                return axis;
        }
    return NULL;
}

const Json *expand_inside(const Expansion *expansion, const char *name) {
    size_t n = strlen(name);
    for (int i = 0; i < expansion->n_axes; i++)
        for (int j = 0; j < expansion->axis[i].n_settings; j++) {
            const Json *axis = expansion->axis[i].setting[j];
            if (strncmp(axis->key, name, n) == 0 && (axis->key[n] == '\0' || axis->key[n] == '.'))
                return axis;
        }
    return NULL;
}

Error *expand_blame(Error *error, const Expansion *expansion, int64_t point, Arena *arena) {
    if (!error || expansion->n_axes == 0)
        return error;
    int64_t index[MAX_AXES];
    coordinates(index, expansion, point);
    Text text = text_new(arena);
    for (int i = 0; i < expansion->n_axes; i++)
        for (int j = 0; j < expansion->axis[i].n_settings; j++) {
            const Json *list = expansion->axis[i].setting[j];
            text_add(&text, "%strial.%s = %s", text.n ? ", " : "", list->key,
                     json_canonical(value_at(list, index[i]), arena));
        }
    return error_wrap(error, "in the sweep's trial with %s", text.data);
}
