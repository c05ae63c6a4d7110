#include "lab/cli/hooks.h"

#include "lab/base/io.h"
#include "lab/base/say.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PUSH_PAUSE_S = 1, LOOK_US = 20000 };

Hooks hooks_of(const CommandLine *line, const char *results, const volatile sig_atomic_t *stop) {
    return (Hooks){.pull = command_option(line, "--pull"),
                   .push = command_option(line, "--push"),
                   .results = results,
                   .stop = stop};
}

/* ---- one command */

static const char *absolute(const char *path, Arena *arena) {
    char *room = arena_alloc(arena, PATH_MAX);
    return realpath(path, room) ? room : path;
}

/* In the child between fork and exec. It has a group of its own, so that it is stopped with all
 * that it starts, and by us alone. Its stdout is our stderr: the last line of ours is the report's
 * path. Ranks block signals, and a command should hear them. */
static void become(const char *command, const char *root, const char *experiment, int code) {
    char number[16], folder[PATH_MAX];
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setpgid(0, 0);
    dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    setenv("BATCHLAB_RESULTS", root, 1);
    setenv("BATCHLAB_EXPERIMENT", experiment, 1);
    snprintf(folder, sizeof folder, "%s/%s", root, experiment);
    setenv("BATCHLAB_FOLDER", folder, 1);
    snprintf(number, sizeof number, "%d", code);
    if (code >= 0)
        setenv("BATCHLAB_EXIT", number, 1);
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

/* Its exit code, as a shell tells it. Asks it to stop once when we are asked (`stop` may be NULL).
 */
static int wait_for(pid_t pid, const volatile sig_atomic_t *stop) {
    int status = 0;
    bool told = false;
    for (;;) {
        pid_t gone = waitpid(pid, &status, WNOHANG);
        if (gone == pid)
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        if (gone < 0 && errno != EINTR)
            return 127;
        if (stop && *stop && !told)
            told = kill(-pid, SIGTERM) == 0;
        usleep(LOOK_US);
    }
}

/* `code` < 0: before the run. */
static Error *run_hook(int *ended, const Hooks *hooks, const char *command, const char *experiment,
                       int code, Arena *arena) {
    const char *root = absolute(hooks->results, arena);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        become(command, root, experiment, code);
    if (pid < 0)
        return error_new(CODE_INTERNAL, "cannot start '%s': %s", command, strerror(errno));
    setpgid(pid, pid);
    *ended = wait_for(pid, code < 0 ? hooks->stop : NULL);
    return NULL;
}

/* ---- before and after */

Error *hooks_pull(const Hooks *hooks, const char *experiment, Arena *arena) {
    int ended = 0;
    if (!hooks->pull)
        return NULL;
    PASS(io_folder(arena_print(arena, "%s/%s", hooks->results, experiment)));
    PASS(run_hook(&ended, hooks, hooks->pull, experiment, -1, arena));
    if (*hooks->stop)
        return error_hint(error_new(CODE_STOPPED, "stopped on request during the pull"),
                          "nothing has begun; the same command starts again");
    if (ended == 0)
        return NULL;
    return error_hint(
        error_new(CODE_MISSING, "the pull '%s' ended with exit code %d", hooks->pull, ended),
        "nothing has begun: without the results so far all of them would be made again; its own "
        "words stand above");
}

Error *hooks_push(const Hooks *hooks, Error *error, int code, Arena *arena) {
    int ended = 0;
    if (!hooks->push || !hooks->begun)
        return error;
    code = error ? error_code(error) : code;
    Error *failed = run_hook(&ended, hooks, hooks->push, hooks->begun, code, arena);
    if (!failed && ended != 0) {
        say("the push ended with exit code %d; once more", ended);
        sleep(PUSH_PAUSE_S);
        failed = run_hook(&ended, hooks, hooks->push, hooks->begun, code, arena);
    }
    if (!failed && ended == 0)
        return error;
    if (error) {
        error_print(error, stderr);
        error_end(error);
    }
    if (failed)
        return failed;
    return error_hint(
        error_new(CODE_IO, "the push '%s' ended with exit code %d, twice", hooks->push, ended),
        "nothing is lost here, '%s/%s' holds it all: the same command does what is left, then "
        "pushes again",
        hooks->results, hooks->begun);
}
