/* `--share K/N`: what one element of a job array carries out. */
#ifndef LAB_CLI_SHARE_H
#define LAB_CLI_SHARE_H

#include "lab/cli/command.h"
#include "lab/sweep/experiment.h"

/* Cuts the experiment down to its share when the line has one. Errors (code 2): no K/N, or none of
 * the experiment's. */
Error *share_take(Experiment *experiment, const CommandLine *line, Arena *arena);

#endif
