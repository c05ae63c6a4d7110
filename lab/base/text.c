#include "lab/base/text.h"

#include <stdio.h>
#include <string.h>

Text text_new(Arena *arena) {
    Text text = {.arena = arena, .data = arena_alloc(arena, 256), .n = 0, .room = 256};
    return text;
}

void text_add_n(Text *text, const char *bytes, size_t n) {
    if (text->n + n + 1 > text->room) {
        size_t room = text->room;
        while (room < text->n + n + 1)
            room *= 2;
        char *data = arena_alloc(text->arena, room);
        memcpy(data, text->data, text->n);
        text->data = data;
        text->room = room;
    }
    if (n)
        memcpy(text->data + text->n, bytes, n);
    text->n += n;
    text->data[text->n] = '\0';
}

void text_add(Text *text, const char *format, ...) {
    char room[1024];
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(room, sizeof room, format, args);
    if (n >= 0 && (size_t)n < sizeof room) {
        text_add_n(text, room, (size_t)n);
    } else if (n > 0) {
        const char *longer = arena_vprint(text->arena, format, again);
        text_add_n(text, longer, (size_t)n);
    }
    va_end(again);
    va_end(args);
}

enum { NAME_ROOM = 64 };

static int least(int a, int b) {
    return a < b ? a : b;
}

/* Optimal string alignment: insert, delete, replace, swap neighbours. */
static int distance(const char *a, const char *b) {
    int n = (int)strlen(a), m = (int)strlen(b);
    if (n >= NAME_ROOM || m >= NAME_ROOM)
        return NAME_ROOM;
    int d[NAME_ROOM][NAME_ROOM];
    for (int i = 0; i <= n; i++)
        d[i][0] = i;
    for (int j = 0; j <= m; j++)
        d[0][j] = j;
    for (int i = 1; i <= n; i++) {
        for (int j = 1; j <= m; j++) {
            int cost = a[i - 1] != b[j - 1];
            d[i][j] = least(least(d[i - 1][j] + 1, d[i][j - 1] + 1), d[i - 1][j - 1] + cost);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
        }
    }
    return d[n][m];
}

const char *text_nearest(const char *wanted, const char *const *names, int n) {
    const char *best = NULL;
    int best_distance = (int)strlen(wanted) / 3 + 2;
    for (int i = 0; i < n; i++) {
        int d = distance(wanted, names[i]);
        if (d < best_distance) {
            best_distance = d;
            best = names[i];
        }
    }
    return best;
}

static bool is_name_start(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool text_is_name(const char *name) {
    size_t n = strlen(name);
    if (n < 1 || n > 63 || !is_name_start(name[0]) || strstr(name, ".."))
        return false;
    for (size_t i = 1; i < n; i++)
        if (!is_name_start(name[i]) && !strchr("._-", name[i]))
            return false;
    return true;
}
