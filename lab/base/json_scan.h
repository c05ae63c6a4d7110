/* Internal to lab/base: the look at a JSON text before cJSON parses it, which refuses what cJSON
 * would let pass. */
#ifndef LAB_BASE_JSON_SCAN_H
#define LAB_BASE_JSON_SCAN_H

#include "lab/base/arena.h"
#include "lab/base/error.h"

enum { JSON_MAX_BYTES = 1 << 20, JSON_MAX_DEPTH = 64 };

/* The line of every value, in document order. */
typedef struct JsonLines {
    int n;
    const int *line; /* (n) */
} JsonLines;

/* Checks size, encoding, depth, brackets, words and number forms. text[n] is NUL. Every error (code
 * 2) names `file`, and the line where there is one. */
Error *json_scan(JsonLines *out, const char *text, size_t n, const char *file, Arena *arena);

#endif
