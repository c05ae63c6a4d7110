/* Internal to lab/sweep: one cell of a search, its points as trial objects. */
#ifndef LAB_SWEEP_CELL_H
#define LAB_SWEEP_CELL_H

#include "lab/sweep/expand.h"
#include "lab/sweep/search.h"

/* Prepares the search of one point of the sweep, `object` (changed: it gets values where only the
 * search has them). The cell's id and goal come later (cell_identify). Errors: an axis that the
 * sweep sets too, that its optimizer does not have, that reaches out of its setting's range, ... */
Error *cell_new(SweepCell *out, const Search *search, Json *object, const Expansion *expansion,
                Arena *arena);

/* The trial object of a point. */
Error *cell_point(Json **out, const SweepCell *cell, const Json *object, int point, Arena *arena);

/* Hash of the config without the searched settings; `config` is that of any point. */
void cell_identify(SweepCell *cell, const TrialSettings *settings, const char *data_sha256,
                   Arena *arena);

/* Adds to an error (NULL stays NULL) which point it is. */
Error *cell_blame(Error *error, const SweepCell *cell, int point, Arena *arena);

/* Values that only the search gives (a base rate that stands nowhere else), for reading the trial
 * as it is in the file. */
Error *cell_complete(Json *object, const Search *search, Arena *arena);

#endif
