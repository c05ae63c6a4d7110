#include "lab/base/json.h"

#include "lab/base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *json_number_text(double number, char room[JSON_NUMBER_ROOM]) {
    if (!isfinite(number))
        return "null";
    if (number == floor(number) && fabs(number) < 1e15) {
        snprintf(room, JSON_NUMBER_ROOM, "%lld", (long long)number);
        return room;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(room, JSON_NUMBER_ROOM, "%.*g", digits, number);
        if (strtod(room, NULL) == number)
            break;
    }
    return room;
}

static void add(Text *out, const char *text) {
    text_add_n(out, text, strlen(text));
}

static void write_string(Text *out, const char *s) {
    add(out, "\"");
    for (;;) {
        size_t plain = 0; /* bytes that stand for themselves */
        while ((unsigned char)s[plain] >= 0x20 && s[plain] != '"' && s[plain] != '\\')
            plain++;
        text_add_n(out, s, plain);
        s += plain;
        if (!*s)
            break;
        text_add(out, *s == '"' || *s == '\\' ? "\\%c" : "\\u%04x", (unsigned char)*s);
        s++;
    }
    add(out, "\"");
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
    JSON_EACH (each, value) {
        child[n++] = each;
        flat = flat && each->n == 0;
    }
    bool object = value->kind == JSON_OBJECT;
    if (indent < 0 && object)
        qsort(child, (size_t)n, sizeof *child, by_key);
    bool lines = indent >= 0 && n > 0 && (object || !flat);
    add(out, object ? "{" : "[");
    for (int i = 0; i < n; i++) {
        if (i)
            add(out, indent < 0 || lines ? "," : ", ");
        if (lines)
            text_add(out, "\n%*s", 2 * (indent + 1), "");
        if (object) {
            write_string(out, child[i]->key);
            add(out, indent < 0 ? ":" : ": ");
        }
        write_value(out, child[i], indent < 0 ? indent : indent + 1);
    }
    if (lines)
        text_add(out, "\n%*s", 2 * indent, "");
    add(out, object ? "}" : "]");
}

static void write_value(Text *out, const Json *value, int indent) {
    char room[JSON_NUMBER_ROOM];
    switch (value->kind) {
    case JSON_NULL:
        add(out, "null");
        break;
    case JSON_BOOL:
        add(out, value->flag ? "true" : "false");
        break;
    case JSON_NUMBER:
        add(out, json_number_text(value->number, room));
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
