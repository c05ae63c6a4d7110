#include "lab/base/io.h"

#include "lab/base/owner.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MARK ".tmp-"

/* The writer's process, 0 when the name is none of a file that is written aside: NAME.tmp-PID or,
 * from gnuplot, NAME.tmp-PID.svg. */
static long writer_of(const char *name) {
    const char *mark = strstr(name, MARK);
    char *end = NULL;
    long pid = mark ? strtol(mark + strlen(MARK), &end, 10) : 0;
    return pid > 0 && (*end == '\0' || *end == '.') ? pid : 0;
}

static void remove_asides(const char *folder, bool (*is_spared)(long pid)) {
    Arena *scratch = arena_new();
    char **names = NULL;
    int n = 0;
    error_end(io_list(&names, &n, folder, scratch)); /* nothing there: nothing to do */
    for (int i = 0; i < n; i++) {
        long pid = writer_of(names[i]);
        if (pid && !(is_spared && is_spared(pid)))
            unlink(arena_print(scratch, "%s/%s", folder, names[i]));
    }
    arena_end(scratch);
}

void io_remove_stale(const char *folder) {
    remove_asides(folder, owner_runs);
}

void io_remove_asides(const char *folder) {
    remove_asides(folder, NULL);
}
