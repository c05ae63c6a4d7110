#include "lab/comm/number_format.h"

#include <string.h>

static void encode_real(void *to, const real *from, int64_t n) {
    memcpy(to, from, sizeof(real) * (size_t)n);
}

static void decode_real(real *to, const void *from, int64_t n) {
    memcpy(to, from, sizeof(real) * (size_t)n);
}

const NumberFormat format_real = {sizeof(real), encode_real, decode_real};

static uint32_t bits_of(real x) {
    float single = (float)x;
    uint32_t bits;
    memcpy(&bits, &single, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits) {
    float single;
    memcpy(&single, &bits, sizeof single);
    return single;
}

static void encode_bf16(void *to, const real *from, int64_t n) {
    uint16_t *half = to;
    for (int64_t i = 0; i < n; i++) {
        uint32_t bits = bits_of(from[i]);
        uint32_t rounded = bits + 0x7fffu + (bits >> 16 & 1);
        bool is_nan = (bits & 0x7fffffffu) > 0x7f800000u;
        half[i] = (uint16_t)((is_nan ? bits | 0x400000u : rounded) >> 16);
    }
}

static void decode_bf16(real *to, const void *from, int64_t n) {
    const uint16_t *half = from;
    for (int64_t i = 0; i < n; i++)
        to[i] = float_of((uint32_t)half[i] << 16);
}

const NumberFormat format_bf16 = {sizeof(uint16_t), encode_bf16, decode_bf16};

/* Sign, 5 bits of exponent (bias 15), 10 of fraction. */
static uint16_t to_fp16(uint32_t bits) {
    uint32_t sign = bits >> 16 & 0x8000u, size = bits & 0x7fffffffu;
    if (size > 0x7f800000u)
        return (uint16_t)(sign | 0x7e00u); /* NaN */
    if (size >= 0x477ff000u)               /* would round above 65504 */
        return (uint16_t)(sign | (size == 0x7f800000u ? 0x7c00u : 0x7bffu));
    if (size < 0x38800000u) { /* below 2^-14: a multiple of 2^-24, the float adder rounds it */
        float shifted = float_of(size) + 0.5F;
        return (uint16_t)(sign | (bits_of(shifted) - 0x3f000000u));
    }
    uint32_t rounded = size + 0xfffu + (size >> 13 & 1);
    return (uint16_t)(sign | ((rounded - 0x38000000u) >> 13));
}

static float from_fp16(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16, size = half & 0x7fffu;
    if (size >= 0x7c00u)
        return float_of(sign | 0x7f800000u | (size & 0x3ffu) << 13);
    if (size >= 0x400u)
        return float_of(sign | ((size << 13) + 0x38000000u));
    float small = (float)size * 0x1p-24F;
    return sign ? -small : small;
}

static void encode_fp16(void *to, const real *from, int64_t n) {
    uint16_t *half = to;
    for (int64_t i = 0; i < n; i++)
        half[i] = to_fp16(bits_of(from[i]));
}

static void decode_fp16(real *to, const void *from, int64_t n) {
    const uint16_t *half = from;
    for (int64_t i = 0; i < n; i++)
        to[i] = from_fp16(half[i]);
}

const NumberFormat format_fp16 = {sizeof(uint16_t), encode_fp16, decode_fp16};
