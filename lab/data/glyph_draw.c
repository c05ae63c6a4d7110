#include "lab/data/glyph_draw.h"

#include "lab/base/vec.h"
#include "lab/data/draw.h"

#include <math.h>

#define ROW 32      /* floats of a field's row: a whole number of vectors */
#define N_CLUTTER 6 /* most stray strokes */
#define GRID 4      /* nodes a side of the elastic field */
#define FAR 1e6f    /* squared pen radii, beyond every pixel */

/* The amplitudes below are tuned together, at difficulty 1, for 12000 training examples: softmax
 * regression ends near 81 % test accuracy, an MLP 784-128-10 near 97.5 %. */

/* A straight piece of stroke in pixel coordinates: from (x, y) along (dx, dy). */
typedef struct {
    float x, y, dx, dy;
    float inv_length2;      /* 1 / (dx^2 + dy^2) */
    float inv_radius2;      /* of the pen */
    int first_row, end_row; /* rows that it can touch */
} Piece;

static Piece piece_make(float x0, float y0, float x1, float y1, float radius) {
    Piece piece = {.x = x0, .y = y0, .dx = x1 - x0, .dy = y1 - y0};
    float length2 = piece.dx * piece.dx + piece.dy * piece.dy;
    piece.inv_length2 = 1 / (length2 + 1e-6f);
    piece.inv_radius2 = 1 / (radius * radius);
    float margin = radius + 2;
    piece.first_row = (int)draw_clamp((y0 < y1 ? y0 : y1) - margin, 0, GLYPH_SIDE);
    piece.end_row = (int)draw_clamp((y0 < y1 ? y1 : y0) + margin + 1, 0, GLYPH_SIDE);
    return piece;
}

/* Smallest squared distance to any piece, in pen radii, per pixel: field (28, 32). */
VEC_CLONES
static void measure(float *restrict field, const Piece *restrict pieces, int n) {
    for (int i = 0; i < GLYPH_SIDE * ROW; i++)
        field[i] = FAR;
    for (int k = 0; k < n; k++) {
        Piece p = pieces[k];
        for (int r = p.first_row; r < p.end_row; r++) {
            float *restrict row = field + r * ROW;
            float py = (float)r + 0.5f - p.y;
            for (int c = 0; c < ROW; c++) {
                float px = (float)c + 0.5f - p.x;
                float t = (px * p.dx + py * p.dy) * p.inv_length2;
                t = t < 0 ? 0 : t;
                t = t > 1 ? 1 : t;
                float ex = px - t * p.dx, ey = py - t * p.dy;
                float q = (ex * ex + ey * ey) * p.inv_radius2;
                row[c] = q < row[c] ? q : row[c];
            }
        }
    }
}

/* How the skeleton becomes a drawing. */
typedef struct {
    float xx, xy, yx, yy, x, y; /* affine map to pixels */
    float bend[GRID][GRID][2];  /* elastic displacement at the nodes, glyph heights */
} Warp;

static Warp warp_make(float hard, Rng *rng) {
    /* cos and sin from t = tan(angle / 2): no libm */
    float t = draw_swing(rng, 0.13f * hard), norm = 1 / (1 + t * t);
    float c = (1 - t * t) * norm, s = 2 * t * norm;
    float shear = draw_swing(rng, 0.2f * hard);
    float height = 19 * (1 + draw_swing(rng, 0.15f * hard)),
          width = height * (1 + draw_swing(rng, 0.16f * hard));
    Warp warp = {.xx = width * c,
                 .xy = width * c * shear - height * s,
                 .yx = width * s,
                 .yy = width * s * shear + height * c};
    warp.x = 0.5f * GLYPH_SIDE + draw_swing(rng, 2.6f * hard);
    warp.y = 0.5f * GLYPH_SIDE + draw_swing(rng, 2.6f * hard);
    for (int i = 0; i < GRID; i++)
        for (int j = 0; j < GRID; j++)
            for (int k = 0; k < 2; k++)
                warp.bend[i][j][k] = draw_swing(rng, 0.09f * hard);
    return warp;
}

/* Displacement k at (x, y), bilinear between the nodes over [-0.5, 0.5]^2. */
static float bend_at(const Warp *warp, float x, float y, int k) {
    float u = draw_clamp((x + 0.5f) * (GRID - 1), 0, GRID - 1.001f),
          v = draw_clamp((y + 0.5f) * (GRID - 1), 0, GRID - 1.001f);
    int j = (int)u, i = (int)v;
    float a = u - (float)j, b = v - (float)i;
    return (1 - b) * ((1 - a) * warp->bend[i][j][k] + a * warp->bend[i][j + 1][k]) +
           b * ((1 - a) * warp->bend[i + 1][j][k] + a * warp->bend[i + 1][j + 1][k]);
}

static int bend_shape(Piece *pieces, const GlyphShape *shape, float radius, float hard, Rng *rng) {
    Warp warp = warp_make(hard, rng);
    float last_x = 0, last_y = 0;
    int n = 0;
    for (int i = 0; i < shape->n; i++) {
        GlyphPoint at = shape->point[i];
        float x = at.x + bend_at(&warp, at.x, at.y, 0), y = at.y + bend_at(&warp, at.x, at.y, 1);
        float to_x = warp.xx * x + warp.xy * y + warp.x, to_y = warp.yx * x + warp.yy * y + warp.y;
        if (at.joined)
            pieces[n++] = piece_make(last_x, last_y, to_x, to_y, radius);
        last_x = to_x;
        last_y = to_y;
    }
    return n;
}

/* Stray strokes, mostly short, anywhere. */
static int scatter(Piece *pieces, float hard, Rng *rng) {
    int n = (int)(draw_between(rng, 0, 2.4f) * hard + 0.5f);
    n = n > N_CLUTTER ? N_CLUTTER : n;
    for (int i = 0; i < n; i++) {
        float x = draw_between(rng, 0, GLYPH_SIDE), y = draw_between(rng, 0, GLYPH_SIDE);
        float to_x = x + draw_swing(rng, 6), to_y = y + draw_swing(rng, 6);
        pieces[i] = piece_make(x, y, to_x, to_y, draw_between(rng, 0.4f, 1.1f));
    }
    return n;
}

/* What is put on paper: the ink of the glyph and of the dirt, the edge's sharpness, the grain. */
typedef struct {
    float ink, dirt, paper, edge, dirt_edge, grain;
} Finish;

VEC_CLONES
static void blend(uint8_t *restrict pixels, const float *restrict field, const float *restrict dirt,
                  const int16_t *restrict noise, Finish f) {
    for (int r = 0; r < GLYPH_SIDE; r++)
        for (int c = 0; c < GLYPH_SIDE; c++) {
            float a = 0.5f + (1 - sqrtf(field[r * ROW + c])) * f.edge;
            float b = 0.5f + (1 - sqrtf(dirt[r * ROW + c])) * f.dirt_edge;
            a = f.ink * (a < 0 ? 0 : a > 1 ? 1 : a);
            b = f.dirt * (b < 0 ? 0 : b > 1 ? 1 : b);
            float v = f.paper + (a > b ? a : b) + f.grain * (float)noise[r * GLYPH_SIDE + c];
            v = v < 0 ? 0 : v > 1 ? 1 : v;
            pixels[r * GLYPH_SIDE + c] = (uint8_t)(int)(v * 255 + 0.5f);
        }
}

/* Grain: difference of two random bytes, triangular on (-255, 255). */
static void draw_grain(int16_t *noise, Rng *rng) {
    for (int i = 0; i < GLYPH_SIDE * GLYPH_SIDE; i += 2) {
        uint32_t word = rng_word(rng);
        noise[i] = (int16_t)((int)(word & 255) - (int)(word >> 8 & 255));
        noise[i + 1] = (int16_t)((int)(word >> 16 & 255) - (int)(word >> 24));
    }
}

void glyph_draw(uint8_t *pixels, const GlyphShape *shape, float difficulty, Rng *rng) {
    float field[GLYPH_SIDE * ROW], dirt[GLYPH_SIDE * ROW];
    int16_t noise[GLYPH_SIDE * GLYPH_SIDE];
    Piece pieces[GLYPH_POINTS], strays[N_CLUTTER];
    float radius = 1.25f + draw_swing(rng, 0.4f * draw_clamp(difficulty, 0, 1.5f));
    int n = bend_shape(pieces, shape, radius, difficulty, rng);
    int n_strays = scatter(strays, difficulty, rng);
    measure(field, pieces, n);
    measure(dirt, strays, n_strays);
    Finish finish = {.edge = radius / draw_between(rng, 0.9f, 1.6f), .dirt_edge = 0.8f};
    finish.ink = 1 - draw_between(rng, 0, 0.32f * difficulty);
    finish.dirt = draw_between(rng, 0.3f, 0.9f);
    finish.paper = draw_between(rng, 0, 0.1f * difficulty);
    finish.grain = draw_between(rng, 0.04f, 0.24f) * difficulty / 255;
    draw_grain(noise, rng);
    blend(pixels, field, dirt, noise, finish);
}
