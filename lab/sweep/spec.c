#include "lab/sweep/spec.h"

#include "lab/base/text.h"

#include <assert.h>
#include <math.h>
#include <regex.h>
#include <string.h>

enum { MAX_KEYS = 64 };

typedef struct Spec {
    const Json *root; /* holds $defs */
    Arena *arena;
} Spec;

static Error *check(const Spec *spec, const Json *value, const Json *schema);

static bool has_type(const Json *value, const char *type) {
    switch (value->kind) {
    case JSON_OBJECT:
        return strcmp(type, "object") == 0;
    case JSON_ARRAY:
        return strcmp(type, "array") == 0;
    case JSON_TEXT:
        return strcmp(type, "string") == 0;
    case JSON_BOOL:
        return strcmp(type, "boolean") == 0;
    case JSON_NUMBER:
        return strcmp(type, "number") == 0 ||
               (strcmp(type, "integer") == 0 && value->number == floor(value->number));
    case JSON_NULL:
        return false;
    }
    return false;
}

static Error *check_type(const Json *value, const Json *schema) {
    const Json *type = json_find(schema, "type");
    if (!type || has_type(value, type->text))
        return NULL;
    return error_hint(json_error(value, "is %s, but should be of type %s",
                                 json_kind_name(value->kind), type->text),
                      "the engine reads no other type here");
}

static bool same_scalar(const Json *a, const Json *b) {
    return a->kind == b->kind && (a->kind == JSON_TEXT     ? strcmp(a->text, b->text) == 0
                                  : a->kind == JSON_NUMBER ? a->number == b->number
                                                           : a->flag == b->flag);
}

static Error *check_enum(const Spec *spec, const Json *value, const Json *schema) {
    const Json *list = json_find(schema, "enum");
    const char *names[MAX_KEYS];
    int n = 0;
    if (!list)
        return NULL;
    JSON_EACH (one, list) {
        if (same_scalar(value, one))
            return NULL;
        if (one->kind == JSON_TEXT && n < MAX_KEYS)
            names[n++] = one->text;
    }
    const char *near = value->kind == JSON_TEXT ? text_nearest(value->text, names, n) : NULL;
    return error_hint(json_error(value, "is %s, which the engine does not know",
                                 json_canonical(value, spec->arena)),
                      "%s%s%slegal: %s", near ? "did you mean '" : "", near ? near : "",
                      near ? "'? " : "", json_canonical(list, spec->arena));
}

static double limit(const Json *schema, const char *key, double standard) {
    const Json *found = json_find(schema, key);
    return found ? found->number : standard;
}

static Error *out_of(const Json *value, const char *what, double x, double min, double max) {
    char room[3][JSON_NUMBER_ROOM];
    const char *low = isfinite(min) ? json_number_text(min, room[1]) : "anything";
    const char *high = isfinite(max) ? json_number_text(max, room[2]) : "anything";
    return error_hint(
        json_error(value, "%s %s, which is out of range", what, json_number_text(x, room[0])),
        "legal: %s to %s", low, high);
}

/* Numbers, lengths of texts and lists. */
static Error *check_ranges(const Json *value, const Json *schema) {
    static const char *const keys[][3] = {
        [JSON_NUMBER] = {"minimum", "maximum", "is"},
        [JSON_TEXT] = {"minLength", "maxLength", "has length"},
        [JSON_ARRAY] = {"minItems", "maxItems", "has length"},
    };
    if (value->kind != JSON_NUMBER && value->kind != JSON_TEXT && value->kind != JSON_ARRAY)
        return NULL;
    const char *const *key = keys[value->kind];
    double x = value->kind == JSON_NUMBER ? value->number
               : value->kind == JSON_TEXT ? (double)strlen(value->text)
                                          : value->n;
    double min = limit(schema, key[0], -INFINITY), max = limit(schema, key[1], INFINITY);
    return x < min || x > max ? out_of(value, key[2], x, min, max) : NULL;
}

static Error *check_pattern(const Json *value, const Json *schema) {
    const Json *pattern = json_find(schema, "pattern"), *hint = json_find(schema, "description");
    if (!pattern || value->kind != JSON_TEXT)
        return NULL;
    regex_t regex;
    int failed = regcomp(&regex, pattern->text, REG_EXTENDED | REG_NOSUB);
    assert(!failed);
    bool matches = regexec(&regex, value->text, 0, NULL, 0) == 0;
    regfree(&regex);
    if (matches)
        return NULL;
    return error_hint(json_error(value, "is '%s', which the engine does not take", value->text),
                      "%s%slegal: %s", hint ? hint->text : "", hint ? "; " : "", pattern->text);
}

static Error *unknown_key(const Json *child, const Json *properties) {
    const char *names[MAX_KEYS];
    int n = 0;
    if (properties)
        JSON_EACH (property, properties)
            if (n < MAX_KEYS)
                names[n++] = property->key;
    const char *near = text_nearest(child->key, names, n);
    return error_hint(json_error(child, "is no field of this object"), "%s%s%s",
                      near ? "did you mean '" : "the engine's reference lists its fields",
                      near ? near : "", near ? "'?" : "");
}

static Error *check_object(const Spec *spec, const Json *value, const Json *schema) {
    const Json *properties = json_find(schema, "properties"),
               *others = json_find(schema, "additionalProperties"),
               *required = json_find(schema, "required");
    if (value->kind != JSON_OBJECT)
        return NULL;
    JSON_EACH (child, value) {
        const Json *property = properties ? json_find(properties, child->key) : NULL;
        if (!property && others && others->kind == JSON_BOOL && !others->flag)
            return unknown_key(child, properties);
        if (!property && others && others->kind == JSON_OBJECT)
            property = others;
        if (property)
            PASS(check(spec, child, property));
    }
    if (required)
        JSON_EACH (name, required)
            if (!json_find(value, name->text))
                return error_hint(json_error(value, "lacks the required field '%s'", name->text),
                                  "`batchlab submit` without --file makes a whole one");
    return NULL;
}

static Error *check(const Spec *spec, const Json *value, const Json *schema) {
    const Json *reference = json_find(schema, "$ref"), *items = json_find(schema, "items");
    if (reference) {
        assert(strncmp(reference->text, "#/$defs/", 8) == 0);
        const Json *target = json_find(json_find(spec->root, "$defs"), reference->text + 8);
        assert(target);
        return check(spec, value, target);
    }
    PASS(check_type(value, schema));
    PASS(check_enum(spec, value, schema));
    PASS(check_ranges(value, schema));
    PASS(check_pattern(value, schema));
    PASS(check_object(spec, value, schema));
    if (items && value->kind == JSON_ARRAY)
        JSON_EACH (child, value)
            PASS(check(spec, child, items));
    return NULL;
}

Error *spec_check(const Json *object, const Json *schema, Arena *arena) {
    const Spec spec = {schema, arena};
    return check(&spec, object, schema);
}
