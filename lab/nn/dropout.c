#include "lab/nn/dropout.h"

#include "lab/base/rng.h"
#include "lab/base/vec.h"

#include <assert.h>
#include <math.h>

/* A Philox block gives four words, each two numbers of 16 bits: eight elements. LANES blocks are
 * made side by side, which the compiler vectorises. */
enum { LANES = 16, BLOCK_ELEMENTS = 8, SPAN = LANES * BLOCK_ELEMENTS };

Dropout dropout_new(double rate, uint64_t seed, int64_t step) {
    uint32_t threshold = (uint32_t)lround(rate * 65536);
    assert(threshold < 65536);
    return (Dropout){seed, step, threshold, (float)(65536.0 / (65536 - threshold))};
}

/* rng_block for counters {first + lane, c1, c2, c3}; word (4, LANES). Kept equal to it by
 * tests/unit/test_dropout.c. */
static inline void blocks(uint32_t word[4][LANES], uint32_t first, const uint32_t counter[4],
                          uint64_t seed) {
    uint32_t key0 = (uint32_t)seed, key1 = (uint32_t)(seed >> 32);
    for (int j = 0; j < LANES; j++) {
        word[0][j] = first + (uint32_t)j;
        word[1][j] = counter[1];
        word[2][j] = counter[2];
        word[3][j] = counter[3];
    }
    for (int round = 0; round < 10; round++) {
        for (int j = 0; j < LANES; j++) {
            uint64_t p0 = (uint64_t)0xD2511F53U * word[0][j];
            uint64_t p1 = (uint64_t)0xCD9E8D57U * word[2][j];
            word[0][j] = (uint32_t)(p1 >> 32) ^ word[1][j] ^ key0;
            word[2][j] = (uint32_t)(p0 >> 32) ^ word[3][j] ^ key1;
            word[1][j] = (uint32_t)p1;
            word[3][j] = (uint32_t)p0;
        }
        key0 += 0x9E3779B9U;
        key1 += 0xBB67AE85U;
    }
}

VEC_CLONES
void dropout_apply(const Dropout *dropout, float *out, const float *in, int64_t n, int64_t position,
                   int site, int64_t first) {
    assert(first % BLOCK_ELEMENTS == 0 && position >= 0 && site >= 0 && site < 1 << 24);
    uint32_t word[4][LANES], threshold = dropout->threshold;
    const uint32_t counter[4] = {0, (uint32_t)RNG_DROPOUT | (uint32_t)site << 8, (uint32_t)position,
                                 (uint32_t)dropout->step};
    for (int64_t at = 0; at < n; at += SPAN) {
        float keep[SPAN];
        blocks(word, (uint32_t)((first + at) / BLOCK_ELEMENTS), counter, dropout->seed);
        for (int j = 0; j < LANES; j++)
            for (int w = 0; w < 4; w++) {
                keep[BLOCK_ELEMENTS * j + 2 * w] =
                    (word[w][j] & 0xFFFFU) < threshold ? 0.0F : dropout->scale;
                keep[BLOCK_ELEMENTS * j + 2 * w + 1] =
                    word[w][j] >> 16 < threshold ? 0.0F : dropout->scale;
            }
        int64_t left = n - at < SPAN ? n - at : SPAN;
        for (int64_t j = 0; j < left; j++)
            out[at + j] = in[at + j] * keep[j];
    }
}
