#include "optim/schedule.h"

static double none_factor(const void *settings, double k) {
    (void)settings, (void)k;
    return 1;
}

SCALING_TYPE(none) = {
    .kind =
        {.name = "none",
         .summary = "the same learning rate at every batch",
         .detail =
             "lr = base\n"
             "\n"
             "The control, and the right choice when the rate is tuned at every batch. Without\n"
             "tuning, a large batch then makes no better use of its smaller noise."},
    .factor = none_factor,
};
