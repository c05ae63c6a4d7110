/* The path of this program. */
#ifndef LAB_CLI_OWN_PATH_H
#define LAB_CLI_OWN_PATH_H

#include "lab/base/arena.h"

const char *own_path(const char *program, Arena *arena); /* `program` where the kernel is silent */

#endif
