/* Glyph drawing: one image of the glyphs dataset. Only + - * / and sqrt on floats, so the bits are
 * the same on every machine with IEEE arithmetic. */
#ifndef LAB_DATA_GLYPH_DRAW_H
#define LAB_DATA_GLYPH_DRAW_H

#include "lab/base/rng.h"
#include "lab/data/glyph_shapes.h"

#include <stdint.h>

#define GLYPH_SIDE 28

/* Draws `shape` into pixels (28, 28), white on black, bent and dirtied by the numbers of `rng`.
 * `difficulty` 0 is a clean print of the skeleton, 1 the default, 2 hard for a person. Sources of
 * the distortions: affine and elastic as in Simard, Steinkraus, Platt 2003. */
void glyph_draw(uint8_t *pixels, const GlyphShape *shape, float difficulty, Rng *rng);

#endif
