/* The stage of the noisy_quadratic model: no examples, only a length of epoch. The model draws its
 * gradient noise itself, from (seed, step, shard). */
#include "lab/data/dataset.h"

typedef struct {
    int64_t train;
} NoisyQuadraticSettings;

static const Param rows[] = {
    PARAM(COUNT, NoisyQuadraticSettings, train, "4096", 1, 2147483647, "examples",
          "draws that count as one epoch"),
    PARAM_END,
};

static Error *fill(Dataset *out, const void *settings, DataPaths paths, Arena *arena) {
    (void)paths, (void)arena;
    const NoisyQuadraticSettings *set = settings;
    *out = (Dataset){.n = {set->train, 1, 1}, .endless = true};
    return NULL;
}

DATASET_TYPE(noisy_quadratic) = {
    .kind = {.name = "noisy_quadratic",
             .summary = "no examples: an endless stream for the noisy_quadratic model",
             .detail = "Every draw is fresh, so `train` only says how many examples are one epoch.",
             .reference = "Zhang et al. 2019, arXiv 1907.04164",
             .settings_bytes = sizeof(NoisyQuadraticSettings),
             .params = rows},
    .probe = fill,
    .load = fill,
};
