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
    JSON_EACH (each, value) {
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
