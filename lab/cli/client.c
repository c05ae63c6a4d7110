#include "lab/cli/client.h"

#include "lab/base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

bool client_exists(const char *name) {
    char path[4096];
    const char *rest = getenv("PATH");
    while (rest && *rest) {
        size_t n = strcspn(rest, ":");
        snprintf(path, sizeof path, "%.*s/%s", (int)n, rest, name);
        if (access(path, X_OK) == 0)
            return true;
        rest += n + (rest[n] == ':');
    }
    return false;
}

static const char *listen(int fd, Arena *arena) {
    Text text = text_new(arena);
    char bytes[4096];
    ssize_t n;
    while ((n = read(fd, bytes, sizeof bytes)) > 0 || (n < 0 && errno == EINTR))
        if (n > 0)
            text_add_n(&text, bytes, (size_t)n);
    while (text.n > 0 && text.data[text.n - 1] == '\n')
        text.data[--text.n] = '\0';
    return text.data ? text.data : "";
}

Error *client_run(const char **out, int *code, const char *const *words, Arena *arena) {
    int ends[2] = {-1, -1}, status = 0;
    if (!client_exists(words[0]))
        return error_hint(error_new(CODE_MISSING, "there is no '%s' here", words[0]),
                          "--out FILE writes the job; hand it in where the engine's client is");
    fflush(NULL);
    pid_t pid = !out || pipe(ends) == 0 ? fork() : -1;
    if (pid == 0) {
        if (out)
            dup2(ends[1], STDOUT_FILENO);
        if (out)
            close(ends[0]);
        execvp(words[0], (char *const *)words);
        _exit(127);
    }
    if (out)
        close(ends[1]);
    if (pid > 0 && out)
        *out = listen(ends[0], arena);
    if (out)
        close(ends[0]);
    if (pid < 0)
        return error_new(CODE_INTERNAL, "cannot start '%s': %s", words[0], strerror(errno));
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    *code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return NULL;
}
