#include "lab/cli/schema_rows.h"

#include <assert.h>
#include <math.h>
#include <string.h>

Json *schema_object(const char *description, Arena *arena) {
    Json *schema = json_object(arena);
    json_add_text(schema, "description", description, arena);
    json_add_text(schema, "type", "object", arena);
    json_add_flag(schema, "additionalProperties", false, arena);
    json_add(schema, "properties", json_object(arena), arena);
    return schema;
}

Json *schema_settings(const Json *schema) {
    return (Json *)json_find(schema, "properties"); /* made by schema_object, ours to fill */
}

void schema_require(Json *schema, const char *key, Arena *arena) {
    Json *required = (Json *)json_find(schema, "required");
    if (!required)
        required = json_add(schema, "required", json_array(arena), arena);
    json_add(required, NULL, json_text(key, arena), arena);
}

/* ---- rows */

static void add_range(Json *schema, const Param *row, Arena *arena) {
    bool whole = row->kind == PARAM_COUNT || row->kind == PARAM_COUNTS;
    json_add_text(schema, "type", whole ? "integer" : "number", arena);
    if (isfinite(row->min))
        json_add_number(schema, "minimum", row->min, arena);
    if (isfinite(row->max))
        json_add_number(schema, "maximum", row->max, arena);
}

static void add_type(Json *schema, const Param *row, Arena *arena) {
    Json *list;
    switch (row->kind) {
    case PARAM_NUMBER:
    case PARAM_COUNT:
        add_range(schema, row, arena);
        break;
    case PARAM_FLAG:
        json_add_text(schema, "type", "boolean", arena);
        break;
    case PARAM_TEXT:
        if (row->standard) { /* null where a default is possible */
            list = json_add(schema, "type", json_array(arena), arena);
            json_add(list, NULL, json_text("string", arena), arena);
            json_add(list, NULL, json_text("null", arena), arena);
        } else {
            json_add_text(schema, "type", "string", arena);
        }
        break;
    case PARAM_CHOICE:
        list = json_add(schema, "enum", json_array(arena), arena);
        for (int i = 0; row->choices[i]; i++)
            json_add(list, NULL, json_text(row->choices[i], arena), arena);
        break;
    case PARAM_COUNTS:
    case PARAM_NUMBERS:
        json_add_text(schema, "type", "array", arena);
        add_range(json_add(schema, "items", json_object(arena), arena), row, arena);
        break;
    }
}

static Json *row_schema(const Param *row, Arena *arena) {
    Json *schema = json_object(arena);
    bool unit = strcmp(row->unit, "1") != 0;
    json_add_text(schema, "description",
                  arena_print(arena, "%s%s%s%s", row->help, unit ? " [" : "", unit ? row->unit : "",
                              unit ? "]" : ""),
                  arena);
    add_type(schema, row, arena);
    Json *standard = NULL;
    Error *error =
        row->standard ? json_parse(&standard, row->standard, strlen(row->standard), row->key, arena)
                      : NULL;
    assert(!error); /* a row's default is JSON */
    if (standard)
        json_add(schema, "default", standard, arena);
    return schema;
}

void schema_add_rows(Json *schema, const Param *rows, Arena *arena) {
    for (const Param *row = rows; row && row->key; row++) {
        json_add(schema_settings(schema), row->key, row_schema(row, arena), arena);
        if (!row->standard)
            schema_require(schema, row->key, arena);
    }
}

bool schema_all_optional(const Param *rows) {
    for (const Param *row = rows; row && row->key; row++)
        if (!row->standard)
            return false;
    return true;
}

static void add_presets(Json *schema, const Preset *presets, Arena *arena) {
    Json *preset = json_add(schema_settings(schema), "preset", json_object(arena), arena);
    json_add_text(preset, "description", "other defaults, as a framework or a paper has them",
                  arena);
    Json *names = json_add(preset, "enum", json_array(arena), arena);
    for (; presets->name; presets++)
        json_add(names, NULL, json_text(presets->name, arena), arena);
}

Json *schema_kind(const Kind *kind, Arena *arena) {
    Json *schema = schema_object(kind->summary, arena);
    Json *name = json_add(schema_settings(schema), "name", json_object(arena), arena);
    json_add_text(name, "const", kind->name, arena);
    schema_require(schema, "name", arena);
    if (kind->presets)
        add_presets(schema, kind->presets, arena);
    schema_add_rows(schema, kind->params, arena);
    return schema;
}

void schema_allow_single(Json *list, Arena *arena) {
    Json *type = (Json *)json_find(list, "type"), *range = (Json *)json_find(list, "items");
    *type = (Json){.kind = JSON_ARRAY, .key = type->key, .next = type->next};
    json_add(type, NULL, json_text("integer", arena), arena);
    json_add(type, NULL, json_text("array", arena), arena);
    json_add(list, "minimum", json_copy(json_find(range, "minimum"), arena), arena);
    json_add(list, "maximum", json_copy(json_find(range, "maximum"), arena), arena);
    json_add_number(list, "minItems", 1, arena);
    json_add_flag(list, "uniqueItems", true, arena);
}

/* ---- axes */

static Json *reference(const char *pointer, Arena *arena) {
    Json *schema = json_object(arena);
    json_add_text(schema, "$ref", pointer, arena);
    return schema;
}

/* A list whose items are as the schema at `pointer` says, or as another one that came before under
 * this name. */
static void add_axis(Json *axes, const char *name, const char *pointer, Arena *arena) {
    const Json *known = json_find(axes, name);
    if (!known) {
        Json *list = json_add(axes, name, json_object(arena), arena);
        json_add_text(list, "type", "array", arena);
        json_add_number(list, "minItems", 1, arena);
        json_add(list, "items", reference(pointer, arena), arena);
        return;
    }
    Json *items = (Json *)json_find(known, "items"), *any = (Json *)json_find(items, "anyOf");
    if (!any) { /* the second one */
        Json *first = json_copy(items, arena);
        *items = (Json){.kind = JSON_OBJECT, .key = items->key, .next = items->next};
        any = json_add(items, "anyOf", json_array(arena), arena);
        json_add(any, NULL, first, arena);
    }
    json_add(any, NULL, reference(pointer, arena), arena);
}

void schema_add_axes(Json *axes, const Json *schema, const char *prefix, const char *pointer,
                     Arena *arena) {
    const Json *settings = json_find(schema, "properties"), *kinds = json_find(schema, "oneOf");
    if (settings)
        JSON_EACH (child, settings) {
            const char *name = arena_print(arena, "%s%s%s", prefix, *prefix ? "." : "", child->key);
            const char *below = arena_print(arena, "%s/properties/%s", pointer, child->key);
            add_axis(axes, name, below, arena);
            schema_add_axes(axes, child, name, below, arena);
        }
    int index = 0;
    if (kinds)
        JSON_EACH (kind, kinds)
            schema_add_axes(axes, kind, prefix, arena_print(arena, "%s/oneOf/%d", pointer, index++),
                            arena);
}
