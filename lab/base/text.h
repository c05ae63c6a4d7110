/* Text: a string that grows at its end, in an arena. */
#ifndef LAB_BASE_TEXT_H
#define LAB_BASE_TEXT_H

#include "lab/base/arena.h"

#include <stdbool.h>

typedef struct Text {
    Arena *arena;
    char *data; /* always terminated */
    size_t n;   /* bytes before the terminator */
    size_t room;
} Text;

Text text_new(Arena *arena);
void text_add(Text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_add_n(Text *text, const char *bytes, size_t n);

/* Nearest name to `wanted` among `names` by edit distance (a transposition counts as one edit), or
 * NULL when none is within a third of its length plus one. */
const char *text_nearest(const char *wanted, const char *const *names, int n);

/* True for names that are safe as a folder: ^[a-z0-9][a-z0-9._-]{0,62}$ without "..". */
bool text_is_name(const char *name);

#endif
