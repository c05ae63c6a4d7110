/* Quality: by which number a cell's results are told and ranked when a target says no more. That is
 * the validation accuracy, unless the cell aims at a loss or has no accuracy: then the validation
 * loss, in nat or, when the target is in bits per byte, in these. */
#ifndef LAB_ANALYZE_QUALITY_H
#define LAB_ANALYZE_QUALITY_H

#include "lab/analyze/cells.h"

/* Best over a run's evaluations, median over seeds: a share, nat, or bits; NaN when unknown. */
double quality_best(const Cell *cell);

/* "validation accuracy", "validation loss", "validation bits per byte". */
const char *quality_noun(const Cell *cell);

/* quality_best with its unit: "97.50 %", "1.325 nat", "2.413 bits". */
const char *quality_text(const Cell *cell, Arena *arena);

/* False when either is unknown. */
bool quality_is_better(const Cell *a, const Cell *b);

#endif
