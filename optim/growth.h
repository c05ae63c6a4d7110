/* Growing the batch instead of decaying the rate (Smith et al. 2018, arXiv 1711.00489): at each point where the rate would
 * drop, the batch grows by the same factor, until it would pass the cap; from then on the rate drops. */
#ifndef OPTIM_GROWTH_H
#define OPTIM_GROWTH_H

#include <stdint.h>

typedef struct Growth {
    int64_t global_batch;
    double lr_factor;
} Growth;

/* After `n_points` points, from `first_batch` and rate factor 1. A batch that equals the cap is allowed. */
static inline Growth growth_at(int64_t first_batch, int64_t cap, int64_t factor, int n_points) {
    Growth growth = {.global_batch = first_batch, .lr_factor = 1};
    for (int i = 0; i < n_points; i++) {
        if (growth.global_batch <= cap / factor)
            growth.global_batch *= factor;
        else
            growth.lr_factor /= (double)factor;
    }
    return growth;
}

#endif
