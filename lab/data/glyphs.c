/* Glyphs: digits drawn on the spot, so that the lab has something to learn without a download.
 * Example i of a split depends on (split, i, difficulty) only, never on the counts. */
#include "lab/data/dataset.h"
#include "lab/data/glyph_draw.h"

#define GLYPHS_SEED 28u

/* Mean and standard deviation of the pixels at the default difficulty, rounded. */
#define PIXEL_MEAN 0.18
#define PIXEL_SD 0.27

typedef struct {
    int64_t train, valid, test;
    double difficulty;
} GlyphsSettings;

static const Param rows[] = {
    PARAM(COUNT, GlyphsSettings, train, "12000", 1, 1e7, "examples", "training examples"),
    PARAM(COUNT, GlyphsSettings, valid, "1000", 1, 1e7, "examples", "validation examples"),
    PARAM(COUNT, GlyphsSettings, test, "2000", 1, 1e7, "examples", "test examples"),
    PARAM(NUMBER, GlyphsSettings, difficulty, "1", 0, 2, "1",
          "strength of distortion, noise and clutter: 0 clean print, 2 hard for a person"),
    PARAM_END,
};

static Error *probe(Dataset *out, const void *settings, DataPaths paths, Arena *arena) {
    (void)paths, (void)arena;
    const GlyphsSettings *set = settings;
    *out = (Dataset){.n = {set->train, set->valid, set->test},
                     .n_features = GLYPH_SIDE * GLYPH_SIDE,
                     .n_classes = GLYPH_CLASSES,
                     .shape = {1, GLYPH_SIDE, GLYPH_SIDE},
                     .pixel_scale = (float)(1 / (255 * PIXEL_SD)),
                     .pixel_shift = (float)(-PIXEL_MEAN / PIXEL_SD)};
    return NULL;
}

/* Classes take turns, so that every prefix of a split is balanced. */
static int32_t draw_example(uint8_t *pixels, const GlyphShapes *shapes, int split, int64_t i,
                            float difficulty) {
    int32_t label = (int32_t)(i % GLYPH_CLASSES);
    Rng rng = rng_new(GLYPHS_SEED, RNG_DATA, (uint64_t)split << 40 | (uint64_t)i);
    uint32_t hand = rng_below(&rng, (uint32_t)shapes->n_hands[label]);
    glyph_draw(pixels, &shapes->shape[label][hand], difficulty, &rng);
    return label;
}

static Error *load(Dataset *out, const void *settings, DataPaths paths, Arena *arena) {
    PASS(probe(out, settings, paths, arena));
    const GlyphsSettings *set = settings;
    float difficulty = (float)set->difficulty;
    int64_t n_train = set->train, n_valid = set->valid, n_rows = n_train + n_valid + set->test;
    uint8_t *pixels = ARENA_ARRAY(arena, uint8_t, n_rows * out->n_features);
    int32_t *labels = ARENA_ARRAY(arena, int32_t, n_rows);
    GlyphShapes *shapes = ARENA_NEW(arena, GlyphShapes);
    glyph_shapes_make(shapes);

#pragma omp parallel for schedule(static)
    for (int64_t row = 0; row < n_rows; row++) {
        int split = row < n_train             ? SPLIT_TRAIN
                    : row < n_train + n_valid ? SPLIT_VALID
                                              : SPLIT_TEST;
        int64_t first = split == SPLIT_TRAIN   ? 0
                        : split == SPLIT_VALID ? n_train
                                               : n_train + n_valid;
        labels[row] = draw_example(pixels + row * GLYPH_SIDE * GLYPH_SIDE, shapes, split,
                                   row - first, difficulty);
    }
    out->pixels = pixels;
    out->labels = labels;
    return NULL;
}

DATASET_TYPE(glyphs) = {
    .kind = {.name = "glyphs",
             .summary =
                 "embedded 28 x 28 digits, drawn from strokes with distortion, noise and clutter",
             .detail = "Each image bends one of several skeletons of its digit (affine and "
                       "elastic), draws it with a "
                       "pen of random width and ink, and adds stray strokes and grain. Example i "
                       "of a split is a "
                       "function of i and `difficulty` alone; its class is i mod 10.",
             .reference = "distortions after Simard, Steinkraus, Platt 2003, Best practices for "
                          "convolutional neural "
                          "networks applied to visual document analysis",
             .settings_bytes = sizeof(GlyphsSettings),
             .params = rows},
    .probe = probe,
    .load = load,
};
