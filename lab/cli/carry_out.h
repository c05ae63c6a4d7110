/* The body of `run` and `demo`. */
#ifndef LAB_CLI_CARRY_OUT_H
#define LAB_CLI_CARRY_OUT_H

#include "lab/cli/command.h"

/* Plans the experiment `file`, carries it out, gathers, writes the report; the last line of stdout
 * is its path. */
Error *carry_out_file(const char *file, const CommandLine *line, int *code, Arena *arena);

/* Options of run, demo and plan. */
extern const Option carry_out_options[];

#endif
