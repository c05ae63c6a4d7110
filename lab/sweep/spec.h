/* Spec: whether a JSON object is what an engine takes, by a JSON Schema of our own
 * (lab/sweep/specs/TARGET.json). Of JSON Schema: type, enum, required, properties,
 * additionalProperties, items, minItems, maxItems, minimum, maximum, minLength, maxLength, pattern
 * (POSIX extended), $ref into $defs, description. */
#ifndef LAB_SWEEP_SPEC_H
#define LAB_SWEEP_SPEC_H

#include "lab/base/json.h"

/* Errors (code 2) name the place, what is legal, and the nearest name of a misspelt key. */
Error *spec_check(const Json *object, const Json *schema, Arena *arena);

#endif
