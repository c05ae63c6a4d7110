/* The grammar of experiments as a JSON Schema, made from the settings rows; `batchlab list
 * --schema` prints it. */
#ifndef LAB_CLI_SCHEMA_H
#define LAB_CLI_SCHEMA_H

#include "lab/base/json.h"

/* Draft-07. Axes of the sweep refer to the settings that they replace by JSON pointers, so nothing
 * stands twice. */
Json *schema_make(Arena *arena);

#endif
