/* Json on top of cJSON: what cJSON lets pass (platform.md F.7) is refused here first. */
#include "lab/base/json.h"

#include "lab/base/io.h"
#include "lab/base/json_scan.h"

#include <cjson/cJSON.h>

#include <math.h>
#include <string.h>

/* ---- from cJSON's tree to ours */

typedef struct Convert {
    Arena *arena;
    const char *file;
    JsonLines lines;
    int next; /* value number in document order */
} Convert;

static Json *json_new(JsonKind kind, Arena *arena) {
    Json *value = ARENA_NEW(arena, Json);
    value->kind = kind;
    value->path = "";
    return value;
}

static void append(Json *parent, Json *child) {
    if (parent->last)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
    parent->n++;
}

/* "path.key", or the key alone at the root. */
static const char *path_of(const char *path, const char *key, Arena *arena) {
    size_t n = strlen(path), m = strlen(key), dot = n > 0;
    char *joined = arena_alloc(arena, n + dot + m + 1);
    memcpy(joined, path, n);
    joined[n] = '.';
    memcpy(joined + n + dot, key, m + 1);
    return joined;
}

static Error *convert(Json **out, const cJSON *from, const char *path, Convert *state) {
    Arena *arena = state->arena;
    JsonKind kind = cJSON_IsObject(from)   ? JSON_OBJECT
                    : cJSON_IsArray(from)  ? JSON_ARRAY
                    : cJSON_IsString(from) ? JSON_TEXT
                    : cJSON_IsNumber(from) ? JSON_NUMBER
                    : cJSON_IsBool(from)   ? JSON_BOOL
                                           : JSON_NULL;
    Json *value = json_new(kind, arena);
    value->file = state->file;
    value->path = path;
    value->line = state->next < state->lines.n ? state->lines.line[state->next] : 0;
    state->next++;
    value->flag = cJSON_IsTrue(from);
    value->number = kind == JSON_NUMBER ? from->valuedouble : 0;
    value->text = kind == JSON_TEXT ? arena_copy(arena, from->valuestring) : NULL;
    int index = 0;
    for (const cJSON *child = from->child; child; child = child->next, index++) {
        const char *child_path = kind == JSON_OBJECT ? path_of(path, child->string, arena)
                                                     : arena_print(arena, "%s[%d]", path, index);
        if (kind == JSON_OBJECT && json_find(value, child->string))
            return error_hint(json_error(value, "the key '%s' stands twice", child->string),
                              "keep one of them");
        Json *made = NULL;
        PASS(convert(&made, child, child_path, state));
        /* the last part of its path, in the same memory */
        made->key = kind == JSON_OBJECT ? child_path + (*path ? strlen(path) + 1 : 0) : NULL;
        append(value, made);
    }
    *out = value;
    return NULL;
}

Error *json_parse(Json **out, const char *text, size_t n, const char *file, Arena *arena) {
    file = arena_copy(arena, file);
    /* Terminated copy: the scan and cJSON may look one byte ahead. */
    const char *copy = arena_copy_n(arena, text, n);
    Convert state = {.arena = arena, .file = file};
    PASS(json_scan(&state.lines, copy, n, file, arena));
    const char *stop = NULL; /* not cJSON_GetErrorPtr, which tells of other threads' texts too */
    cJSON *tree = cJSON_ParseWithLengthOpts(copy, n + 1, &stop, 1);
    if (!tree) {
        int line = 1;
        for (const char *s = copy; stop && s < stop && s < copy + n; s++)
            line += *s == '\n';
        return error_hint(error_new(CODE_USAGE, "'%s' line %d: not valid JSON", file, line),
                          "a comma, colon or quote missing or too many near there?");
    }
    Error *error = convert(out, tree, "", &state);
    cJSON_Delete(tree);
    return error;
}

Error *json_load(Json **out, const char *path, Arena *arena) {
    char *text;
    size_t n;
    PASS(io_read(&text, &n, path, arena));
    return json_parse(out, text, n, path, arena);
}

/* ---- finding and changing */

const Json *json_find(const Json *object, const char *key) {
    if (!object || object->kind != JSON_OBJECT)
        return NULL;
    JSON_EACH (child, object)
        if (strcmp(child->key, key) == 0)
            return child;
    return NULL;
}

const Json *json_get(const Json *root, const char *dotted) {
    char part[128];
    while (root && *dotted) {
        size_t n = strcspn(dotted, ".");
        if (n >= sizeof part)
            return NULL;
        memcpy(part, dotted, n);
        part[n] = '\0';
        root = json_find(root, part);
        dotted += n + (dotted[n] == '.');
    }
    return root;
}

Json *json_copy(const Json *value, Arena *arena) {
    Json *copy = ARENA_NEW(arena, Json);
    *copy = *value;
    copy->first = copy->last = copy->next = NULL;
    copy->n = 0;
    JSON_EACH (child, value)
        append(copy, json_copy(child, arena));
    return copy;
}

static void replace(Json *object, Json *old, Json *value) {
    for (Json **link = &object->first; *link; link = &(*link)->next) {
        if (*link != old)
            continue;
        value->next = old->next;
        *link = value;
        if (object->last == old)
            object->last = value;
        return;
    }
}

Error *json_set(Json *root, const char *dotted, const Json *value, Arena *arena) {
    Json *object = root;
    const char *path = root->path;
    for (const char *part = dotted;;) {
        size_t n = strcspn(part, ".");
        if (n == 0)
            return error_hint(json_error(value, "cannot be set: '%s' is not a dotted name", dotted),
                              "for example trial.lr.base");
        if (object->kind != JSON_OBJECT)
            return error_hint(
                json_error(value, "cannot be set: %s is %s", path, json_kind_name(object->kind)),
                "only an object has settings inside");
        const char *key = arena_copy_n(arena, part, n);
        path = arena_print(arena, "%s%s%s", path, *path ? "." : "", key);
        Json *child = (Json *)json_find(object, key); /* root is ours to change */
        if (part[n] == '\0') {
            Json *copy = json_copy(value, arena);
            copy->key = key;
            if (child)
                replace(object, child, copy);
            else
                append(object, copy);
            return NULL;
        }
        if (!child) { /* comes from where its value does */
            child = json_add(object, key, json_object(arena), arena);
            child->path = path;
            child->file = value->file;
            child->line = value->line;
        }
        object = child;
        part += n + 1;
    }
}

/* ---- making */

Json *json_object(Arena *arena) {
    return json_new(JSON_OBJECT, arena);
}

Json *json_array(Arena *arena) {
    return json_new(JSON_ARRAY, arena);
}

Json *json_null(Arena *arena) {
    return json_new(JSON_NULL, arena);
}

Json *json_number(double number, Arena *arena) {
    Json *value = json_new(isfinite(number) ? JSON_NUMBER : JSON_NULL, arena);
    value->number = number;
    return value;
}

Json *json_text(const char *text, Arena *arena) {
    Json *value = json_new(text ? JSON_TEXT : JSON_NULL, arena);
    value->text = arena_copy(arena, text);
    return value;
}

Json *json_flag(bool flag, Arena *arena) {
    Json *value = json_new(JSON_BOOL, arena);
    value->flag = flag;
    return value;
}

Json *json_add(Json *parent, const char *key, Json *child, Arena *arena) {
    child->key = arena_copy(arena, key);
    append(parent, child);
    return child;
}

void json_add_number(Json *object, const char *key, double number, Arena *arena) {
    json_add(object, key, json_number(number, arena), arena);
}

void json_add_text(Json *object, const char *key, const char *text, Arena *arena) {
    json_add(object, key, json_text(text, arena), arena);
}

void json_add_flag(Json *object, const char *key, bool flag, Arena *arena) {
    json_add(object, key, json_flag(flag, arena), arena);
}

/* ---- messages */

const char *json_kind_name(JsonKind kind) {
    static const char *const name[] = {"null",   "true or false", "a number",
                                       "a text", "a list",        "an object"};
    return name[kind];
}

const char *json_place(const Json *value, Arena *arena) {
    const char *path = value->path && *value->path ? value->path : "the top level";
    if (value->file && value->line > 0)
        return arena_print(arena, "'%s' line %d: %s", value->file, value->line, path);
    return value->file ? arena_print(arena, "%s: %s", value->file, path) : path;
}

Error *json_error(const Json *value, const char *format, ...) {
    Arena *scratch = arena_new();
    va_list args;
    va_start(args, format);
    const char *message = arena_vprint(scratch, format, args);
    va_end(args);
    Error *error = error_new(CODE_USAGE, "%s %s", json_place(value, scratch), message);
    arena_end(scratch);
    return error;
}
