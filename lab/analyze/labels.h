/* Labels: what tells the lines of a figure apart. Cells of one optimizer that stand at the same
 * global batch differ in some settings; those settings name the line. */
#ifndef LAB_ANALYZE_LABELS_H
#define LAB_ANALYZE_LABELS_H

#include "lab/analyze/cells.h"

/* (n_cells) labels: the optimizer's name, then every setting that differs between cells of this
 * optimizer at some common global batch: "momentum, scaling linear". `cells` come grouped by
 * optimizer, those of a search last. What a search chose names no line; its lines are called
 * "momentum, tuned" beside others of the same optimizer. */
const char **labels_make(const Cell *cells, int n_cells, Arena *arena);

/* `label` cut to at most `width` characters, with an ellipsis. */
const char *label_fit(const char *label, int width, Arena *arena);

#endif
