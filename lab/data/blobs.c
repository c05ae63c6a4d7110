/* Gaussian blobs: class centres are N(0, 1) in every feature, examples N(centre, spread^2). Tiny,
 * for tests. */
#include "lab/base/rng.h"
#include "lab/data/dataset.h"

#define BLOBS_SEED 1u
#define CENTRES (UINT64_C(1) << 62) /* stream of the class centres, beyond every example */

typedef struct {
    int64_t train, valid, test, features, classes;
    double spread;
} BlobsSettings;

static const Param rows[] = {
    PARAM(COUNT, BlobsSettings, train, "1024", 1, 1e8, "examples", "training examples"),
    PARAM(COUNT, BlobsSettings, valid, "256", 1, 1e8, "examples", "validation examples"),
    PARAM(COUNT, BlobsSettings, test, "256", 1, 1e8, "examples", "test examples"),
    PARAM(COUNT, BlobsSettings, features, "16", 1, 65536, "1", "numbers per example"),
    PARAM(COUNT, BlobsSettings, classes, "4", 2, 1000, "1", "blobs"),
    PARAM(NUMBER, BlobsSettings, spread, "0.8", 0, 100, "1",
          "standard deviation around a centre; centres are about 1.4 sqrt(features) apart"),
    PARAM_END,
};

static Error *probe(Dataset *out, const void *settings, DataPaths paths, Arena *arena) {
    (void)paths, (void)arena;
    const BlobsSettings *set = settings;
    int features = (int)set->features;
    *out = (Dataset){.n = {set->train, set->valid, set->test},
                     .n_features = features,
                     .n_classes = (int)set->classes,
                     .shape = {1, 1, features}};
    return NULL;
}

static Error *load(Dataset *out, const void *settings, DataPaths paths, Arena *arena) {
    PASS(probe(out, settings, paths, arena));
    const BlobsSettings *set = settings;
    int64_t width = set->features, n_rows = set->train + set->valid + set->test, row = 0;
    float *centres = ARENA_ARRAY(arena, float, set->classes *width);
    float *values = ARENA_ARRAY(arena, float, n_rows *width);
    int32_t *labels = ARENA_ARRAY(arena, int32_t, n_rows);

    Rng rng = rng_new(BLOBS_SEED, RNG_DATA, CENTRES);
    for (int64_t i = 0; i < set->classes * width; i++)
        centres[i] = (float)rng_normal(&rng);
    for (int split = 0; split < SPLIT_N; split++)
        for (int64_t i = 0; i < out->n[split]; i++, row++) {
            labels[row] = (int32_t)(i % set->classes);
            rng = rng_new(BLOBS_SEED, RNG_DATA, (uint64_t)split << 40 | (uint64_t)i);
            for (int64_t j = 0; j < width; j++)
                values[row * width + j] =
                    centres[labels[row] * width + j] + (float)(set->spread * rng_normal(&rng));
        }
    out->values = values;
    out->labels = labels;
    return NULL;
}

DATASET_TYPE(blobs) = {
    .kind = {.name = "blobs",
             .summary = "Gaussian blobs, one a class, for quick tests",
             .detail = "Class centres are N(0, 1) in every feature; an example is N(centre, "
                       "spread^2). Example i of a "
                       "split has class i mod classes and does not depend on the counts.",
             .settings_bytes = sizeof(BlobsSettings),
             .params = rows},
    .probe = probe,
    .load = load,
};
