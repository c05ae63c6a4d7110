/* Internal to lab/sweep: parts of objects that several emitters make. */
#ifndef LAB_SWEEP_EMIT_H
#define LAB_SWEEP_EMIT_H

#include "lab/sweep/job.h"

/* Appends a text to a list; the list itself from several texts (NULL-terminated). */
void emit_add(Json *list, const char *text, Arena *arena);
Json *emit_list(const char *const *texts, Arena *arena);
/* The job's command from word number `first` on. */
void emit_command(Json *list, const Job *job, int first, Arena *arena);

/* [{"name": ..., "value": ...}] of what the site sets, BATCHLAB_DATA included. */
Json *emit_variables(const Job *job, Arena *arena);
/* The same as {"NAME": "value"}. */
Json *emit_variable_map(const Job *job, Arena *arena);

/* Arguments of mpirun for hosts that the engine has told it: ranks, no binding (containers share
 * cores by quota, not by core), the site's variables. Then the command. */
Json *emit_mpirun(const Job *job, Arena *arena);

/* Arguments for the container's entry `batchlab-ranks`, which starts ranks on hosts that nobody
 * told mpirun of: engine, ranks a node, seconds for a checkpoint and until it
 * is asked for; then the command. */
Json *emit_entry(const Job *job, const char *engine, Arena *arena);

#endif
