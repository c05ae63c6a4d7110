/* What a person sees while a command works: lines on stderr, a progress bar on a terminal, a line
 * now and then elsewhere. Nothing is coloured. */
#ifndef LAB_BASE_SAY_H
#define LAB_BASE_SAY_H

#include <stdbool.h>
#include <stdint.h>

void say(const char *format, ...) __attribute__((format(printf, 1, 2))); /* one line on stderr */
bool say_is_terminal(void);

typedef struct Progress {
    const char *what;
    double total; /* work units, any scale */
    double done;
    double start_s, shown_s;
    bool terminal;
} Progress;

Progress progress_new(const char *what, double total);
/* Shows the state with an ETA when enough time has passed; `note` may be NULL. */
void progress_set(Progress *progress, double done, const char *note);
void progress_end(Progress *progress);

/* "3.2 s", "4 min 10 s", "2 h 5 min" */
#define SAY_DURATION_ROOM 32
const char *say_duration(double seconds, char room[SAY_DURATION_ROOM]);

#endif
