#include "lab/base/hash.h"

#include "lab/base/vec.h"

#include <string.h>

static const uint32_t first_state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

static const uint32_t round_constant[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

/* The message schedule depends on the message alone: made for several blocks at once, one a vector
 * lane. Only the rounds are a chain from block to block. */
#define LANES 8
typedef uint32_t Lanes __attribute__((vector_size(4 * LANES), may_alias));

#if defined(__SANITIZE_ADDRESS__) || !defined(__x86_64__) || defined(__clang__)
#define ROUND_CLONES
#else
/* bmi2: rotates into another register. */
#define ROUND_CLONES __attribute__((target_clones("bmi2", "default")))
#endif

static inline uint32_t rotate(uint32_t x, int n) {
    return x >> n | x << (32 - n);
}

static inline uint32_t big_endian(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* No function: vectors are passed in another way without AVX. */
#define ROTATE_LANES(x, n) ((x) >> (n) | (x) << (32 - (n)))

/* FIPS 180-4 section 6.2.2 step 1 for LANES blocks, of which `n` exist. */
VEC_CLONES
static void expand(uint32_t words[64][LANES], const uint8_t *blocks, size_t n) {
    Lanes *w = (Lanes *)words;
    memset(words, 0, sizeof words[0] * 16);
    for (size_t lane = 0; lane < n; lane++)
        for (size_t t = 0; t < 16; t++)
            words[t][lane] = big_endian(blocks + 64 * lane + 4 * t);
    for (int t = 16; t < 64; t++) {
        Lanes early = w[t - 15], late = w[t - 2];
        Lanes s0 = ROTATE_LANES(early, 7) ^ ROTATE_LANES(early, 18) ^ early >> 3;
        Lanes s1 = ROTATE_LANES(late, 17) ^ ROTATE_LANES(late, 19) ^ late >> 10;
        w[t] = w[t - 16] + s0 + w[t - 7] + s1;
    }
}

/* Step 3 with the letters of the standard: eight rounds bring every letter back to its place. */
#define ROUND(a, b, c, d, e, f, g, h, t)                                                           \
    do {                                                                                           \
        h += (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + (g ^ (e & (f ^ g))) +                \
             (round_constant[t] + w[t][lane]);                                                     \
        d += h;                                                                                    \
        h += (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) | (c & (a | b)));           \
    } while (0)

/* Steps 2 to 4 for one block. */
ROUND_CLONES
static void compress(uint32_t state[8], uint32_t w[64][LANES], size_t lane) {
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (int t = 0; t < 64; t += 8) {
        ROUND(a, b, c, d, e, f, g, h, t);
        ROUND(h, a, b, c, d, e, f, g, t + 1);
        ROUND(g, h, a, b, c, d, e, f, t + 2);
        ROUND(f, g, h, a, b, c, d, e, t + 3);
        ROUND(e, f, g, h, a, b, c, d, t + 4);
        ROUND(d, e, f, g, h, a, b, c, t + 5);
        ROUND(c, d, e, f, g, h, a, b, t + 6);
        ROUND(b, c, d, e, f, g, h, a, t + 7);
    }
    const uint32_t worked[8] = {a, b, c, d, e, f, g, h};
    for (int i = 0; i < 8; i++)
        state[i] += worked[i];
}

static void add_blocks(uint32_t state[8], const uint8_t *blocks, size_t n) {
    _Alignas(4 * LANES) uint32_t w[64][LANES];
    while (n) {
        size_t some = n < LANES ? n : LANES;
        expand(w, blocks, some);
        for (size_t lane = 0; lane < some; lane++)
            compress(state, w, lane);
        blocks += 64 * some;
        n -= some;
    }
}

Hash hash_new(void) {
    Hash hash = {0};
    memcpy(hash.state, first_state, sizeof hash.state);
    return hash;
}

void hash_add(Hash *hash, const void *bytes, size_t n) {
    const uint8_t *from = bytes;
    size_t used = hash->n_bytes % 64;
    hash->n_bytes += n;
    if (used) {
        size_t take = n < 64 - used ? n : 64 - used;
        memcpy(hash->block + used, from, take);
        from += take;
        n -= take;
        if (used + take < 64)
            return;
        add_blocks(hash->state, hash->block, 1);
    }
    add_blocks(hash->state, from, n / 64);
    if (n % 64)
        memcpy(hash->block, from + n / 64 * 64, n % 64);
}

static Hash padded(const Hash *hash) {
    Hash end = *hash;
    uint64_t n_bits = hash->n_bytes * 8;
    uint8_t pad[72] = {0x80};
    size_t n_pad = (119 - hash->n_bytes % 64) % 64 + 1; /* to 56 bytes modulo 64 */
    for (int i = 0; i < 8; i++)
        pad[n_pad + (size_t)i] = (uint8_t)(n_bits >> (56 - 8 * i));
    hash_add(&end, pad, n_pad + 8);
    return end;
}

void hash_hex(const Hash *hash, char out[HASH_ROOM]) {
    Hash end = padded(hash);
    static const char digit[] = "0123456789abcdef";
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 8; j++)
            out[8 * i + j] = digit[end.state[i] >> (28 - 4 * j) & 15];
    out[64] = '\0';
}

void hash_of(const void *bytes, size_t n, char out[HASH_ROOM]) {
    Hash hash = hash_new();
    hash_add(&hash, bytes, n);
    hash_hex(&hash, out);
}

/* ---- blocks side by side, one a lane */

#define WIDE 16
typedef uint32_t Wide __attribute__((vector_size(4 * WIDE), may_alias));

/* FIPS 180-4 section 6.2.2 with its letters, for one block of 64 bytes in each lane; `words` is
 * used up. A macro, because vectors are passed in another way without AVX. */
#define WIDE_ROUNDS(state, words)                                                                  \
    do {                                                                                           \
        Wide a = state[0], b = state[1], c = state[2], d = state[3];                               \
        Wide e = state[4], f = state[5], g = state[6], h = state[7];                               \
        for (int t = 0; t < 64; t++) {                                                             \
            if (t >= 16) {                                                                         \
                Wide early = words[(t + 1) & 15], late = words[(t + 14) & 15];                     \
                words[t & 15] += (ROTATE_LANES(early, 7) ^ ROTATE_LANES(early, 18) ^ early >> 3) + \
                                 words[(t + 9) & 15] +                                             \
                                 (ROTATE_LANES(late, 17) ^ ROTATE_LANES(late, 19) ^ late >> 10);   \
            }                                                                                      \
            Wide t1 = h + (ROTATE_LANES(e, 6) ^ ROTATE_LANES(e, 11) ^ ROTATE_LANES(e, 25)) +       \
                      (g ^ (e & (f ^ g))) + round_constant[t] + words[t & 15];                     \
            Wide t2 = (ROTATE_LANES(a, 2) ^ ROTATE_LANES(a, 13) ^ ROTATE_LANES(a, 22)) +           \
                      ((a & b) | (c & (a | b)));                                                   \
            h = g, g = f, f = e, e = d + t1;                                                       \
            d = c, c = b, b = a, a = t1 + t2;                                                      \
        }                                                                                          \
        state[0] += a, state[1] += b, state[2] += c, state[3] += d;                                \
        state[4] += e, state[5] += f, state[6] += g, state[7] += h;                                \
    } while (0)

/* The SHA-256 states of WIDE whole blocks of HASH_BLOCK bytes, one behind the other. */
VEC_CLONES
static void hash_wide(uint32_t out[8][WIDE], const uint8_t *bytes) {
    Wide state[8], words[16];
    for (int i = 0; i < 8; i++)
        state[i] = (Wide){0} + first_state[i];
    for (size_t at = 0; at < HASH_BLOCK; at += 64) {
        for (size_t t = 0; t < 16; t++)
            for (size_t lane = 0; lane < WIDE; lane++)
                ((uint32_t *)&words[t])[lane] = big_endian(bytes + lane * HASH_BLOCK + at + 4 * t);
        WIDE_ROUNDS(state, words);
    }
    for (int t = 0; t < 16; t++) /* the standard's padding, the same for all */
        words[t] = (Wide){0} + (t == 0 ? 0x80000000u : t == 15 ? 8u * HASH_BLOCK : 0u);
    WIDE_ROUNDS(state, words);
    memcpy(out, state, sizeof state);
}

static void add_state(Hash *list, const uint32_t state[8]) {
    uint8_t raw[32];
    for (int i = 0; i < 32; i++)
        raw[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
    hash_add(list, raw, sizeof raw);
}

void hash_add_blocks(Hash *list, const void *bytes, size_t n) {
    const uint8_t *from = bytes;
    for (; n >= WIDE * HASH_BLOCK; from += WIDE * HASH_BLOCK, n -= WIDE * HASH_BLOCK) {
        _Alignas(4 * WIDE) uint32_t wide[8][WIDE];
        hash_wide(wide, from);
        for (int lane = 0; lane < WIDE; lane++) {
            uint32_t state[8];
            for (int i = 0; i < 8; i++)
                state[i] = wide[i][lane];
            add_state(list, state);
        }
    }
    while (n > 0) {
        size_t some = n < HASH_BLOCK ? n : HASH_BLOCK;
        Hash block = hash_new();
        hash_add(&block, from, some);
        Hash end = padded(&block);
        add_state(list, end.state);
        from += some;
        n -= some;
    }
}
