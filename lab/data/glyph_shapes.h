/* Glyph shapes: the skeletons behind the glyphs dataset, ten digits in two to four hands each. */
#ifndef LAB_DATA_GLYPH_SHAPES_H
#define LAB_DATA_GLYPH_SHAPES_H

#include <stdbool.h>

#define GLYPH_CLASSES 10
#define GLYPH_POINTS 48 /* room of a shape */
#define GLYPH_HANDS 4   /* most ways to write one class */

typedef struct GlyphPoint {
    float x, y;  /* right, down; the glyph is one unit high and centred on 0 */
    bool joined; /* a straight line leads here from the point before */
} GlyphPoint;

typedef struct GlyphShape {
    int n;
    GlyphPoint point[GLYPH_POINTS];
} GlyphShape;

typedef struct GlyphShapes {
    int n_hands[GLYPH_CLASSES];
    GlyphShape shape[GLYPH_CLASSES][GLYPH_HANDS];
} GlyphShapes;

/* Flattens the table: smooth strokes are Catmull-Rom splines (Catmull and Rom 1974) cut into
 * straight lines. */
void glyph_shapes_make(GlyphShapes *out);

#endif
