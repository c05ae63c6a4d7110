/* Files that are written aside: their names, and what becomes of those that dead processes left. */
#include "lab/base/io.h"

#include "lab/base/owner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MARK ".tmp-"
#define FOREIGN_S 86400.0 /* nobody writes one file for that long */

bool io_aside(char out[IO_PATH_ROOM], const char *path, const char *extension) {
    char place[OWNER_PLACE_ROOM];
    owner_place(place);
    return snprintf(out, IO_PATH_ROOM, "%s" MARK "%ld-%s%s%s", path, (long)getpid(), place,
                    extension ? "." : "", extension ? extension : "") < IO_PATH_ROOM;
}

typedef struct Writer {
    long pid;
    char place[OWNER_PLACE_ROOM]; /* "": an older program's, taken for this host's */
} Writer;

/* False when the name is none of a file that is written aside. */
static bool read_writer(Writer *out, const char *name) {
    const char *mark = strstr(name, MARK);
    char *end = NULL;
    *out = (Writer){.pid = mark ? strtol(mark + strlen(MARK), &end, 10) : 0};
    if (out->pid <= 0)
        return false;
    if (*end == '-' && strspn(end + 1, "0123456789abcdef") == OWNER_PLACE_ROOM - 1) {
        memcpy(out->place, end + 1, OWNER_PLACE_ROOM - 1);
        end += OWNER_PLACE_ROOM;
    }
    return *end == '\0' || *end == '.';
}

static bool is_old(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && difftime(time(NULL), info.st_mtim.tv_sec) > FOREIGN_S;
}

/* Somebody may still be writing it. */
static bool may_grow(const Writer *writer, const char *path) {
    char here[OWNER_PLACE_ROOM];
    owner_place(here);
    if (*writer->place && strcmp(writer->place, here) != 0)
        return !is_old(path);
    return owner_runs(writer->pid);
}

static void remove_asides(const char *folder, bool all) {
    Arena *scratch = arena_new();
    char **names = NULL;
    int n = 0;
    error_end(io_list(&names, &n, folder, scratch)); /* nothing there: nothing to do */
    for (int i = 0; i < n; i++) {
        Writer writer;
        const char *path = arena_print(scratch, "%s/%s", folder, names[i]);
        if (read_writer(&writer, names[i]) && (all || !may_grow(&writer, path)))
            unlink(path);
    }
    arena_end(scratch);
}

void io_remove_stale(const char *folder) {
    remove_asides(folder, false);
}

void io_remove_asides(const char *folder) {
    remove_asides(folder, true);
}
