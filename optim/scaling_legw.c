#include "optim/schedule.h"

#include <math.h>

static double legw_factor(const void *settings, double k) {
    (void)settings;
    return sqrt(k);
}

static double legw_stretch(const void *settings, double k) {
    (void)settings;
    return k;
}

SCALING_TYPE(legw) = {
    .kind = {.name = "legw",
             .summary = "square root of the batch, and a warmup of as many times more epochs",
             .detail =
                 "lr = base * sqrt(k),   warmup epochs = given epochs * k\n"
                 "k = global_batch / base_batch\n"
                 "\n"
                 "The warmup keeps its number of updates when the batch grows; one that is given\n"
                 "in steps is left alone for that reason. At a large k it eats the budget: plan\n"
                 "shows how long it is.",
             .reference = "You et al. 2019 (arXiv 1901.08256), linear-epoch gradual warmup"},
    .factor = legw_factor,
    .stretch = legw_stretch,
};
