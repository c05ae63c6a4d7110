#include "lab/analyze/gnuplot.h"

#include "lab/base/home.h"
#include "lab/base/io.h"
#include "lab/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The program in the user's PATH; the child itself gets a fixed environment. NULL when there is
 * none. */
static const char *find_gnuplot(Arena *arena) {
    const char *path = getenv("PATH");
    if (!path)
        path = "/usr/bin:/bin";
    while (*path) {
        size_t n = strcspn(path, ":");
        const char *candidate = arena_print(arena, "%.*s/gnuplot", (int)n, path);
        if (n > 0 && access(candidate, X_OK) == 0)
            return candidate;
        path += n + (path[n] == ':');
    }
    return NULL;
}

/* Reads `fd` to its end. */
static const char *drain(int fd, Arena *arena) {
    Text text = text_new(arena);
    char buffer[4096];
    for (;;) {
        ssize_t n = read(fd, buffer, sizeof buffer);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return text.data;
        text_add_n(&text, buffer, (size_t)n);
    }
}

/* Starts `args`; what it writes to stderr comes out of `said_fd`. */
static Error *start(Gnuplot *out, const char *const *args) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return error_new(CODE_INTERNAL, "pipe: %s", strerror(errno));
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
    char *const environment[] = {"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "HOME=/nonexistent", NULL};
    sigset_t none;
    posix_spawnattr_t how; /* it hears what a rank that trained blocks */
    sigemptyset(&none);
    posix_spawnattr_init(&how);
    posix_spawnattr_setsigmask(&how, &none);
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK);
    int failed = posix_spawn(&out->child, args[0], &actions, &how, (char *const *)(uintptr_t)args,
                             environment);
    posix_spawnattr_destroy(&how);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    out->said_fd = ends[0];
    if (!failed)
        return NULL;
    close(ends[0]);
    return error_new(CODE_INTERNAL, "starting '%s': %s", args[0], strerror(failed));
}

/* Waits; *status is the exit status (-1: a signal), *said what it wrote to stderr. */
static Error *finish(int *status, const char **said, const Gnuplot *gnuplot, Arena *arena) {
    *said = drain(gnuplot->said_fd, arena);
    close(gnuplot->said_fd);
    int code;
    while (waitpid(gnuplot->child, &code, 0) < 0)
        if (errno != EINTR)
            return error_new(CODE_INTERNAL, "waiting for gnuplot: %s", strerror(errno));
    *status = WIFEXITED(code) ? WEXITSTATUS(code) : -1;
    return NULL;
}

Error *gnuplot_begin(Gnuplot *out, const char *script, const char *table, const char *base,
                     const char *format, Arena *arena) {
    const char *program = find_gnuplot(arena);
    if (!program)
        return error_hint(
            error_new(CODE_MISSING, "there is no gnuplot on this machine; the tables are written"),
            "apt-get install gnuplot-nox, then `batchlab report` again");
    const char *path = home_file(arena_print(arena, "plots/%s.gp", script), BATCHLAB_PREFIX,
                                 BATCHLAB_SOURCE, arena);
    if (!io_exists(path))
        return error_new(CODE_MISSING, "there is no script '%s'", path);
    /* the script goes by the end of the name */
    char *aside = arena_alloc(arena, IO_PATH_ROOM);
    if (!io_aside(aside, base, format))
        return error_new(CODE_IO, "the name '%s' is too long", base);
    out->aside = aside;
    out->path = arena_print(arena, "%s.%s", base, format);
    const char *const args[] = {program, "-d", "-c", path, table, out->aside, NULL};
    return start(out, args);
}

Error *gnuplot_end(const Gnuplot *gnuplot, Arena *arena) {
    int status = -1;
    const char *said = "";
    PASS(finish(&status, &said, gnuplot, arena));
    if (status != 0 || !io_exists(gnuplot->aside)) {
        unlink(gnuplot->aside);
        return error_new(CODE_INTERNAL, "gnuplot left with status %d: %s", status, said);
    }
    return io_publish(IO_DERIVED, gnuplot->aside, gnuplot->path);
}
