#include "lab/data/glyph_shapes.h"

#include <assert.h>
#include <string.h>

typedef enum { LINES, CURVE, LOOP } Form; /* LOOP: a closed curve, last point joined to the first */

#define STROKE_POINTS 10

typedef struct {
    int digit, hand;
    Form form;
    int n;
    struct {
        signed char x, y; /* hundredths of the glyph's height */
    } at[STROKE_POINTS];
} Stroke;

/* clang-format off */
static const Stroke strokes[] = {
    {0, 0, LOOP,  6, {{0, -50}, {-26, -30}, {-29, 12}, {0, 50}, {27, 26}, {26, -24}}},
    {0, 1, LOOP,  6, {{0, -50}, {-20, -26}, {-20, 26}, {0, 50}, {20, 26}, {20, -26}}},
    {0, 1, LINES, 2, {{-27, 38}, {27, -38}}},
    {0, 2, LOOP,  8, {{0, -37}, {-26, -26}, {-37, 0}, {-26, 26}, {0, 37}, {26, 26}, {37, 0}, {26, -26}}},
    {1, 0, LINES, 2, {{2, -50}, {-2, 50}}},
    {1, 1, LINES, 3, {{-22, -26}, {4, -50}, {4, 50}}},
    {1, 2, LINES, 3, {{-20, -30}, {0, -50}, {0, 50}}},
    {1, 2, LINES, 2, {{-24, 50}, {24, 50}}},
    {2, 0, CURVE, 6, {{-28, -26}, {-10, -48}, {16, -46}, {25, -22}, {6, 12}, {-30, 50}}},
    {2, 0, LINES, 2, {{-30, 50}, {31, 50}}},
    {2, 1, CURVE, 9, {{-25, -34}, {0, -50}, {24, -28}, {4, 10}, {-24, 42}, {-30, 28}, {-14, 26}, {8, 46}, {32, 42}}},
    {2, 2, LINES, 5, {{-26, -50}, {27, -50}, {27, -6}, {-27, 50}, {30, 50}}},
    {3, 0, CURVE, 5, {{-27, -36}, {0, -50}, {25, -30}, {10, -6}, {-9, -4}}},
    {3, 0, CURVE, 5, {{-9, -4}, {16, 0}, {28, 22}, {4, 50}, {-29, 36}}},
    {3, 1, LINES, 3, {{-27, -50}, {24, -50}, {-6, -10}}},
    {3, 1, CURVE, 5, {{-6, -10}, {18, -6}, {28, 20}, {6, 48}, {-28, 42}}},
    {3, 2, LINES, 4, {{-25, -50}, {26, -50}, {26, 50}, {-25, 50}}},
    {3, 2, LINES, 2, {{-14, 0}, {26, 0}}},
    {4, 0, LINES, 3, {{-20, -50}, {-29, 8}, {31, 8}}},
    {4, 0, LINES, 2, {{15, -24}, {11, 50}}},
    {4, 1, LINES, 4, {{14, 50}, {14, -50}, {-31, 18}, {32, 18}}},
    {4, 2, LINES, 3, {{-26, -48}, {-26, 2}, {24, 2}}},
    {4, 2, LINES, 2, {{24, -48}, {24, 50}}},
    {5, 0, LINES, 3, {{27, -50}, {-20, -50}, {-25, -8}}},
    {5, 0, CURVE, 5, {{-25, -8}, {6, -15}, {28, 14}, {6, 48}, {-28, 40}}},
    {5, 1, CURVE, 8, {{26, -50}, {-4, -46}, {-24, -32}, {-14, -12}, {14, 4}, {24, 28}, {0, 50}, {-28, 40}}},
    {5, 2, LINES, 6, {{26, -50}, {-25, -50}, {-25, -4}, {26, -4}, {26, 50}, {-25, 50}}},
    {6, 0, CURVE, 9, {{21, -48}, {-12, -28}, {-27, 12}, {-12, 46}, {14, 47}, {27, 22}, {10, -2}, {-14, 2}, {-26, 22}}},
    {6, 1, LOOP,  4, {{0, -2}, {-25, 23}, {0, 50}, {25, 23}}},
    {6, 1, LINES, 2, {{12, -50}, {-23, 14}}},
    {6, 2, LINES, 6, {{24, -50}, {-25, -50}, {-25, 50}, {25, 50}, {25, 2}, {-25, 2}}},
    {7, 0, LINES, 3, {{-28, -50}, {29, -50}, {-8, 50}}},
    {7, 1, LINES, 3, {{-28, -50}, {29, -50}, {-6, 50}}},
    {7, 1, LINES, 2, {{-14, 2}, {27, 2}}},
    {7, 2, LINES, 2, {{-28, -34}, {-26, -50}}},
    {7, 2, CURVE, 5, {{-26, -50}, {4, -46}, {30, -50}, {6, -4}, {-2, 50}}},
    {8, 0, CURVE, 9, {{1, -3}, {-23, -26}, {0, -50}, {23, -27}, {0, -3}, {-27, 24}, {0, 50}, {27, 23}, {1, -3}}},
    {8, 1, CURVE, 9, {{22, -40}, {-6, -50}, {-22, -28}, {10, 2}, {25, 30}, {-2, 50}, {-25, 30}, {-4, 0}, {22, -40}}},
    {8, 2, LINES, 5, {{-25, -50}, {25, -50}, {25, 50}, {-25, 50}, {-25, -50}}},
    {8, 2, LINES, 2, {{-25, -2}, {25, -2}}},
    {9, 0, LOOP,  4, {{0, -50}, {-25, -24}, {0, 2}, {25, -24}}},
    {9, 0, LINES, 2, {{25, -30}, {18, 50}}},
    {9, 1, LOOP,  4, {{0, -50}, {-25, -24}, {0, 2}, {25, -24}}},
    {9, 1, CURVE, 4, {{25, -24}, {24, 18}, {4, 47}, {-22, 40}}},
    {9, 2, LINES, 6, {{25, -2}, {-25, -2}, {-25, -50}, {25, -50}, {25, 50}, {-24, 50}}},
};
/* clang-format on */

#define SPANS 3 /* straight lines between two points of a curve */

static void add_point(GlyphShape *shape, float x, float y, bool joined) {
    assert(shape->n < GLYPH_POINTS);
    shape->point[shape->n++] = (GlyphPoint){x, y, joined};
}

static float spline(float a, float b, float c, float d, float t) {
    return 0.5f *
           (2 * b + t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * b - a - 3 * c + d))));
}

/* Point i of a stroke: loops go round, open curves repeat their ends. */
static int neighbour(const Stroke *stroke, int i) {
    if (stroke->form == LOOP)
        return (i + stroke->n) % stroke->n;
    return i < 0 ? 0 : i >= stroke->n ? stroke->n - 1 : i;
}

static void add_curve(GlyphShape *shape, const Stroke *stroke) {
    int n_spans = stroke->form == LOOP ? stroke->n : stroke->n - 1;
    add_point(shape, (float)stroke->at[0].x / 100, (float)stroke->at[0].y / 100, false);
    for (int i = 0; i < n_spans; i++)
        for (int k = 1; k <= SPANS; k++) {
            float t = (float)k / SPANS, x[4], y[4];
            for (int j = 0; j < 4; j++) {
                int from = neighbour(stroke, i - 1 + j);
                x[j] = (float)stroke->at[from].x / 100;
                y[j] = (float)stroke->at[from].y / 100;
            }
            add_point(shape, spline(x[0], x[1], x[2], x[3], t), spline(y[0], y[1], y[2], y[3], t),
                      true);
        }
}

void glyph_shapes_make(GlyphShapes *out) {
    memset(out, 0, sizeof *out);
    for (size_t s = 0; s < sizeof strokes / sizeof *strokes; s++) {
        const Stroke *stroke = &strokes[s];
        GlyphShape *shape = &out->shape[stroke->digit][stroke->hand];
        if (stroke->form == LINES)
            for (int i = 0; i < stroke->n; i++)
                add_point(shape, (float)stroke->at[i].x / 100, (float)stroke->at[i].y / 100, i > 0);
        else
            add_curve(shape, stroke);
        if (out->n_hands[stroke->digit] <= stroke->hand)
            out->n_hands[stroke->digit] = stroke->hand + 1;
    }
}
