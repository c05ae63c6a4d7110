#include "lab/data/tile_draw.h"

#include "lab/base/vec.h"
#include "lab/data/draw.h"

#include <math.h>
#include <stdbool.h>

enum { AREA = TILE_SIDE * TILE_SIDE };

/* The amplitudes below are tuned together: after 60,000 examples with a global batch of 64 an MLP
 * is near 28 % test accuracy and ResNet-8 near 83 %, so batch sizes have room to differ. What a
 * single pixel shows tells nothing about the class: colours are random, and ink is as often the
 * darker one as paper is. */

/* Where the pattern lies: u = (xx x + xy y) and v along the tile's rotated and stretched axes,
 * in units of the pattern's size, from its centre. */
typedef struct {
    float xx, xy, yx, yy, x, y;
} Frame;

/* Any angle from t = tan(angle / 4) in [-1, 1], so without libm; not quite uniform. */
static void turn(float *c, float *s, Rng *rng) {
    float t = draw_swing(rng, 1), norm = 1 / (1 + t * t);
    float half_c = (1 - t * t) * norm, half_s = 2 * t * norm;
    *c = half_c * half_c - half_s * half_s;
    *s = 2 * half_c * half_s;
}

static Frame frame_make(float size, float wander, Rng *rng) {
    float c, s, stretch = draw_between(rng, 0.85f, 1.18f);
    turn(&c, &s, rng);
    float u = 1 / (size * stretch), v = stretch / size;
    Frame frame = {.xx = u * c, .xy = u * s, .yx = -v * s, .yy = v * c};
    frame.x = 0.5f * TILE_SIDE + draw_swing(rng, wander);
    frame.y = 0.5f * TILE_SIDE + draw_swing(rng, wander);
    return frame;
}

/* Distance to the nearest whole number, 0 to 0.5: a triangle wave of period 1. */
static inline float wave(float x) {
    float whole = (float)(int)(x + 64.5f) - 64; /* |x| < 64 */
    return fabsf(x - whole);
}

static inline float larger(float a, float b) {
    return a > b ? a : b;
}

/* ---- the ten classes: how far inside the ink (u, v) is, in pattern sizes; negative is paper */

static inline float stripes(float u, float v) {
    return (void)v, 0.25f - wave(u);
}

static inline float checks(float u, float v) {
    float a = 0.25f - wave(u), b = 0.25f - wave(v);
    return a * b > 0 ? fminf(fabsf(a), fabsf(b)) : -fminf(fabsf(a), fabsf(b));
}

static inline float dots(float u, float v) {
    float a = wave(u), b = wave(v);
    return 0.3f - sqrtf(a * a + b * b);
}

/* Every second course is shifted by half a brick, which is two courses long. */
static inline float bricks(float u, float v) {
    float course = (float)(int)(v + 64) - 64;
    float shift = 0.5f * (float)((int)(v + 64) & 1);
    float along = 0.5f - fabsf(0.5f * u + shift - (float)(int)(0.5f * u + shift + 64) + 64 - 0.5f);
    float across = 0.5f - fabsf(v - course - 0.5f);
    return fminf(2 * along, across) - 0.14f;
}

static inline float rings(float u, float v) {
    return 0.25f - wave(sqrtf(u * u + v * v));
}

static inline float zigzag(float u, float v) {
    return 0.7f * (0.25f - wave(u + 1.2f * wave(0.6f * v)));
}

static inline float disc(float u, float v) {
    return 1 - sqrtf(u * u + v * v);
}

static inline float square(float u, float v) {
    return 0.88f - larger(fabsf(u), fabsf(v));
}

static inline float triangle(float u, float v) {
    return 0.6f - larger(v, 0.8660254f * fabsf(u) - 0.5f * v);
}

static inline float cross(float u, float v) {
    float a = fabsf(u), b = fabsf(v);
    return larger(fminf(0.36f - a, 1.1f - b), fminf(0.36f - b, 1.1f - a));
}

/* field (32, 32): how far inside the ink each pixel's centre is, in pixels. */
#define FILL(pattern)                                                                              \
    for (int i = 0; i < AREA; i++) {                                                               \
        float x = (float)(i % TILE_SIDE) + 0.5f - f.x, y = (float)(i / TILE_SIDE) + 0.5f - f.y;    \
        field[i] = size * pattern(f.xx * x + f.xy * y, f.yx * x + f.yy * y);                       \
    }                                                                                              \
    break

VEC_CLONES
static void fill(float *restrict field, TileClass label, Frame f, float size) {
    switch (label) {
    case TILE_STRIPES:
        FILL(stripes);
    case TILE_CHECKS:
        FILL(checks);
    case TILE_DOTS:
        FILL(dots);
    case TILE_BRICKS:
        FILL(bricks);
    case TILE_RINGS:
        FILL(rings);
    case TILE_ZIGZAG:
        FILL(zigzag);
    case TILE_DISC:
        FILL(disc);
    case TILE_SQUARE:
        FILL(square);
    case TILE_TRIANGLE:
        FILL(triangle);
    case TILE_CROSS:
        FILL(cross);
    case TILE_CLASSES:
        break;
    }
}

/* One colour plane: ink on paper, lit from one side, hidden by a patch. */
typedef struct {
    float ink, paper, patch, light_x, light_y, grain;
} Plane;

/* What hides a part of the tile: a rectangle of one colour. */
typedef struct {
    int left, right, top, bottom;
} Patch;

VEC_CLONES
static void print_plane(uint8_t *restrict pixels, const float *restrict field,
                        const int16_t *restrict noise, Plane p, Patch patch) {
    for (int r = 0; r < TILE_SIDE; r++)
        for (int c = 0; c < TILE_SIDE; c++) {
            int i = r * TILE_SIDE + c;
            float m = 0.5f + field[i];
            m = m < 0 ? 0 : m > 1 ? 1 : m;
            float light = p.light_x * ((float)c - 15.5f) + p.light_y * ((float)r - 15.5f);
            float v = p.paper + m * (p.ink - p.paper) + light;
            bool hidden = r >= patch.top && r < patch.bottom && c >= patch.left && c < patch.right;
            v = (hidden ? p.patch : v) + p.grain * (float)noise[i];
            v = v < 0 ? 0 : v > 1 ? 1 : v;
            pixels[i] = (uint8_t)(int)(v * 255 + 0.5f);
        }
}

static Patch patch_make(Rng *rng) {
    int width = 3 + (int)rng_below(rng, 8), height = 3 + (int)rng_below(rng, 8);
    int left = (int)rng_below(rng, TILE_SIDE) - width / 2;
    int top = (int)rng_below(rng, TILE_SIDE) - height / 2;
    return (Patch){.left = left, .right = left + width, .top = top, .bottom = top + height};
}

/* Two colours: the ink is brighter or darker than the paper, less or more so from plane to plane,
 * and in one plane of four the other way round. */
static void colours_make(Plane plane[TILE_COLOURS], Rng *rng) {
    float contrast = draw_between(rng, 0.4f, 0.85f), grain = draw_between(rng, 0.02f, 0.12f) / 255;
    float brighter = rng_word(rng) & 1 ? 1.0f : -1.0f;
    for (int k = 0; k < TILE_COLOURS; k++) {
        float half = 0.5f * contrast * draw_between(rng, 0.4f, 1);
        float sign = rng_below(rng, 4) > 0 ? brighter : -brighter;
        float middle = draw_between(rng, 0.3f, 0.7f);
        plane[k] = (Plane){.ink = middle + sign * half,
                           .paper = middle - sign * half,
                           .patch = draw_between(rng, 0, 1),
                           .light_x = draw_swing(rng, 0.006f),
                           .light_y = draw_swing(rng, 0.006f),
                           .grain = grain};
    }
}

/* Grain: difference of two random bytes, triangular on (-255, 255). */
static void draw_grain(int16_t *noise, Rng *rng) {
    for (int i = 0; i < AREA; i += 2) {
        uint32_t word = rng_word(rng);
        noise[i] = (int16_t)((int)(word & 255) - (int)(word >> 8 & 255));
        noise[i + 1] = (int16_t)((int)(word >> 16 & 255) - (int)(word >> 24));
    }
}

void tile_draw(uint8_t *pixels, TileClass label, Rng *rng) {
    float field[AREA];
    int16_t noise[AREA];
    bool texture = label < TILE_DISC;
    float size = texture ? draw_between(rng, 5, 10) : draw_between(rng, 6, 11);
    Frame frame = frame_make(size, texture ? 16.0f : 6.0f, rng);
    Plane plane[TILE_COLOURS];
    fill(field, label, frame, size);
    colours_make(plane, rng);
    Patch patch = patch_make(rng);
    for (int k = 0; k < TILE_COLOURS; k++) {
        draw_grain(noise, rng);
        print_plane(pixels + k * AREA, field, noise, plane[k], patch);
    }
}
