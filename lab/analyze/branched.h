/* Branched: the critical batch by branched training (Merrill et al. 2025, arXiv 2505.23971). Of
 * branches that leave one trunk at one point and see the same number of examples, the largest batch
 * whose loss is at most `tolerance` above that of every smaller one. */
#ifndef LAB_ANALYZE_BRANCHED_H
#define LAB_ANALYZE_BRANCHED_H

#include "lab/analyze/cells.h"
#include "lab/analyze/hyperbola.h"
#include "lab/analyze/table.h"
#include "lab/train/branch.h"

/* The branches of one batch. */
typedef struct BranchedPoint {
    int64_t factor;
    double loss, low, high; /* smoothed, at the end: mean, smallest and largest over the seeds;
                               infinite: diverged */
} BranchedPoint;

/* All branches that leave one trunk at one point. */
typedef struct Branched {
    const char *label;    /* of the trunk's series */
    const Cell *trunk;    /* NULL: not among the results */
    int64_t global_batch; /* of the trunk */
    int64_t at_examples;  /* where they leave it */
    int64_t examples;     /* their length */
    int n_seeds;          /* that have all branches */
    int n_seeds_left_out;
    int n_points;
    BranchedPoint *point; /* (n_points) by factor */
    int best;             /* index of k* of the mean losses */
    double batch;         /* k* times the trunk's batch; NaN: no seed has all branches */
    Interval range; /* smallest k* of a seed or the mean, and the next factor above the largest:
                       the critical batch lies between; high NaN: the largest was still as good */
} Branched;

typedef struct Brancheds {
    int n;
    Branched *branched; /* (n) in the order of the series, then by trunk and point */
    BranchRule rule;
} Brancheds;

/* True for a run of a branch: it belongs to no cell. */
bool branched_is(const RunRecord *run);

/* From the full runs among `runs` (n). `rule`: the experiment's `branch` object, NULL for its
 * defaults; settings that do not read are defaults too. */
Brancheds branched_make(const RunRecord *runs, int n, const Cells *cells, const Json *rule,
                        Arena *arena);

/* The loss of one branch by the rule; NaN when it has none. `shared` (n_shared) are the examples
 * at which all branches of the point were evaluated. */
double branched_loss(const RunRecord *run, const BranchRule *rule, const int64_t *shared,
                     int n_shared);

/* The row of one point in critical_table. */
void branched_add_row(Table *out, const Branched *branched, const BranchRule *rule, Arena *arena);

#endif
