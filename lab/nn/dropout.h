/* Dropout (Srivastava et al. 2014, inverted) by counter-based random numbers: whether an element is
 * dropped is a function of (seed, step, position of its example in the global batch, site, element)
 * alone, so forward and backward agree without storing it and no layout or mini-batch changes it.
 */
#ifndef LAB_NN_DROPOUT_H
#define LAB_NN_DROPOUT_H

#include <stdint.h>

typedef struct Dropout {
    uint64_t seed;
    int64_t step;
    uint32_t threshold; /* of 2^16: rate, rounded; 0 is off */
    float scale;        /* 1 / (1 - threshold / 2^16) */
} Dropout;

Dropout dropout_new(double rate, uint64_t seed, int64_t step);

/* out[i] = in[i] scale or 0, for elements first .. first + n - 1 of an example's site; out may be
 * in. `first` is a multiple of 8; site < 2^24. */
void dropout_apply(const Dropout *dropout, float *out, const float *in, int64_t n, int64_t position,
                   int site, int64_t first);

#endif
