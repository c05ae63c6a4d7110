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
    bool has_target;
    int n;                  /* runs that ended by themselves */
    double *examples;       /* (n) to the target, NaN: missed */
    const char **seed;      /* (n) */
    const char **digest;    /* (n) trajectory_sha256 */
    const Json *provenance; /* of the machine that measured, NULL: not known */
    double quantum; /* examples between evaluations, what a result is rounded up to; 0: not known */
    /* What only runs say, and a file does not: */
    int n_unfinished;     /* runs beside the n: failed, interrupted */
    double budget;        /* examples after which a run gives up; 0: not known */
    double compute_s;     /* that the runs trained, all together */
    double best_accuracy; /* median of the runs' best on validation; NaN: not known */
} ReferenceCell;

typedef struct Reference {
    const char *experiment;
    const Json *provenance;
    int n_cells;
    ReferenceCell *cells;
} Reference;

/* What `cells` would be as a reference: every one, those without a target too. Failed and
 * interrupted runs say nothing about training and are left out. `provenance` is of the machine that
 * measured, NULL: the first run's. `cells` must outlive the result. */
Reference reference_of(const char *experiment, const Cells *cells, const Json *provenance,
                       Arena *arena);

/* Errors: missing (66, with the hint --update), malformed (2). */
Error *reference_load(Reference *out, const char *path, Arena *arena);

/* Every cell that has a target. */
Error *reference_write(const char *path, const Reference *reference, Arena *arena);

/* Every setting of `known` stands in `now` with the same value; where data lie is no setting. */
bool reference_covers(const Json *known, const Json *now);

/* The reference cell whose settings are all the cell's own; settings that the reference does not
 * know are let pass, because a newer program has more of them. NULL when there is none. */
const ReferenceCell *reference_find(const Reference *reference, const ReferenceCell *cell);

/* "lr.base (0.02 for 0.01), ...": the settings in which a cell departs from a reference cell. */
const char *reference_differences(const ReferenceCell *known, const ReferenceCell *cell,
                                  Arena *arena);

#endif
