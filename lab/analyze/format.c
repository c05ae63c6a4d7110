#include "lab/analyze/format.h"

#include "lab/base/text.h"

#include <math.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

/* Inserts commas into the digits before the point. */
static const char *group(const char *plain, Arena *arena) {
    const char *digits = plain + (*plain == '-');
    size_t n = strspn(digits, "0123456789");
    Text out = text_new(arena);
    text_add_n(&out, plain, (size_t)(digits - plain));
    for (size_t i = 0; i < n; i++) {
        if (i && (n - i) % 3 == 0)
            text_add(&out, ",");
        text_add_n(&out, digits + i, 1);
    }
    text_add(&out, "%s", digits + n);
    return out.data;
}

/* Drops the zeros behind a point. */
static void trim(char *text) {
    char *point = strchr(text, '.');
    if (!point)
        return;
    char *end = text + strlen(text);
    while (end[-1] == '0')
        *--end = 0;
    if (end[-1] == '.')
        end[-1] = 0;
}

const char *format_number(double x, Arena *arena) {
    if (!isfinite(x))
        return "-";
    double size = fabs(x);
    if (size > 0 && (size < 1e-4 || size >= 1e15))
        return arena_print(arena, "%.2e", x);
    char first[64];
    snprintf(first, sizeof first, "%.2e",
             x); /* rounds to three digits, so 999.9 knows it is 1000 */
    int exponent = atoi(strchr(first, 'e') + 1);
    int decimals = exponent >= 2 ? 0 : 2 - exponent;
    char text[64];
    snprintf(text, sizeof text, "%.*f", size > 0 ? decimals : 0, x);
    trim(text);
    return group(text, arena);
}

const char *format_count(double x, Arena *arena) {
    if (!isfinite(x))
        return "-";
    return group(arena_print(arena, "%.0f", x), arena);
}

const char *format_seconds(double seconds, Arena *arena) {
    if (!isfinite(seconds))
        return "-";
    double size = fabs(seconds);
    if (size >= 1 || size == 0)
        return arena_print(arena, "%s s", format_number(seconds, arena));
    if (size >= 1e-3)
        return arena_print(arena, "%s ms", format_number(1e3 * seconds, arena));
    return arena_print(arena, "%s us", format_number(1e6 * seconds, arena));
}

const char *format_percent(double fraction, Arena *arena) {
    if (!isfinite(fraction))
        return "-";
    double percent = 100 * fraction;
    return arena_print(arena, fabs(percent) < 10 ? "%.1f %%" : "%.0f %%", percent);
}

const char *format_plural(double n, const char *noun, Arena *arena) {
    return arena_print(arena, "%s %s%s", format_count(n, arena), noun, n == 1 ? "" : "s");
}

const char *format_list(const char *const *items, int n, Arena *arena) {
    Text out = text_new(arena);
    for (int i = 0; i < n; i++)
        text_add(&out, "%s%s", i == 0 ? "" : i == n - 1 ? " and " : ", ", items[i]);
    return out.data;
}
