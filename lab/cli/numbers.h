/* Numbers that several commands take on their command lines. */
#ifndef LAB_CLI_NUMBERS_H
#define LAB_CLI_NUMBERS_H

#include "lab/cli/command.h"

/* --margin: the fraction of examples that does not matter; GATE_MARGIN when it is not given. Error
 * (2): not from 0 to below 1. */
Error *numbers_margin(double *out, const CommandLine *line);

#endif
