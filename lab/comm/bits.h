/* Vectors of one bit an element, eight to a byte, the first one lowest. */
#ifndef LAB_COMM_BITS_H
#define LAB_COMM_BITS_H

#include "lab/base/real.h"

#include <stdint.h>

int64_t bits_bytes(int64_t n);

/* Bit i: x[i] >= 0 (so zero counts as positive); x[i] != 0. */
void bits_of_signs(uint8_t *to, const real *x, int64_t n);
void bits_of_nonzeros(uint8_t *to, const real *x, int64_t n);

static inline int bit_at(const uint8_t *bits, int64_t i) {
    return bits[i / 8] >> (i % 8) & 1;
}

/* x[i] = scale or -scale. */
void bits_scale(real *x, const uint8_t *bits, real scale, int64_t n);

/* Sums of |x| and of squares, in double, in an order that depends on n alone. */
double bits_norm1(const real *x, int64_t n);
double bits_sumsq(const real *x, int64_t n);

#endif
