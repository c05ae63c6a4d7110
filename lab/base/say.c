#include "lab/base/say.h"

#include "lab/base/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BAR = 24 };

void say(const char *format, ...) {
    char line[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line - 1, format, args);
    va_end(args);
    /* one write, so that lines of several processes do not mix; \r and erase clear a bar that
     * stands there */
    fprintf(stderr, "%s%s\n", say_is_terminal() ? "\r\033[K" : "", line);
    fflush(stderr);
}

bool say_is_terminal(void) {
    const char *term = getenv("TERM");
    return isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
}

const char *say_duration(double seconds, char room[SAY_DURATION_ROOM]) {
    if (!(seconds >= 0) || seconds > 1e9)
        snprintf(room, SAY_DURATION_ROOM, "?");
    else if (seconds < 10)
        snprintf(room, SAY_DURATION_ROOM, "%.1f s", seconds);
    else if (seconds < 90)
        snprintf(room, SAY_DURATION_ROOM, "%.0f s", seconds);
    else if (seconds < 5400)
        snprintf(room, SAY_DURATION_ROOM, "%d min %d s", (int)seconds / 60, (int)seconds % 60);
    else
        snprintf(room, SAY_DURATION_ROOM, "%d h %d min", (int)(seconds / 3600),
                 (int)(seconds / 60) % 60);
    return room;
}

Progress progress_new(const char *what, double total) {
    double now = clock_s();
    /* elsewhere than on a terminal the first line waits until there is something to say */
    return (Progress){.what = what,
                      .total = total,
                      .start_s = now,
                      .shown_s = now,
                      .terminal = say_is_terminal()};
}

static void show(const Progress *progress, const char *note) {
    double part = progress->total > 0 ? progress->done / progress->total : 1;
    part = part < 0 ? 0 : part > 1 ? 1 : part;
    double passed = clock_s() - progress->start_s;
    char left[SAY_DURATION_ROOM];
    say_duration(part > 0.01 ? passed * (1 - part) / part : -1, left);
    if (!progress->terminal) {
        say("%s: %.0f %%, %s left%s%s", progress->what, 100 * part, left, note ? "; " : "",
            note ? note : "");
        return;
    }
    char bar[BAR + 1];
    for (int i = 0; i < BAR; i++)
        bar[i] = i < (int)(part * BAR + 0.5) ? '#' : '.';
    bar[BAR] = '\0';
    fprintf(stderr, "\r\033[K%s [%s] %3.0f %%  %s left  %.60s", progress->what, bar, 100 * part,
            left, note ? note : "");
    fflush(stderr);
}

void progress_set(Progress *progress, double done, const char *note) {
    progress->done = done;
    double now = clock_s();
    if (now - progress->shown_s < (progress->terminal ? 0.2 : 10.0))
        return;
    progress->shown_s = now;
    show(progress, note);
}

void progress_end(Progress *progress) {
    if (progress->terminal)
        fprintf(stderr, "\r\033[K");
}
