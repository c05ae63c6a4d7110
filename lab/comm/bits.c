#include "lab/comm/bits.h"

#include <math.h>
#include <string.h>

enum { LANES = 8 };

int64_t bits_bytes(int64_t n) {
    return (n + 7) / 8;
}

void bits_of_signs(uint8_t *to, const real *x, int64_t n) {
    memset(to, 0, (size_t)bits_bytes(n));
    for (int64_t i = 0; i < n; i++)
        to[i / 8] = (uint8_t)(to[i / 8] | (x[i] >= 0) << (i % 8));
}

void bits_of_nonzeros(uint8_t *to, const real *x, int64_t n) {
    memset(to, 0, (size_t)bits_bytes(n));
    for (int64_t i = 0; i < n; i++)
        to[i / 8] = (uint8_t)(to[i / 8] | (x[i] != 0) << (i % 8));
}

void bits_scale(real *x, const uint8_t *bits, real scale, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        x[i] = bit_at(bits, i) ? scale : -scale;
}

static double add_lanes(const double *lane) {
    return ((lane[0] + lane[1]) + (lane[2] + lane[3])) +
           ((lane[4] + lane[5]) + (lane[6] + lane[7]));
}

double bits_norm1(const real *x, int64_t n) {
    double lane[LANES] = {0};
    for (int64_t i = 0; i < n; i++)
        lane[i % LANES] += fabs((double)x[i]);
    return add_lanes(lane);
}

double bits_sumsq(const real *x, int64_t n) {
    double lane[LANES] = {0};
    for (int64_t i = 0; i < n; i++)
        lane[i % LANES] += (double)x[i] * (double)x[i];
    return add_lanes(lane);
}
