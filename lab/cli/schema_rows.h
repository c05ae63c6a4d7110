/* Internal to lab/cli: settings rows as pieces of a JSON Schema. */
#ifndef LAB_CLI_SCHEMA_ROWS_H
#define LAB_CLI_SCHEMA_ROWS_H

#include "lab/base/kind.h"

/* An object schema that allows nothing yet; and its `properties`. */
Json *schema_object(const char *description, Arena *arena);
Json *schema_settings(const Json *schema);
void schema_require(Json *schema, const char *key, Arena *arena);

/* Every row as a property: type, range, default, help with unit; rows without a default are
 * required. */
void schema_add_rows(Json *schema, const Param *rows, Arena *arena);

/* {"name": NAME, ...settings...} */
Json *schema_kind(const Kind *kind, Arena *arena);
bool schema_all_optional(const Param *rows);

/* A list of integers that may also be a single one. */
void schema_allow_single(Json *list, Arena *arena);

/* A list of values for every setting below `schema`, by its dotted name behind `prefix`. A setting
 * that several kinds have (weight_decay) may take the values of any of them. `pointer` leads to
 * `schema` from the root. */
void schema_add_axes(Json *axes, const Json *schema, const char *prefix, const char *pointer,
                     Arena *arena);

#endif
