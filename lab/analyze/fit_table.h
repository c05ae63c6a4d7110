/* `batchlab fit --table`: the hyperbola through any table of measurements. */
#ifndef LAB_ANALYZE_FIT_TABLE_H
#define LAB_ANALYZE_FIT_TABLE_H

#include "lab/analyze/hyperbola.h"
#include "lab/base/error.h"
#include "lab/base/json.h"

/* Reads the columns global_batch and examples_to_target (any unit, decimals allowed) and fits them.
 * A row without a number in examples_to_target missed the target: its whole batch stays out of the
 * fit, with a warning. Errors: no file (66); no such column, no number, not positive, fewer than
 * three batches (2), with line and hint. */
Error *fit_table(Hyperbola *out, const char *path, HyperbolaWeights weights, Arena *arena);

/* Fits points of which some missed (examples NaN); batches with a miss stay out, with a warning.
 * *n_batches is the number that is left; below three nothing was fitted. */
Hyperbola fit_censored(int *n_batches, const double *batch, const double *examples, int n,
                       HyperbolaWeights weights, Arena *arena);

/* One object: E_min, S_min, B_crit with _lo and _hi (null where unknown), R2, ..., `unidentified`
 * only when it is, `warnings`. */
Json *fit_json(const Hyperbola *fit, Arena *arena);

/* The same, a line a number, for people. */
const char *fit_text(const Hyperbola *fit, Arena *arena);

#endif
