/* Draw: random floats and the clamp that the embedded pictures are drawn with. Only + - * / on
 * floats, so the bits are the same on every machine with IEEE arithmetic. */
#ifndef LAB_DATA_DRAW_H
#define LAB_DATA_DRAW_H

#include "lab/base/rng.h"

/* Uniform in [-reach, reach). */
static inline float draw_swing(Rng *rng, float reach) {
    return ((float)(rng_word(rng) >> 8) * 0x1p-23f - 1) * reach;
}

/* Uniform in [low, high). */
static inline float draw_between(Rng *rng, float low, float high) {
    return low + (high - low) * ((float)(rng_word(rng) >> 8) * 0x1p-24f);
}

static inline float draw_clamp(float x, float low, float high) {
    return x < low ? low : x > high ? high : x;
}

#endif
