#include "lab/data/sampler.h"

#include <assert.h>

void sampler_permute(int32_t *order, int64_t n, Rng rng) {
    assert(n <= INT32_MAX);
    for (int64_t i = 0; i < n; i++)
        order[i] = (int32_t)i;
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t j = rng_below(&rng, (uint32_t)(i + 1));
        int32_t keep = order[i];
        order[i] = order[j];
        order[j] = keep;
    }
}

Sampler *sampler_new(uint64_t seed, int64_t n_train, Arena *arena) {
    assert(n_train > 0 && n_train <= INT32_MAX);
    Sampler *sampler = ARENA_NEW(arena, Sampler);
    *sampler = (Sampler){.seed = seed, .n = n_train, .epoch = -1};
    sampler->order = ARENA_ARRAY(arena, int32_t, n_train);
    return sampler;
}

static void turn_to(Sampler *sampler, int64_t epoch) {
    if (sampler->epoch == epoch)
        return;
    sampler_permute(sampler->order, sampler->n,
                    rng_new(sampler->seed, RNG_SHUFFLE, (uint64_t)epoch));
    sampler->epoch = epoch;
}

void sampler_fill(Sampler *sampler, int64_t first, int64_t n, int64_t *index) {
    assert(first >= 0 && n >= 0);
    for (int64_t done = 0; done < n;) {
        int64_t at = (first + done) % sampler->n;
        int64_t left = sampler->n - at; /* in this epoch */
        int64_t span = n - done < left ? n - done : left;
        turn_to(sampler, (first + done) / sampler->n);
        for (int64_t i = 0; i < span; i++)
            index[done + i] = sampler->order[at + i];
        done += span;
    }
}
