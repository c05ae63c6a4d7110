#include "lab/base/io.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The writer's process, 0 when the name is none that io_write gives. */
static long writer_of(const char *name) {
    const char *mark = strstr(name, ".tmp-");
    char *end = NULL;
    long pid = mark ? strtol(mark + 5, &end, 10) : 0;
    return end && end > mark + 5 && *end == '\0' && pid > 0 ? pid : 0;
}

void io_remove_stale(const char *folder) {
    Arena *scratch = arena_new();
    char **names = NULL;
    int n = 0;
    error_end(io_list(&names, &n, folder, scratch)); /* nothing there: nothing to do */
    for (int i = 0; i < n; i++) {
        long pid = writer_of(names[i]);
        if (pid && kill((pid_t)pid, 0) != 0 && errno == ESRCH)
            unlink(arena_print(scratch, "%s/%s", folder, names[i]));
    }
    arena_end(scratch);
}
