/* Tile drawing: one image of the tiles dataset. Only + - * / and sqrt on floats, so the bits are
 * the same on every machine with IEEE arithmetic. */
#ifndef LAB_DATA_TILE_DRAW_H
#define LAB_DATA_TILE_DRAW_H

#include "lab/base/rng.h"

#include <stdint.h>

#define TILE_SIDE 32
#define TILE_COLOURS 3
#define TILE_PIXELS (TILE_COLOURS * TILE_SIDE * TILE_SIDE)

typedef enum {
    TILE_STRIPES,
    TILE_CHECKS,
    TILE_DOTS,
    TILE_BRICKS,
    TILE_RINGS,
    TILE_ZIGZAG,
    TILE_DISC,
    TILE_SQUARE,
    TILE_TRIANGLE,
    TILE_CROSS,
    TILE_CLASSES
} TileClass;

/* Draws `label` into pixels (3, 32, 32): a texture that fills the tile or one shape, at a random
 * place, size, angle and pair of colours, lit unevenly, partly hidden by a patch, with grain. */
void tile_draw(uint8_t *pixels, TileClass label, Rng *rng);

#endif
