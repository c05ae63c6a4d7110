/* Numbers that several commands take on their command lines. */
#ifndef LAB_CLI_NUMBERS_H
#define LAB_CLI_NUMBERS_H

#include "lab/analyze/targets.h"
#include "lab/cli/command.h"

/* --margin: the fraction of examples that does not matter; GATE_MARGIN when it is not given. Error
 * (2): not from 0 to below 1. */
Error *numbers_margin(double *out, const CommandLine *line);

/* --targets 0.9,0.95: *out is NULL when it is not given. Error (2): not one to TARGETS_MAX numbers;
 * whether they are targets of the runs, only those say (targets_check). */
Error *numbers_targets(const TargetsAsked **out, const CommandLine *line, Arena *arena);

/* The row of a command's options. */
#define NUMBERS_TARGETS_OPTION                                                                     \
    { "--targets", "LIST", "lesser targets to read off the same runs, such as 0.9,0.95" }

#endif
