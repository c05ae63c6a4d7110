/* exp, tanh and the normal distribution in float, inlined into loops that the compiler vectorises:
 * additions, multiplications and divisions only, in a fixed order, so the same bits for every
 * instruction set (libm's differ). NaN stays NaN, so that divergence is seen. Coefficients: minimax
 * fits of our own (Lawson's iteration). */
#ifndef LAB_NN_APPROX_H
#define LAB_NN_APPROX_H

#include <stdint.h>
#include <string.h>

static inline uint32_t approx_bits(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float approx_float(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* e^x within 2 ulp; x is clamped to [-87, 88], where results are normal numbers. */
static inline float approx_exp(float x) {
    const float round = 12582912.0F; /* 1.5 * 2^23: adding it rounds to an integer */
    x = x < -87.0F ? -87.0F : x;
    x = x > 88.0F ? 88.0F : x;
    float shifted = x * 1.44269504F + round;
    float n = shifted - round;
    float r =
        (x - n * 0.693359375F) - n * -2.12194440e-4F; /* Cody and Waite: n * 0.693359375 is exact */
    float p = 1.3813161e-3F;
    p = p * r + 8.3694104e-3F;
    p = p * r + 4.1668456e-2F;
    p = p * r + 1.6666515e-1F;
    p = p * r + 4.9999994e-1F;
    p = 1.0F + (r + r * r * p);
    return p * approx_float((approx_bits(shifted) - approx_bits(round) + 127U) << 23);
}

/* tanh x within 2.5 ulp: an odd polynomial around 0, else from e^(-2|x|). */
static inline float approx_tanh(float x) {
    float size = x < 0.0F ? -x : x;
    float y = x * x;
    float p = -5.6669773e-3F;
    p = p * y + 2.0606177e-2F;
    p = p * y - 5.3730007e-2F;
    p = p * y + 1.3331331e-1F;
    p = p * y - 3.3333278e-1F;
    float near = x + x * y * p;
    float e = approx_exp(-2.0F * size);
    float far = (1.0F - e) / (1.0F + e);
    far = x < 0.0F ? -far : far;
    return size < 0.625F ? near : far;
}

/* Distribution function of N(0, 1) at z, absolute error below 2.5e-7, and *density at z. With u =
 * |z| and t = 1 / (1 + 0.3 u) the tail is e^(-u^2/2) times a polynomial in t (relative error of the
 * fit 3.5e-9). */
static inline float approx_normal(float z, float *density) {
    float u = z < 0.0F ? -z : z;
    float t = 1.0F / (1.0F + 0.3F * u);
    float p = -2.0612827e-2F;
    p = p * t + 1.1237576e-1F;
    p = p * t - 2.2806747e-1F;
    p = p * t + 1.9158167e-1F;
    p = p * t - 7.9247288e-2F;
    p = p * t + 9.6057795e-2F;
    p = p * t + 7.8425594e-2F;
    p = p * t + 1.1022732e-1F;
    p = p * t + 1.1957284e-1F;
    p = p * t + 1.1968663e-1F;
    float e = approx_exp(-0.5F * u * u);
    float tail = e * (t * p);
    *density = e * 0.39894228F;
    return z < 0.0F ? tail : 1.0F - tail;
}

#endif
