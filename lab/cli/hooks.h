/* `--pull COMMAND` and `--push COMMAND`: the user's own commands that bring results from somewhere
 * before a run and back after it (rclone, aws s3, gsutil, rsync). */
#ifndef LAB_CLI_HOOKS_H
#define LAB_CLI_HOOKS_H

#include "lab/cli/command.h"

#include <signal.h>

typedef struct Hooks {
    const char *pull, *push;           /* for sh -c; NULL: none */
    const char *results;               /* the root, as given */
    const volatile sig_atomic_t *stop; /* ends a pull */
    const char *begun; /* the experiment: something may have changed here. Set by the caller */
} Hooks;

/* What the line asks for. For the one process that a person or an engine started, or rank 0. */
Hooks hooks_of(const CommandLine *line, const char *results, const volatile sig_atomic_t *stop);

/* Makes the experiment's folder and runs the pull, if there is one. Errors: 66 when it fails, 85
 * when it was stopped; nothing has begun then. */
Error *hooks_pull(const Hooks *hooks, const char *experiment, Arena *arena);

/* Runs the push when something has begun, also after an error; `code` is the exit code without one.
 * A push that fails is tried once more. Returns `error`, or the push's (code 74) after printing
 * the other one. */
Error *hooks_push(const Hooks *hooks, Error *error, int code, Arena *arena);

#endif
