/* The body of `run` and `demo`. */
#ifndef LAB_CLI_CARRY_OUT_H
#define LAB_CLI_CARRY_OUT_H

#include "lab/cli/command.h"
#include "lab/sweep/plan.h"

/* Plans the experiment `file`, carries it out, gathers, writes the report; the last line of stdout
 * is its path. */
Error *carry_out_file(const char *file, const CommandLine *line, int *code, Arena *arena);

/* The same without gathering and reporting, for commands that look at the runs themselves: fills
 * experiment and plan; `rerun` as plan_new. Not for ranks that somebody else started (code 2). */
Error *carry_out_runs(Plan *plan, Experiment *experiment, const char *file, const CommandLine *line,
                      const char *rerun, Arena *arena);

/* Options of run, demo and plan. */
extern const Option carry_out_options[];

#endif
