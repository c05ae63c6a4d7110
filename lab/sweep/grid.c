#include "lab/sweep/algorithm.h"

/* The last axis varies fastest. A single level stands in the middle. */
static void grid_place(double *u, int n_axes, const int64_t *levels, uint64_t seed, int64_t point) {
    (void)seed;
    for (int axis = n_axes - 1; axis >= 0; axis--) {
        int64_t n = levels[axis], at = point % n;
        u[axis] = n > 1 ? (double)at / (double)(n - 1) : 0.5;
        point /= n;
    }
}

SEARCH_TYPE(grid) = {
    .kind = {.name = "grid",
             .summary = "all combinations of evenly spaced values, ends included",
             .detail = "Each axis with min and max says how many `points` it has, evenly spaced in "
                       "its scale; a list\n"
                       "of values gives all of them. The number of trials is their product, so "
                       "`trials` is not given.\n"
                       "Ends are points too: a best point there says that the space is too small."},
    .counts_levels = true,
    .place = grid_place,
};
