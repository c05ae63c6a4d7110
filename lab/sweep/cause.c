#include "lab/sweep/cause.h"

#include "lab/base/say.h"

#include <stdio.h>
#include <string.h>

enum { DASHES = 60 }; /* mpirun's frame is 74 of them */

static bool is_frame(const char *line) {
    size_t n = strspn(line, "-");
    return n >= DASHES && line[n] == '\0';
}

static void end_line(Cause *cause) {
    cause->line[cause->n_line] = '\0';
    size_t n = cause->n_line;
    cause->n_line = 0;
    bool own = cause->framed || strncmp(cause->line, "mpirun: ", 8) == 0;
    if (is_frame(cause->line)) {
        cause->framed = !cause->framed;
    } else if (!own) {
        say("%s", cause->line);
    } else if (n > 0 && cause->n_kept + n + 2 < sizeof cause->kept) {
        memcpy(cause->kept + cause->n_kept, cause->line, n);
        cause->n_kept += n;
        cause->kept[cause->n_kept++] = '\n';
        cause->kept[cause->n_kept] = '\0';
    }
}

void cause_take(Cause *cause, const char *bytes, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] != '\n' && cause->n_line < sizeof cause->line - 1)
            cause->line[cause->n_line++] = bytes[i];
        else
            end_line(cause);
    }
    if (n == 0 && cause->n_line > 0)
        end_line(cause);
}

bool cause_rank(const Cause *cause, char out[CAUSE_ROOM]) {
    int rank, number;
    char node[64];
    const char *died = strstr(cause->kept, "process rank "),
               *left = strstr(cause->kept, "Process name: [["), *code;
    if (died && sscanf(died, "process rank %d with PID %*d on node %63s exited on signal %d", &rank,
                       node, &number) == 3) {
        snprintf(out, CAUSE_ROOM, "rank %d on %s was killed by signal %d", rank, node, number);
        return true;
    }
    if (left && sscanf(left, "Process name: [[%*d,%*d],%d]", &rank) == 1 &&
        (code = strstr(left, "Exit code:")) && sscanf(code, "Exit code: %d", &number) == 1) {
        snprintf(out, CAUSE_ROOM, "rank %d ended with exit code %d", rank, number);
        return true;
    }
    return false;
}
