#include "optim/schedule.h"

#include <math.h>

static double sqrt_factor(const void *settings, double k) {
    (void)settings;
    return sqrt(k);
}

SCALING_TYPE(sqrt) = {
    .kind =
        {.name = "sqrt",
         .summary = "learning rate with the square root of the batch",
         .detail =
             "lr = base * sqrt(k),   k = global_batch / base_batch\n"
             "\n"
             "Keeps the variance of one update constant; for Adam-like rules (LAMB), whose step\n"
             "does not grow with the gradient. For SGD it is careful and wastes examples while "
             "the\n"
             "gradient is mostly noise.",
         .reference = "Krizhevsky 2014; Hoffer et al. 2017 (arXiv 1705.08741)"},
    .factor = sqrt_factor,
};
