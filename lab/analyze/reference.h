/* Reference: what a cell needed when somebody said that training was right: examples to the target
 * and trajectory digest of every seed, with provenance. One JSON file an experiment, in
 * experiments/reference/. */
#ifndef LAB_ANALYZE_REFERENCE_H
#define LAB_ANALYZE_REFERENCE_H

#include "lab/analyze/cells.h"

typedef struct ReferenceCell {
    const Json *config; /* the cell's settings */
    const char *label;  /* its series */
    int64_t global_batch;
    int n;
    double *examples;    /* (n) to the target, NaN: missed */
    const char **seed;   /* (n) */
    const char **digest; /* (n) trajectory_sha256 */
} ReferenceCell;

typedef struct Reference {
    const char *experiment;
    const Json *provenance;
    int n_cells;
    ReferenceCell *cells;
} Reference;

/* Errors: missing (66, with the hint --update), malformed (2). */
Error *reference_load(Reference *out, const char *path, Arena *arena);

/* Every cell that has a target. `provenance` is of the machine that measured. */
Error *reference_write(const char *path, const char *experiment, const Cells *cells,
                       const Json *provenance, Arena *arena);

/* The reference cell whose settings are all the cell's own; settings that the reference does not
 * know are let pass, because a newer program has more of them. NULL when there is none. */
const ReferenceCell *reference_find(const Reference *reference, const Cell *cell);

/* "lr.base (0.02 for 0.01), ...": the settings in which a cell departs from a reference cell. */
const char *reference_differences(const ReferenceCell *known, const Cell *cell, Arena *arena);

/* Examples to the target of a run, NaN when it missed. */
double reference_examples(const RunRecord *run);

#endif
