#include "lab/base/home.h"

#include "lab/base/io.h"

#include <string.h>
#include <unistd.h>

#define SHARE "share/batchlab"

/* PREFIX of PREFIX/bin/PROGRAM; NULL when the program stands elsewhere. */
static const char *own_prefix(Arena *arena) {
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n <= 0)
        return NULL;
    path[n] = '\0';
    for (int up = 0; up < 2; up++) { /* the program's name, then bin */
        char *slash = strrchr(path, '/');
        if (!slash || (up == 1 && strcmp(slash, "/bin") != 0))
            return NULL;
        *slash = '\0';
    }
    return arena_copy(arena, path);
}

const char *home_file(const char *file, const char *prefix, const char *source, Arena *arena) {
    const char *const prefixes[] = {own_prefix(arena), prefix};
    for (int i = 0; i < 2; i++) {
        if (!prefixes[i])
            continue;
        const char *path = arena_print(arena, "%s/" SHARE "/%s", prefixes[i], file);
        if (io_exists(path))
            return path;
    }
    return arena_print(arena, "%s/%s", source, file);
}
