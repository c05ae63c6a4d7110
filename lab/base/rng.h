/* Random numbers without state: Philox 4x32-10 (Salmon et al. 2011), keyed by (seed, purpose,
 * index). The k-th number of a stream is a function of the key and k alone, never of rank, thread
 * or history. */
#ifndef LAB_BASE_RNG_H
#define LAB_BASE_RNG_H

#include <stdint.h>

typedef enum { /* values are part of every trajectory: never renumber */
               RNG_INIT = 1,
               RNG_SHUFFLE = 2,
               RNG_NOISE = 3,
               RNG_DATA = 4,
               RNG_DROPOUT = 5,
               RNG_AUGMENT = 6,
               RNG_BOOTSTRAP = 7,
               RNG_SPLIT = 8,
               RNG_SEARCH = 9,
               RNG_TEST = 10,
               RNG_CURVATURE = 11,
               RNG_COMPRESSION = 13,
               RNG_MOULD = 14,
} RngPurpose;

typedef struct Rng {
    uint32_t key[2];
    uint32_t counter[4]; /* block number, purpose, index low, index high */
    uint32_t block[4];
    int used; /* words of `block` already given out, 4 = none left */
} Rng;

/* One Philox 4x32-10 block. */
void rng_block(uint32_t out[4], const uint32_t counter[4], const uint32_t key[2]);

Rng rng_new(uint64_t seed, RngPurpose purpose, uint64_t index);
uint32_t rng_word(Rng *rng);
double rng_uniform(Rng *rng);                 /* in [0, 1), 53 bits */
double rng_normal(Rng *rng);                  /* N(0, 1) by Box-Muller, two words pairs a number */
uint32_t rng_below(Rng *rng, uint32_t bound); /* uniform in 0..bound-1, unbiased (Lemire) */

#endif
