#include "lab/sweep/walltime.h"

#include <stdlib.h>
#include <string.h>

enum { MINUTE = 60, HOUR = 3600, DAY = 86400 };

/* A whole number up to `most`; *end moves behind it. False: there is none. */
static bool read_number(int64_t *out, const char **end, int64_t most) {
    char *after;
    if (**end < '0' || **end > '9')
        return false;
    *out = strtoll(*end, &after, 10);
    *end = after;
    return *out <= most;
}

static int64_t unit_s(char unit) {
    return unit == 's' ? 1 : unit == 'm' ? MINUTE : unit == 'h' ? HOUR : unit == 'd' ? DAY : 0;
}

/* What stands behind the first number: a unit, or "[-HH]:MM:SS". */
static bool read_rest(int64_t *out, const char *text, int64_t first) {
    int64_t days = 0, hours = first, minutes = 0, seconds = 0;
    if (unit_s(text[0]) && !text[1]) {
        *out = first * unit_s(text[0]);
        return true;
    }
    if (*text == '-') {
        days = first;
        text++;
        if (!read_number(&hours, &text, 23))
            return false;
    }
    if (*text++ != ':' || !read_number(&minutes, &text, 59) || *text++ != ':' ||
        !read_number(&seconds, &text, 59) || *text)
        return false;
    *out = days * DAY + hours * HOUR + minutes * MINUTE + seconds;
    return true;
}

Error *walltime_read(int64_t *out, const char *text, const Json *where) {
    int64_t first = 0;
    const char *rest = text;
    if (read_number(&first, &rest, 100000000) && read_rest(out, rest, first) && *out > 0)
        return NULL;
    return error_hint(json_error(where, "is '%s', which is no walltime", text),
                      "for example 90m, 2h, 3d, 02:30:00 or 1-12:00:00 (a day and a half)");
}

const char *walltime_days(int64_t seconds, Arena *arena) {
    return arena_print(arena, "%lld-%02d:%02d:%02d", (long long)(seconds / DAY),
                       (int)(seconds % DAY / HOUR), (int)(seconds % HOUR / MINUTE),
                       (int)(seconds % MINUTE));
}

const char *walltime_hours(int64_t seconds, Arena *arena) {
    return arena_print(arena, "%02lld:%02d:%02d", (long long)(seconds / HOUR),
                       (int)(seconds % HOUR / MINUTE), (int)(seconds % MINUTE));
}
