#include "lab/train/record.h"

const char *outcome_name(Outcome outcome) {
    static const char *const name[OUTCOME_N] = {"reached", "budget_spent", "diverged", "failed",
                                                "interrupted"};
    return name[outcome];
}
