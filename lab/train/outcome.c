#include "lab/train/record.h"

#include <math.h>

const char *outcome_name(Outcome outcome) {
    static const char *const name[OUTCOME_N] = {"reached", "budget_spent", "diverged", "failed",
                                                "interrupted"};
    return name[outcome];
}

RunSummary run_summary_new(Outcome outcome) {
    return (RunSummary){.outcome = outcome,
                        .steps_to_target = NAN,
                        .examples_to_target = NAN,
                        .seconds_to_target = NAN,
                        .final_valid_accuracy = NAN,
                        .best_valid_accuracy = NAN,
                        .final_test_accuracy = NAN,
                        .test_accuracy_at_best_valid = NAN,
                        .final_valid_loss = NAN,
                        .best_valid_loss = NAN};
}
