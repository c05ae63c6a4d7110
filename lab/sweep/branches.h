/* The `branch` object of an experiment: every trial of the sweep becomes a trunk, with branches off
 * it at several points (lab/train/branch.h). Branches are trials of their own. */
#ifndef LAB_SWEEP_BRANCHES_H
#define LAB_SWEEP_BRANCHES_H

#include "lab/train/branch.h"
#include "lab/train/trial.h"

typedef struct Branches {
    const Json *where; /* NULL: none */
    ParamCounts at_examples;
    ParamNumbers at_frac; /* of the trunk's budget; one of the two lists is empty */
    ParamCounts factors;
    int64_t examples;
    int lr; /* index of "auto", "linear", ... */
    BranchRule rule;
} Branches;

/* The rows of the object, for the schema; those of the rule: branch_rule_rows. */
extern const Param branches_rows[];

/* Reads the object (NULL: none). Errors (code 2): param_read's; no points, or two lists of them;
 * factors that do not grow. */
Error *branches_read(Branches *out, const Json *object, Arena *arena);
Json *branches_write(const Branches *branches, Arena *arena);

/* Branches of one trunk. */
int branches_count(const Branches *branches);

/* The trial object of branch `index` off the trunk `trial`, whose settings and budget in examples
 * are given. Errors (code 2): a trunk that is a branch itself; a length that is no multiple of the
 * largest batch, so that branches would end at different points. */
Error *branches_point(Json **out, const Branches *branches, int index, const Json *trial,
                      const TrialSettings *settings, double budget, Arena *arena);

/* Adds to an error (NULL stays NULL) which branch it is about. */
Error *branches_blame(Error *error, const Branches *branches, int index);

#endif
