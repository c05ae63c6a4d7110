/* Pinning the instruction set of the libraries (trial.isa). They read the environment when they load, so a process that has
 * not been started with it cannot be pinned any more. */
#ifndef LAB_SWEEP_ISA_H
#define LAB_SWEEP_ISA_H

#include "lab/base/error.h"

/* Sets the environment for a program that is about to be started; NULL: whatever the machine has. */
void isa_set(const char *isa);

/* Error (code 2) when this process was not started with `isa` pinned. */
Error *isa_check(const char *isa);

#endif
