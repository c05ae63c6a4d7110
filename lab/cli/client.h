/* An engine's own client (sbatch, kubectl, ...): run, and listened to. */
#ifndef LAB_CLI_CLIENT_H
#define LAB_CLI_CLIENT_H

#include "lab/base/arena.h"
#include "lab/base/error.h"

#include <stdbool.h>

bool client_exists(const char *name); /* in PATH */

/* Runs the words (they end with NULL). *out is what it printed on stdout, without newlines at the
 * end; NULL: it prints to ours. *code is its exit code. Errors: 66 when there is no such program.
 */
Error *client_run(const char **out, int *code, const char *const *words, Arena *arena);

#endif
