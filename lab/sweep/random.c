#include "lab/sweep/algorithm.h"

#include "lab/base/rng.h"

static void random_place(double *u, int n_axes, const int64_t *levels, uint64_t seed,
                         int64_t point) {
    (void)levels;
    Rng rng = rng_new(seed, RNG_SEARCH, (uint64_t)1 << 63 | (uint64_t)point);
    for (int axis = 0; axis < n_axes; axis++)
        u[axis] = rng_uniform(&rng);
}

SEARCH_TYPE(random) = {
    .kind = {.name = "random",
             .summary = "independent uniform points",
             .detail = "Uniform in the scale of each axis, by (seed, point). Gaps and clumps come "
                       "with it: halton\n"
                       "covers better with the same number of trials.",
             .reference = "Bergstra, Bengio 2012, JMLR 13"},
    .place = random_place,
};
