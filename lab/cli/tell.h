/* `--tell METRIC`: what a tuning service hears of a run. */
#ifndef LAB_CLI_TELL_H
#define LAB_CLI_TELL_H

#include "lab/sweep/plan.h"

/* Errors (code 2): no such metric (`examples_to_target`, `valid_accuracy`, `valid_loss`), or a plan
 * of several trials. NULL: nothing is to be told. */
Error *tell_check(const Plan *plan, const char *metric);

/* After the run: "batchlab: METRIC = VALUE" on stderr, and where Vertex AI started it
 * ($CLOUD_ML_TRIAL_ID) the line in $CLOUD_ML_HP_METRIC_FILE that its tuner reads. A run that
 * diverged or missed the target tells nothing: a service that hears nothing calls it infeasible. */
Error *tell_metric(const Plan *plan, const char *metric, Arena *arena);

#endif
