#include "lab/base/param.h"

#include "lab/base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *number(double x, Arena *arena) {
    char room[JSON_NUMBER_ROOM];
    if (isinf(x))
        return x > 0 ? "infinity" : "-infinity";
    return arena_copy(arena, json_number_text(x, room));
}

static const char *choices_text(const char *const *choices, Arena *arena) {
    Text text = text_new(arena);
    for (int i = 0; choices[i]; i++)
        text_add(&text, "%s%s", i ? ", " : "", choices[i]);
    return text.data;
}

/* "0 to 1", "at least 1", "one of a, b" */
static const char *legal(const Param *row, Arena *arena) {
    switch (row->kind) {
    case PARAM_NUMBER:
    case PARAM_COUNT:
    case PARAM_COUNTS:
    case PARAM_NUMBERS:
        if (isinf(row->max) && isinf(row->min))
            return row->kind == PARAM_NUMBER || row->kind == PARAM_NUMBERS ? "a number"
                                                                           : "an integer";
        if (isinf(row->max))
            return arena_print(arena, "at least %s", number(row->min, arena));
        return arena_print(arena, "%s to %s", number(row->min, arena), number(row->max, arena));
    case PARAM_FLAG:
        return "true or false";
    case PARAM_TEXT:
        return "a text";
    case PARAM_CHOICE:
        return arena_print(arena, "one of %s", choices_text(row->choices, arena));
    }
    return "";
}

const char *param_range(const Param *row, Arena *arena) {
    if (!row->standard)
        return arena_print(arena, "required (%s)", legal(row, arena));
    return arena_print(arena, "%s (%s)", row->standard, legal(row, arena));
}

/* "legal: 0 to 1; default 0.9", or what a text is for. */
static Error *hint_legal(Error *error, const Param *row, Arena *arena) {
    if (row->kind == PARAM_TEXT)
        return error_hint(error, "%s", row->help);
    return error_hint(error, "legal: %s%s%s", legal(row, arena), row->standard ? "; default " : "",
                      row->standard ? row->standard : "");
}

static Error *wrong_type(const Json *value, const Param *row, const char *wanted, Arena *arena) {
    return hint_legal(
        json_error(value, "is %s, but should be %s", json_kind_name(value->kind), wanted), row,
        arena);
}

static Error *check_number(const Json *value, const Param *row, Arena *arena) {
    bool whole = row->kind == PARAM_COUNT || row->kind == PARAM_COUNTS;
    if (value->kind != JSON_NUMBER)
        return wrong_type(value, row, whole ? "an integer" : "a number", arena);
    if (whole && value->number != floor(value->number))
        return hint_legal(
            json_error(value, "is %s, but should be an integer", number(value->number, arena)), row,
            arena);
    if (value->number < row->min || value->number > row->max)
        return hint_legal(
            json_error(value, "is %s, which is out of range", number(value->number, arena)), row,
            arena);
    return NULL;
}

static Error *read_choice(int *out, const Json *value, const Param *row, Arena *arena) {
    if (value->kind != JSON_TEXT)
        return wrong_type(value, row, "a text", arena);
    int n = 0;
    for (; row->choices[n]; n++)
        if (strcmp(row->choices[n], value->text) == 0) {
            *out = n;
            return NULL;
        }
    const char *near = text_nearest(value->text, row->choices, n);
    Error *error = json_error(value, "is '%s', which is none of: %s", value->text,
                              choices_text(row->choices, arena));
    return near ? error_hint(error, "did you mean '%s'?", near) : hint_legal(error, row, arena);
}

static Error *read_counts(ParamCounts *out, const Json *value, const Param *row, Arena *arena) {
    if (value->kind != JSON_ARRAY)
        return wrong_type(value, row, "a list of integers", arena);
    int64_t *list = ARENA_ARRAY(arena, int64_t, value->n + 1);
    int n = 0;
    JSON_EACH (child, value) {
        PASS(check_number(child, row, arena));
        list[n++] = (int64_t)child->number;
    }
    *out = (ParamCounts){.n = n, .value = list};
    return NULL;
}

static Error *read_numbers(ParamNumbers *out, const Json *value, const Param *row, Arena *arena) {
    if (value->kind != JSON_ARRAY)
        return wrong_type(value, row, "a list of numbers", arena);
    double *list = ARENA_ARRAY(arena, double, value->n + 1);
    int n = 0;
    JSON_EACH (child, value) {
        PASS(check_number(child, row, arena));
        list[n++] = child->number;
    }
    *out = (ParamNumbers){.n = n, .value = list};
    return NULL;
}

static Error *read_row(void *field, const Param *row, const Json *value, Arena *arena) {
    switch (row->kind) {
    case PARAM_NUMBER:
        PASS(check_number(value, row, arena));
        *(double *)field = value->number;
        return NULL;
    case PARAM_COUNT:
        PASS(check_number(value, row, arena));
        *(int64_t *)field = (int64_t)value->number;
        return NULL;
    case PARAM_FLAG:
        if (value->kind != JSON_BOOL)
            return wrong_type(value, row, "true or false", arena);
        *(bool *)field = value->flag;
        return NULL;
    case PARAM_TEXT:
        if (value->kind != JSON_TEXT && !(value->kind == JSON_NULL && row->standard))
            return wrong_type(value, row, "a text", arena);
        *(const char **)field = value->kind == JSON_TEXT ? arena_copy(arena, value->text) : NULL;
        return NULL;
    case PARAM_CHOICE:
        return read_choice(field, value, row, arena);
    case PARAM_COUNTS:
        return read_counts(field, value, row, arena);
    case PARAM_NUMBERS:
        return read_numbers(field, value, row, arena);
    }
    return NULL;
}

enum { MAX_KEYS = 128 };

static bool is_listed(const char *key, const char *const *names, int n) {
    for (int i = 0; i < n; i++)
        if (strcmp(names[i], key) == 0)
            return true;
    return false;
}

/* Every key that may stand in the object, once. */
static int list_keys(const char *names[MAX_KEYS], const Param *rows, const char *const *others) {
    int n = 0;
    for (const Param *row = rows; row && row->key && n < MAX_KEYS; row++)
        names[n++] = row->key;
    for (; others && *others && n < MAX_KEYS; others++)
        if (!is_listed(*others, names, n))
            names[n++] = *others;
    return n;
}

static Error *hint_keys(Error *error, const Param *rows, const char *const *others, Arena *arena) {
    const char *names[MAX_KEYS];
    int n = list_keys(names, rows, others);
    Text text = text_new(arena);
    for (int i = 0; i < n; i++)
        text_add(&text, "%s%s", i ? ", " : "", names[i]);
    return error_hint(error, "known here: %s", n ? text.data : "nothing");
}

static Error *unknown_key(const Json *child, const Param *rows, const char *const *others,
                          Arena *arena) {
    const char *names[MAX_KEYS];
    const char *near = text_nearest(child->key, names, list_keys(names, rows, others));
    Error *error = json_error(child, "is not a known setting");
    return near ? error_hint(error, "did you mean '%s'?", near)
                : hint_keys(error, rows, others, arena);
}

/* Most defaults are a number: thousands of trials need no parser for them. */
static Error *read_standard(const Json **out, const Param *row, Arena *arena) {
    char *end;
    Json *value;
    double number = strtod(row->standard, &end);
    if (end > row->standard && *end == '\0')
        value = json_number(number, arena);
    else
        PASS(json_parse(&value, row->standard, strlen(row->standard), row->key, arena));
    *out = value;
    return NULL;
}

Error *param_read(void *settings, const Param *rows, const Json *object, const char *const *others,
                  Arena *arena) {
    if (object && object->kind != JSON_OBJECT)
        return hint_keys(
            json_error(object, "is %s, but should be an object", json_kind_name(object->kind)),
            rows, others, arena);
    const char *names[MAX_KEYS];
    int n = list_keys(names, rows, others);
    if (object)
        JSON_EACH (child, object)
            if (!is_listed(child->key, names, n))
                return unknown_key(child, rows, others, arena);
    for (const Param *row = rows; row && row->key; row++) {
        const Json *value = object ? json_find(object, row->key) : NULL;
        if (!value && !row->standard) {
            if (!object)
                return error_new(CODE_USAGE, "the setting '%s' is missing", row->key);
            return error_hint(json_error(object, "lacks the required setting '%s'", row->key),
                              "%s: %s", row->help, legal(row, arena));
        }
        if (!value)
            TRY(read_standard(&value, row, arena), "the default of '%s'", row->key);
        PASS(read_row((char *)settings + row->offset, row, value, arena));
    }
    return NULL;
}

void param_write(Json *object, const Param *rows, const void *settings, Arena *arena) {
    for (const Param *row = rows; row && row->key; row++) {
        const void *field = (const char *)settings + row->offset;
        Json *value = NULL;
        switch (row->kind) {
        case PARAM_NUMBER:
            value = json_number(*(const double *)field, arena);
            break;
        case PARAM_COUNT:
            value = json_number((double)*(const int64_t *)field, arena);
            break;
        case PARAM_FLAG:
            value = json_flag(*(const bool *)field, arena);
            break;
        case PARAM_TEXT:
            value = json_text(*(const char *const *)field, arena);
            break;
        case PARAM_CHOICE:
            value = json_text(row->choices[*(const int *)field], arena);
            break;
        case PARAM_COUNTS:
            value = json_array(arena);
            for (int i = 0; i < ((const ParamCounts *)field)->n; i++)
                json_add(value, NULL,
                         json_number((double)((const ParamCounts *)field)->value[i], arena), arena);
            break;
        case PARAM_NUMBERS:
            value = json_array(arena);
            for (int i = 0; i < ((const ParamNumbers *)field)->n; i++)
                json_add(value, NULL, json_number(((const ParamNumbers *)field)->value[i], arena),
                         arena);
            break;
        }
        json_add(object, row->key, value, arena);
    }
}
