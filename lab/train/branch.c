#include "lab/train/branch.h"

#include <math.h>

const Param branch_rows[] = {
    PARAM(COUNT, BranchSettings, at_examples, "0", 0, 1e15, "examples",
          "the trunk's length; the first update at or past it begins the branch"),
    PARAM(COUNT, BranchSettings, factor, "1", 1, 1 << 20, "1",
          "the branch's batch, as a multiple k of the trunk's"),
    PARAM(NUMBER, BranchSettings, lr_power, "0", 0, 1, "1",
          "the branch's rate is the trunk's times k^lr_power"),
    PARAM(COUNT, BranchSettings, examples, "0", 0, 1e15, "examples",
          "the branch's length, where the trial ends; 0: no branch"),
    PARAM_END,
};

Error *branch_check(const BranchSettings *settings, const Json *where) {
    if (!where || settings->examples > 0)
        return NULL;
    return error_hint(json_error(where, "is a branch without a length"),
                      "give its `examples`, or leave the branch out");
}

int64_t branch_factor(const BranchSettings *settings, double examples) {
    bool begun = settings->examples > 0 && examples >= (double)settings->at_examples;
    return begun ? settings->factor : 1;
}

double branch_lr_factor(const BranchSettings *settings, double examples) {
    return pow((double)branch_factor(settings, examples), settings->lr_power);
}

static const char *const loss_names[] = {"valid_loss", "train_loss", NULL};

const Param branch_rule_rows[] = {
    PARAM_FROM(BranchRule, loss, "\"valid_loss\"", loss_names,
               "what branches are compared by: at the evaluations that all share, or every step"),
    PARAM(NUMBER, BranchRule, alpha, "0.5", 0.01, 1, "1",
          "weight of the newest loss in its moving average"),
    PARAM(NUMBER, BranchRule, tolerance, "0.01", 0, 1e6, "nat",
          "a larger batch is as good while its loss is at most this much above"),
    PARAM_END,
};

int branch_best(const double *loss, int n, double tolerance) {
    int best = 0;
    double least = INFINITY; /* of all smaller batches */
    for (int i = 0; i < n; i++) {
        if (loss[i] <= least + tolerance && isfinite(loss[i]))
            best = i;
        least = fmin(least, loss[i]);
    }
    return best;
}
