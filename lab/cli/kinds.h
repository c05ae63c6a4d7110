/* Every registry of the program, for `list` and `explain`. */
#ifndef LAB_CLI_KINDS_H
#define LAB_CLI_KINDS_H

#include "lab/cli/command.h"

typedef struct KindGroup {
    const char *noun, *plural; /* "optimizer", "optimizers" */
    const Kind *const *table;
    int n;
} KindGroup;

const KindGroup *kind_groups(int *n);

#endif
