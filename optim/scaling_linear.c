#include "optim/schedule.h"

static double linear_factor(const void *settings, double k) {
    (void)settings;
    return k;
}

SCALING_TYPE(linear) = {
    .kind =
        {.name = "linear",
         .summary = "learning rate in proportion to the batch",
         .detail =
             "lr = base * k,   k = global_batch / base_batch\n"
             "\n"
             "For SGD and momentum while the gradient is mostly noise: k small steps are then one\n"
             "large step. Fails past the critical batch, or as soon as the rate passes what the\n"
             "curvature allows; a warmup moves that line, it does not remove it.",
         .reference = "Krizhevsky 2014 (arXiv 1404.5997); Goyal et al. 2017 (arXiv 1706.02677)"},
    .factor = linear_factor,
};
