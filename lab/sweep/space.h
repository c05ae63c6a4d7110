/* Internal to lab/sweep: the space of a search, that is its axes, checked against the settings they
 * are axes of. */
#ifndef LAB_SWEEP_SPACE_H
#define LAB_SWEEP_SPACE_H

#include "lab/store/search_axis.h"
#include "lab/sweep/algorithm.h"
#include "lab/train/trial.h"

typedef struct Space {
    int n_axes;
    SearchAxis axis[SEARCH_MAX_AXES];   /* by name: the order of a file's lines changes no point */
    int64_t levels[SEARCH_MAX_AXES];    /* of a choice, or of a grid's axis; 0: none */
    const Json *where[SEARCH_MAX_AXES]; /* the axis in the file */
} Space;

/* The rows of one axis with min and max, for the schema. */
const Param *space_axis_rows(void);

/* Why a search may not set `name`: "sweep it: ..."; NULL: it may. */
const char *space_refusal(const char *name);

/* Reads `space` as it is for one optimizer: `own` (NULL: none) replaces axes and adds some; null
 * takes one away. Errors: a name that is no search's to set, min not below max, a logarithm of what
 * has none, an empty list, no axis at all, ... */
Error *space_read(Space *out, const SearchType *algorithm, const Json *space, const Json *own,
                  Arena *arena);

/* Sets what each axis begins with (min, or the first value) in a trial object. */
Error *space_begin(Json *trial, const Space *space, Arena *arena);

/* Compares the axes with the rows of the settings they are axes of: legal ranges, and which take
 * whole numbers. `settings` was read with space_begin. */
Error *space_check(Space *space, const TrialSettings *settings, Arena *arena);

/* Errors that trial_read would word less well: an axis of an optimizer's setting that this one
 * does not have. */
Error *space_fits(const Space *space, const OptimType *optimizer);

/* Points of a grid. */
int64_t space_points(const Space *space);

/* Values of a point, by axis (n_axes). They stand where their axis stands. */
void space_point(const Json **values, const Space *space, const SearchType *algorithm,
                 uint64_t seed, int64_t point, Arena *arena);

/* Sets one axis of a trial object. A kind that is only a name there becomes an object. */
Error *space_set(Json *trial, const SearchAxis *axis, const Json *value, Arena *arena);

#endif
