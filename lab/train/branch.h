/* A branch: the same trial until a point, then for a fixed number of examples with `factor` times
 * the batch and factor^lr_power times the rate (Merrill et al. 2025, arXiv 2505.23971;
 * shared/specs/methods.md 2). Everything stays a function of examples seen, so a branch trained
 * from the start has the bits of one that was forked. */
#ifndef LAB_TRAIN_BRANCH_H
#define LAB_TRAIN_BRANCH_H

#include "lab/base/param.h"

typedef struct BranchSettings {
    int64_t at_examples; /* the first update that begins at or past it is the branch's first */
    int64_t factor;      /* of the batch, k */
    double lr_power;     /* of the rate, as a power of k */
    int64_t examples;    /* length; 0: no branch */
} BranchSettings;

extern const Param branch_rows[];

/* `where` is the object they were read from, NULL when there is none. Error (code 2): a branch
 * without a length. */
Error *branch_check(const BranchSettings *settings, const Json *where);

/* k of the update that begins after `examples` seen ones; 1 on the trunk. */
int64_t branch_factor(const BranchSettings *settings, double examples);

/* What the rate of that update is multiplied with. */
double branch_lr_factor(const BranchSettings *settings, double examples);

/* ---- how the branches of one point are compared, which changes no trial */

enum { BRANCH_VALID_LOSS, BRANCH_TRAIN_LOSS };

typedef struct BranchRule {
    int loss;         /* BRANCH_VALID_LOSS, ... */
    double alpha;     /* of the moving average, weight of the newest loss */
    double tolerance; /* nat */
} BranchRule;

extern const Param branch_rule_rows[];

/* The largest of n >= 1 growing batches that is still as good: L_k* <= L_k + tolerance for all
 * k < k*. An infinite or missing (NaN) loss is never good. Returns its index. */
int branch_best(const double *loss, int n, double tolerance);

#endif
