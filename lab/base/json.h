/* Json: reading (hardened: duplicate keys, UTF-8, nesting, size, number forms) and writing (numbers
 * that round-trip). A value knows the file, line and dotted path it came from, so that every
 * message about it can. */
#ifndef LAB_BASE_JSON_H
#define LAB_BASE_JSON_H

#include "lab/base/arena.h"
#include "lab/base/error.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_TEXT, JSON_ARRAY, JSON_OBJECT } JsonKind;

typedef struct Json Json;
struct Json {
    JsonKind kind;
    const char *key;  /* inside an object, else NULL */
    const char *file; /* where it was read, or NULL */
    const char
        *path; /* dotted from the root, "trial.lr.base", "sweep.lr.base[2]"; "" for the root */
    int line;  /* 1-based, 0 when not from a file */
    bool flag;
    double number;
    const char *text;
    Json *first, *last, *next; /* children of arrays and objects */
    int n;
};

/* Limits: 1 MiB, 64 levels, integers below 2^53 in size (larger ones: write them as a string). */
Error *json_parse(Json **out, const char *text, size_t n, const char *file, Arena *arena);
Error *json_load(Json **out, const char *path, Arena *arena);

const Json *json_find(const Json *object, const char *key);
/* Follows a dotted path, NULL when a part is missing. */
const Json *json_get(const Json *root, const char *dotted);

/* Sets (or replaces) the value at a dotted path below `root`, making objects on the way; `value` is
 * copied with its own file, line and path, so that a message names where it came from. */
Error *json_set(Json *root, const char *dotted, const Json *value, Arena *arena);

Json *json_copy(const Json *value, Arena *arena);

Json *json_object(Arena *arena);
Json *json_array(Arena *arena);
Json *json_number(double number, Arena *arena);
Json *json_text(const char *text, Arena *arena);
Json *json_flag(bool flag, Arena *arena);
Json *json_null(Arena *arena);
/* Appends to an object (key given) or an array (key NULL); returns `child`. */
Json *json_add(Json *parent, const char *key, Json *child, Arena *arena);
void json_add_number(Json *object, const char *key, double number,
                     Arena *arena); /* non-finite: null */
void json_add_text(Json *object, const char *key, const char *text, Arena *arena);
void json_add_flag(Json *object, const char *key, bool flag, Arena *arena);

/* Canonical form: keys sorted, no spaces, shortest numbers that read back to the same bits. */
const char *json_canonical(const Json *value, Arena *arena);
/* For people: two spaces of indentation, order kept. */
const char *json_pretty(const Json *value, Arena *arena);

/* Shortest decimal text that reads back to the same double; "null" when not finite. */
#define JSON_NUMBER_ROOM 32
const char *json_number_text(double number, char room[JSON_NUMBER_ROOM]);

const char *json_kind_name(JsonKind kind); /* "an object", "a number", ... */

/* "'FILE' line N: PATH", where a value came from. */
const char *json_place(const Json *value, Arena *arena);

/* An error about one value: "'FILE' line N: PATH MESSAGE". */
Error *json_error(const Json *value, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define JSON_EACH(child, parent)                                                                   \
    for (const Json *child = (parent)->first; child != NULL; child = child->next)

#endif
