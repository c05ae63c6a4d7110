/* exp, tanh and the normal distribution in float against libm in double, and the same bits on every
 * instruction set. */
#include "lab/nn/approx.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

enum { N_POINTS = 1 << 20 };

/* Distance from `exact` in units of the last place of the float nearest to it. */
static double ulps(float x, double exact) {
    float size = fabsf((float)exact);
    double unit = (double)(nextafterf(size, INFINITY) - size);
    return fabs((double)x - exact) / unit;
}

static float point(int i, float low, float high) {
    return low + (high - low) * ((float)i / (float)(N_POINTS - 1));
}

static void test_approx__exp_is_within_two_ulp(void **state) {
    (void)state;
    double worst = 0;
    for (int i = 0; i < N_POINTS; i++) {
        float x = point(i, -87.0F, 88.0F);
        worst = fmax(worst, ulps(approx_exp(x), exp((double)x)));
    }
    print_message("exp: %.2f ulp\n", worst);
    assert_true(worst < 2.0);
    assert_true(approx_exp(0.0F) == 1.0F);
}

static void test_approx__exp_outside_its_range_is_clamped(void **state) {
    (void)state;
    assert_true(approx_exp(-1e30F) == approx_exp(-87.0F));
    assert_true(approx_exp(-INFINITY) == approx_exp(-87.0F) && approx_exp(-87.0F) > 0.0F);
    assert_true(approx_exp(INFINITY) == approx_exp(88.0F) && isfinite(approx_exp(88.0F)));
}

static void test_approx__tanh_is_within_three_ulp(void **state) {
    (void)state;
    double worst = 0;
    for (int i = 0; i < N_POINTS; i++) {
        float x = point(i, -10.0F, 10.0F);
        worst = fmax(worst, ulps(approx_tanh(x), tanh((double)x)));
    }
    for (float x = 1e-30F; x < 1.0F; x *= 1.01F)
        worst = fmax(worst, ulps(approx_tanh(x), tanh((double)x)));
    print_message("tanh: %.2f ulp\n", worst);
    assert_true(worst < 3.0);
    assert_true(approx_tanh(100.0F) == 1.0F && approx_tanh(-INFINITY) == -1.0F);
}

static void test_approx__normal_has_small_absolute_error(void **state) {
    (void)state;
    double worst = 0, worst_density = 0;
    for (int i = 0; i < N_POINTS; i++) {
        float density, z = point(i, -14.0F, 14.0F);
        double x = (double)z;
        worst = fmax(worst, fabs((double)approx_normal(z, &density) - 0.5 * erfc(-x / sqrt(2.0))));
        worst_density =
            fmax(worst_density, fabs((double)density - exp(-0.5 * x * x) / sqrt(2.0 * acos(-1.0))));
    }
    print_message("normal: %.2g, density %.2g\n", worst, worst_density);
    assert_true(worst < 2.5e-7);
    assert_true(worst_density < 1e-7);
}

static void test_approx__nan_stays_nan(void **state) {
    (void)state;
    float density;
    assert_true(isnan(approx_exp(NAN)));
    assert_true(isnan(approx_tanh(NAN)));
    assert_true(isnan(approx_normal(NAN, &density)) && isnan(density));
}

/* The same loop for three instruction sets, vectorised by the compiler each in its own way. */
#define DEFINE_ALL(name, ...)                                                                      \
    __VA_ARGS__ static void name(float *out, int n) {                                              \
        for (int i = 0; i < n; i++) {                                                              \
            float density, x = -20.0F + 40.0F * ((float)i / (float)n);                             \
            out[i] = approx_exp(x) + approx_tanh(x) + approx_normal(x, &density);                  \
            out[i] += density;                                                                     \
        }                                                                                          \
    }
DEFINE_ALL(all_default, )
#ifdef __x86_64__
DEFINE_ALL(all_avx2, __attribute__((target("avx2,fma"))))
DEFINE_ALL(all_avx512, __attribute__((target("avx512f,avx512dq,fma"))))
#endif

static void test_approx__same_bits_on_every_instruction_set(void **state) {
    (void)state;
#ifdef __x86_64__
    int n = 100003;
    float *base = calloc((size_t)n, sizeof(float)), *other = calloc((size_t)n, sizeof(float));
    all_default(base, n);
    bool tried = false;
    if (__builtin_cpu_supports("avx2")) {
        all_avx2(other, n);
        assert_memory_equal(base, other, (size_t)n * sizeof(float));
        tried = true;
    }
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")) {
        all_avx512(other, n);
        assert_memory_equal(base, other, (size_t)n * sizeof(float));
    }
    free(base);
    free(other);
    if (!tried)
        skip();
#else
    skip();
#endif
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_approx__exp_is_within_two_ulp),
        cmocka_unit_test(test_approx__exp_outside_its_range_is_clamped),
        cmocka_unit_test(test_approx__tanh_is_within_three_ulp),
        cmocka_unit_test(test_approx__normal_has_small_absolute_error),
        cmocka_unit_test(test_approx__nan_stays_nan),
        cmocka_unit_test(test_approx__same_bits_on_every_instruction_set),
    };
    return cmocka_run_group_tests_name("approx", tests, NULL, NULL);
}
