/* Json on top of cJSON: what cJSON lets pass (platform.md F.7) is refused here first. */
#include "lab/base/json.h"

#include "lab/base/io.h"
#include "lab/base/text.h"

#include <cjson/cJSON.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BYTES = 1 << 20, MAX_DEPTH = 64 };

/* ---- the scan before parsing: size, depth, UTF-8, control characters, number forms; lines of values */

typedef struct Scan {
    const char *text;
    size_t n, at;
    int line, depth;
    const char *file;
    int *lines; /* line of each value in document order */
    int n_values, room;
    Arena *arena;
} Scan;

static Error *scan_error(const Scan *scan, const char *what) {
    return error_new(CODE_USAGE, "'%s' line %d: %s", scan->file, scan->line, what);
}

static void scan_value(Scan *scan) {
    if (scan->n_values == scan->room) {
        int room = scan->room ? 2 * scan->room : 256;
        int *lines = ARENA_ARRAY(scan->arena, int, room);
        if (scan->n_values)
            memcpy(lines, scan->lines, sizeof *lines * (size_t)scan->n_values);
        scan->lines = lines;
        scan->room = room;
    }
    scan->lines[scan->n_values++] = scan->line;
}

/* Length of the well-formed UTF-8 sequence at s (RFC 3629), 0 when it is none. */
static size_t utf8_length(const unsigned char *s, size_t n) {
    if (s[0] < 0x80)
        return 1;
    size_t length = s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : 2;
    if (s[0] < 0xC2 || s[0] > 0xF4 || n < length)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) ||
        (s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F))
        return 0;
    return length;
}

static Error *scan_string(Scan *scan) {
    for (scan->at++; scan->at < scan->n && scan->text[scan->at] != '"';) {
        const unsigned char *s = (const unsigned char *)scan->text + scan->at;
        if (*s < 0x20)
            return scan_error(scan, "control character or line break inside a string");
        if (*s == '\\') {
            if (strncmp((const char *)s, "\\u0000", 6) == 0)
                return scan_error(scan, "'\\u0000' inside a string");
            scan->at += 2;
            continue;
        }
        size_t length = utf8_length(s, scan->n - scan->at);
        if (length == 0)
            return scan_error(scan, "a string is not valid UTF-8");
        scan->at += length;
    }
    if (scan->at >= scan->n)
        return scan_error(scan, "a string does not end");
    scan->at++;
    return NULL;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static Error *scan_number(Scan *scan) {
    const char *s = scan->text + scan->at, *start = s;
    if (*s == '-')
        s++;
    if (!is_digit(*s) || (*s == '0' && is_digit(s[1])))
        return error_hint(scan_error(scan, "a number is malformed"), "write numbers as 0.5, 12 or 1e-3");
    bool whole = true;
    while (is_digit(*s))
        s++;
    if (*s == '.') {
        whole = false;
        if (!is_digit(*++s))
            return scan_error(scan, "a number has no digits after its point");
        while (is_digit(*s))
            s++;
    }
    if (*s == 'e' || *s == 'E') {
        whole = false;
        s++;
        if (*s == '+' || *s == '-')
            s++;
        if (!is_digit(*s))
            return scan_error(scan, "a number has no digits in its exponent");
        while (is_digit(*s))
            s++;
    }
    double value = strtod(start, NULL);
    if (!isfinite(value))
        return scan_error(scan, "a number is too large for a double");
    if (whole && fabs(value) >= 0x1p53)
        return error_hint(scan_error(scan, "an integer beyond 2^53 would lose digits"),
                          "write it as a string");
    scan->at += (size_t)(s - start);
    return NULL;
}

static Error *scan_text(Scan *scan) {
    bool key = false; /* the next string is a key */
    char open[MAX_DEPTH + 1];
    while (scan->at < scan->n) {
        char c = scan->text[scan->at];
        if (c == '\n')
            scan->line++;
        if (c == '{' || c == '[') {
            scan_value(scan);
            if (++scan->depth > MAX_DEPTH)
                return scan_error(scan, "nested deeper than 64 levels");
            open[scan->depth] = c;
            key = c == '{';
        } else if (c == '}' || c == ']') {
            if (scan->depth < 1 || (c == '}') != (open[scan->depth] == '{'))
                return scan_error(scan, "a closing bracket does not match");
            scan->depth--;
        } else if (c == ',') {
            key = scan->depth > 0 && open[scan->depth] == '{';
        } else if (c == ':') {
            key = false;
        } else if (c == '"') {
            if (!key)
                scan_value(scan);
            PASS(scan_string(scan));
            continue;
        } else if (c == '-' || is_digit(c)) {
            scan_value(scan);
            PASS(scan_number(scan));
            continue;
        } else if (c == 't' || c == 'f' || c == 'n') {
            scan_value(scan);
            while (scan->at < scan->n && scan->text[scan->at] >= 'a' && scan->text[scan->at] <= 'z')
                scan->at++;
            continue;
        } else if (c == '\0' || !strchr(" \t\r\n", c)) {
            return error_hint(scan_error(scan, "unexpected character"),
                              "comments, single quotes and bare words are not JSON");
        }
        scan->at++;
    }
    return NULL;
}

/* ---- from cJSON's tree to ours */

typedef struct Convert {
    Arena *arena;
    const Scan *scan;
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

static Error *convert(Json **out, const cJSON *from, const char *path, Convert *state) {
    Arena *arena = state->arena;
    JsonKind kind = cJSON_IsObject(from)   ? JSON_OBJECT
                    : cJSON_IsArray(from)  ? JSON_ARRAY
                    : cJSON_IsString(from) ? JSON_TEXT
                    : cJSON_IsNumber(from) ? JSON_NUMBER
                    : cJSON_IsBool(from)   ? JSON_BOOL
                                           : JSON_NULL;
    Json *value = json_new(kind, arena);
    value->file = state->scan->file;
    value->path = path;
    value->line = state->next < state->scan->n_values ? state->scan->lines[state->next] : 0;
    state->next++;
    value->flag = cJSON_IsTrue(from);
    value->number = kind == JSON_NUMBER ? from->valuedouble : 0;
    value->text = kind == JSON_TEXT ? arena_copy(arena, from->valuestring) : NULL;
    int index = 0;
    for (const cJSON *child = from->child; child; child = child->next, index++) {
        const char *dot = *path ? "." : "";
        const char *child_path = kind == JSON_OBJECT
                                     ? arena_print(arena, "%s%s%s", path, dot, child->string)
                                     : arena_print(arena, "%s[%d]", path, index);
        if (kind == JSON_OBJECT && json_find(value, child->string))
            return error_hint(json_error(value, "the key '%s' stands twice", child->string),
                              "keep one of them");
        Json *made = NULL;
        PASS(convert(&made, child, child_path, state));
        made->key = kind == JSON_OBJECT ? arena_copy(arena, child->string) : NULL;
        append(value, made);
    }
    *out = value;
    return NULL;
}

Error *json_parse(Json **out, const char *text, size_t n, const char *file, Arena *arena) {
    file = arena_copy(arena, file);
    if (n > MAX_BYTES)
        return error_new(CODE_USAGE, "'%s' is larger than 1 MiB", file);
    if (n >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        return error_hint(error_new(CODE_USAGE, "'%s' starts with a byte order mark", file),
                          "save it as UTF-8 without BOM");
    /* Terminated copy: the scan and cJSON may look one byte ahead. */
    const char *copy = arena_copy_n(arena, text, n);
    Scan scan = {.text = copy, .n = n, .line = 1, .file = file, .arena = arena};
    PASS(scan_text(&scan));
    cJSON *tree = cJSON_ParseWithLengthOpts(copy, n + 1, NULL, 1);
    if (!tree) {
        const char *stop = cJSON_GetErrorPtr();
        int line = 1;
        for (const char *s = copy; stop && s < stop && s < copy + n; s++)
            line += *s == '\n';
        return error_hint(error_new(CODE_USAGE, "'%s' line %d: not valid JSON", file, line),
                          "a comma or quote missing or too many near there?");
    }
    Convert state = {.arena = arena, .scan = &scan};
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
    JSON_EACH(child, object)
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
    JSON_EACH(child, value)
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
            return error_new(CODE_USAGE, "'%s' is not a dotted name", dotted);
        if (object->kind != JSON_OBJECT)
            return json_error(object, "is %s, so '%s' cannot be set", json_kind_name(object->kind), dotted);
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
        if (!child) {
            child = json_add(object, key, json_object(arena), arena);
            child->path = path;
            child->file = object->file;
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

/* ---- writing */

const char *json_number_text(double number, char room[JSON_NUMBER_ROOM]) {
    if (!isfinite(number))
        return "null";
    if (number == floor(number) && fabs(number) < 1e15) {
        snprintf(room, JSON_NUMBER_ROOM, "%.0f", number == 0 ? 0.0 : number);
        return room;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(room, JSON_NUMBER_ROOM, "%.*g", digits, number);
        if (strtod(room, NULL) == number)
            break;
    }
    return room;
}

static void write_string(Text *out, const char *s) {
    text_add_n(out, "\"", 1);
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            text_add(out, "\\%c", c);
        else if (c < 0x20)
            text_add(out, "\\u%04x", c);
        else
            text_add_n(out, s, 1);
    }
    text_add_n(out, "\"", 1);
}

static int by_key(const void *a, const void *b) {
    return strcmp((*(const Json *const *)a)->key, (*(const Json *const *)b)->key);
}

/* indent < 0: canonical. */
static void write_value(Text *out, const Json *value, int indent);

static void write_children(Text *out, const Json *value, int indent) {
    const Json **child = ARENA_ARRAY(out->arena, const Json *, value->n + 1);
    int n = 0;
    bool flat = true; /* arrays of scalars stay on one line */
    JSON_EACH(each, value) {
        child[n++] = each;
        flat = flat && each->n == 0;
    }
    bool object = value->kind == JSON_OBJECT;
    if (indent < 0 && object)
        qsort(child, (size_t)n, sizeof *child, by_key);
    bool lines = indent >= 0 && n > 0 && (object || !flat);
    text_add(out, "%c", object ? '{' : '[');
    for (int i = 0; i < n; i++) {
        if (i)
            text_add(out, indent < 0 || lines ? "," : ", ");
        if (lines)
            text_add(out, "\n%*s", 2 * (indent + 1), "");
        if (object) {
            write_string(out, child[i]->key);
            text_add(out, indent < 0 ? ":" : ": ");
        }
        write_value(out, child[i], indent < 0 ? indent : indent + 1);
    }
    if (lines)
        text_add(out, "\n%*s", 2 * indent, "");
    text_add(out, "%c", object ? '}' : ']');
}

static void write_value(Text *out, const Json *value, int indent) {
    char room[JSON_NUMBER_ROOM];
    switch (value->kind) {
    case JSON_NULL:
        text_add(out, "null");
        break;
    case JSON_BOOL:
        text_add(out, value->flag ? "true" : "false");
        break;
    case JSON_NUMBER:
        text_add(out, "%s", json_number_text(value->number, room));
        break;
    case JSON_TEXT:
        write_string(out, value->text);
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        write_children(out, value, indent);
        break;
    }
}

const char *json_canonical(const Json *value, Arena *arena) {
    Text text = text_new(arena);
    write_value(&text, value, -1);
    return text.data;
}

const char *json_pretty(const Json *value, Arena *arena) {
    Text text = text_new(arena);
    write_value(&text, value, 0);
    text_add(&text, "\n");
    return text.data;
}

/* ---- messages */

const char *json_kind_name(JsonKind kind) {
    static const char *const name[] = {"null", "true or false", "a number", "a text", "a list", "an object"};
    return name[kind];
}

Error *json_error(const Json *value, const char *format, ...) {
    Arena *scratch = arena_new();
    va_list args;
    va_start(args, format);
    const char *message = arena_vprint(scratch, format, args);
    va_end(args);
    const char *path = value->path && *value->path ? value->path : "the top level";
    Error *error = value->file && value->line > 0
                       ? error_new(CODE_USAGE, "'%s' line %d: %s %s", value->file, value->line, path, message)
                   : value->file ? error_new(CODE_USAGE, "%s: %s %s", value->file, path, message)
                                 : error_new(CODE_USAGE, "%s %s", path, message);
    arena_end(scratch);
    return error;
}
