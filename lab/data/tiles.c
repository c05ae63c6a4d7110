/* Tiles: textures and shapes drawn on the spot, so that convolutions have something to be better at
 * without a download. Example i of a split depends on (split, i) only, never on the counts. */
#include "lab/data/dataset.h"
#include "lab/data/tile_draw.h"

#define TILES_SEED 32u

/* Mean and standard deviation of the pixels, rounded. */
#define PIXEL_MEAN 0.5
#define PIXEL_SD 0.25

typedef struct {
    int64_t train, valid, test;
} TilesSettings;

static const Param rows[] = {
    PARAM(COUNT, TilesSettings, train, "10000", 1, 1e7, "examples", "training examples"),
    PARAM(COUNT, TilesSettings, valid, "1000", 1, 1e7, "examples", "validation examples"),
    PARAM(COUNT, TilesSettings, test, "2000", 1, 1e7, "examples", "test examples"),
    PARAM_END,
};

static Error *probe(Dataset *out, const void *settings, DataPaths paths, Arena *arena) {
    (void)paths, (void)arena;
    const TilesSettings *set = settings;
    *out = (Dataset){.n = {set->train, set->valid, set->test},
                     .n_features = TILE_PIXELS,
                     .n_classes = TILE_CLASSES,
                     .shape = {TILE_COLOURS, TILE_SIDE, TILE_SIDE},
                     .pixel_scale = (float)(1 / (255 * PIXEL_SD)),
                     .pixel_shift = (float)(-PIXEL_MEAN / PIXEL_SD)};
    return NULL;
}

static Error *load(Dataset *out, const void *settings, DataPaths paths, Arena *arena) {
    PASS(probe(out, settings, paths, arena));
    int64_t n_rows = out->n[SPLIT_TRAIN] + out->n[SPLIT_VALID] + out->n[SPLIT_TEST], first = 0;
    uint8_t *pixels = ARENA_ARRAY(arena, uint8_t, n_rows * TILE_PIXELS);
    int32_t *labels = ARENA_ARRAY(arena, int32_t, n_rows);
    for (int split = 0; split < SPLIT_N; split++) {
#pragma omp parallel for schedule(static)
        for (int64_t i = 0; i < out->n[split]; i++) {
            /* Classes take turns, so that every prefix of a split is balanced. */
            int32_t label = (int32_t)(i % TILE_CLASSES);
            Rng rng = rng_new(TILES_SEED, RNG_DATA, (uint64_t)split << 40 | (uint64_t)i);
            tile_draw(pixels + (first + i) * TILE_PIXELS, (TileClass)label, &rng);
            labels[first + i] = label;
        }
        first += out->n[split];
    }
    out->pixels = pixels;
    out->labels = labels;
    return NULL;
}

DATASET_TYPE(tiles) = {
    .kind = {.name = "tiles",
             .summary = "embedded 32 x 32 colour images: six textures and four shapes",
             .detail =
                 "Classes: stripes, checks, dots, bricks, rings, zigzag (these fill the tile), "
                 "disc, square,\n"
                 "triangle, cross (one on a plain ground). Each image has its own place, size, "
                 "angle, pair of\n"
                 "colours, light and grain, and a patch that hides a part of it: a network that "
                 "does not know of\n"
                 "neighbouring pixels sees little. Example i of a split is a function of i alone; "
                 "its class is\n"
                 "i mod 10. Pixels become (p / 255 - 0.5) / 0.25.",
             .settings_bytes = sizeof(TilesSettings),
             .params = rows},
    .probe = probe,
    .load = load,
};
