#include "lab/sweep/algorithm.h"

#include "lab/base/rng.h"

#include <assert.h>

enum { MAX_BASE = 131 };

static const uint32_t primes[SEARCH_MAX_AXES] = {
    2,  3,  5,  7,  11, 13, 17, 19, 23, 29,  31,  37,  41,  43,  47,  53,
    59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113, 127, MAX_BASE};

/* Where digit `digit` of position k goes: a uniformly random permutation of 0 .. base-1 for each
 * axis and position. */
static uint32_t permuted(uint32_t digit, uint32_t base, uint64_t seed, int axis, int k) {
    uint32_t order[MAX_BASE];
    Rng rng = rng_new(seed, RNG_SEARCH, (uint64_t)axis << 32 | (uint64_t)k);
    for (uint32_t i = 0; i < base; i++) { /* Fisher and Yates, inside out */
        uint32_t j = rng_below(&rng, i + 1);
        order[i] = order[j];
        order[j] = i;
    }
    return order[digit];
}

/* Radical inverse of `point` with permuted digits, the endless zeros in front of it included, down
 * to 2^-32. */
static double inverse(int64_t point, uint32_t base, uint64_t seed, int axis) {
    double u = 0, place = 1;
    for (int k = 0; place > 0x1p-32; k++, point /= base) {
        place /= base;
        u += place * permuted((uint32_t)(point % base), base, seed, axis, k);
    }
    return u;
}

static void halton_place(double *u, int n_axes, const int64_t *levels, uint64_t seed,
                         int64_t point) {
    (void)levels;
    assert(n_axes <= SEARCH_MAX_AXES);
    for (int axis = 0; axis < n_axes; axis++)
        u[axis] = inverse(point, primes[axis], seed, axis);
}

SEARCH_TYPE(halton) = {
    .kind =
        {.name = "halton",
         .summary = "quasi-random points that fill the space evenly, whatever their number",
         .detail =
             "Axis j in base p_j, the j-th prime: the digits of the point's number, mirrored at "
             "the point.\n"
             "Every digit is permuted at random, by (seed, axis, position): without that, axes "
             "with\n"
             "large primes run along each other for the first points (bad from about six axes "
             "on), and\n"
             "no seed could be another sample. On each axis every p_j points in a row fall into "
             "p_j\n"
             "different intervals of equal length.",
         .reference = "Halton 1960; Owen 2017, A randomized Halton algorithm in R, "
                      "arXiv 1706.02808"},
    .place = halton_place,
};
