/* The kernel table: right products, and the bits that the one-trajectory contract stands on. The
 * whole group runs on this machine's instruction set and once more pinned to AVX2 (whose kernels
 * differ). */
#include "lab/base/rng.h"
#include "lab/base/vec.h"
#include "lab/nn/gemm.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

typedef struct Product {
    int m, n, k;
    float *a, *b, *start, *fused, *apart;
} Product;

static float *draw(int64_t n, uint64_t index) {
    Rng rng = rng_new(5, RNG_TEST, index);
    float *x = malloc((size_t)n * sizeof *x);
    assert_non_null(x);
    for (int64_t i = 0; i < n; i++)
        x[i] = (float)rng_uniform(&rng) * 2 - 1;
    return x;
}

static Product product_new(int m, int n, int k) {
    Product p = {
        m,    n,   k, draw((int64_t)m * k, 1), draw((int64_t)k * n, 2), draw((int64_t)m * n, 3),
        NULL, NULL};
    p.fused = calloc((size_t)m * (size_t)n, sizeof(float));
    p.apart = calloc((size_t)m * (size_t)n, sizeof(float));
    return p;
}

static void product_end(Product *p) {
    free(p->a), free(p->b), free(p->start), free(p->fused), free(p->apart);
}

static void multiply(GemmOp op, const Product *p, int k, float *c, bool accumulate) {
    gemm(op == GEMM_TN, op == GEMM_NT, p->m, p->n, k, p->a, p->b, c, accumulate);
}

static double element(GemmOp op, const Product *p, int i, int j) {
    double sum = 0;
    for (int q = 0; q < p->k; q++) {
        double a = (double)(op == GEMM_TN ? p->a[q * p->m + i] : p->a[i * p->k + q]);
        double b = (double)(op == GEMM_NT ? p->b[j * p->k + q] : p->b[q * p->n + j]);
        sum += a * b;
    }
    return sum;
}

static void test_gemm__agrees_with_a_plain_loop(void **state) {
    (void)state;
    const int shape[][3] = {{1, 1, 1},     {1, 10, 784},    {3, 5, 7},     {32, 10, 512},
                            {10, 512, 32}, {128, 129, 130}, {96, 512, 300}};
    for (size_t s = 0; s < sizeof shape / sizeof *shape; s++)
        for (int op = 0; op < GEMM_OP_N; op++) {
            Product p = product_new(shape[s][0], shape[s][1], shape[s][2]);
            multiply((GemmOp)op, &p, p.k, p.fused, false);
            for (int i = 0; i < p.m; i++)
                for (int j = 0; j < p.n; j++)
                    assert_true(fabs((double)p.fused[i * p.n + j] -
                                     element((GemmOp)op, &p, i, j)) <= 2e-7 * p.k);
            product_end(&p);
        }
}

/* The sum of the shard's own product and what was there, by accumulating and by adding; same bits?
 */
static void check_accumulate(GemmOp op, Product *p, int k) {
    size_t n = (size_t)p->m * (size_t)p->n;
    memcpy(p->fused, p->start, n * sizeof(float));
    multiply(op, p, k, p->fused, true);
    multiply(op, p, k, p->apart, false);
    vec_add(p->apart, p->start, (int64_t)n);
    if (memcmp(p->fused, p->apart, n * sizeof(float)) != 0)
        fail_msg("%s %s (%d, %d, %d) accumulates other bits than a separate add",
                 gemm_isa_name(gemm_isa()), gemm_op_name(op), p->m, p->n, k);
}

static void test_gemm__accumulate_equals_a_separate_add(void **state) {
    (void)state;
    const int shape[][2] = {{512, 784}, {512, 512}, {10, 512}, {10, 784}, {128, 784},
                            {10, 128},  {64, 33},   {1, 17},   {17, 1},   {1, 8000}};
    for (size_t s = 0; s < sizeof shape / sizeof *shape; s++) {
        Product p = product_new(shape[s][0], shape[s][1], GEMM_MAX_ACCUMULATE);
        for (int k = 1; k <= 128; k++)
            check_accumulate(GEMM_TN, &p, k);
        for (int k = 136; k <= GEMM_MAX_ACCUMULATE; k += 24)
            check_accumulate(GEMM_TN, &p, k);
        product_end(&p);
    }
}

static void test_gemm__every_operation_accumulates_alike(void **state) {
    (void)state;
    const int shape[][3] = {
        {32, 10, 256}, {128, 512, 256}, {7, 9, 11}, {100, 100, 101}, {512, 300, 256}};
    for (size_t s = 0; s < sizeof shape / sizeof *shape; s++)
        for (int op = 0; op < GEMM_OP_N; op++) {
            Product p = product_new(shape[s][0], shape[s][1], shape[s][2]);
            check_accumulate((GemmOp)op, &p, p.k);
            product_end(&p);
        }
}

static void compare_in_threads(GemmOp op, Product *p, bool accumulate) {
    size_t n = (size_t)p->m * (size_t)p->n, bytes = n * sizeof(float);
    omp_set_num_threads(1);
    memcpy(p->apart, p->start, bytes);
    multiply(op, p, p->k, p->apart, accumulate);
    int differ = 0;
    omp_set_num_threads(2); /* what the program's maximum is; inside the region it must be 1 */
#pragma omp parallel num_threads(2) reduction(+ : differ)
    {
        omp_set_num_threads(1);
        float *mine = malloc(bytes);
        for (int repeat = 0; repeat < 4; repeat++) {
            memcpy(mine, p->start, bytes);
            multiply(op, p, p->k, mine, accumulate);
            differ += memcmp(mine, p->apart, bytes) != 0;
        }
        free(mine);
    }
    omp_set_num_threads(1);
    if (differ)
        fail_msg("%s %s (%d, %d, %d) has other bits inside a parallel region",
                 gemm_isa_name(gemm_isa()), gemm_op_name(op), p->m, p->n, p->k);
}

static void test_gemm__same_bits_from_two_threads_at_once(void **state) {
    (void)state;
    const int width[][2] = {{784, 512}, {512, 512}, {512, 10}}; /* n_in, n_out */
    for (int b = 32; b <= 128; b *= 2)
        for (size_t l = 0; l < sizeof width / sizeof *width; l++)
            for (int op = 0; op < GEMM_OP_N; op++) {
                int n_in = width[l][0], n_out = width[l][1];
                Product p = op == GEMM_NT   ? product_new(b, n_out, n_in)
                            : op == GEMM_NN ? product_new(b, n_in, n_out)
                                            : product_new(n_out, n_in, b);
                compare_in_threads((GemmOp)op, &p, false);
                if (op == GEMM_TN)
                    compare_in_threads((GemmOp)op, &p, true);
                product_end(&p);
            }
}

static void test_gemm__the_table_is_complete_and_known(void **state) {
    (void)state;
    for (int isa = 0; isa < GEMM_ISA_N; isa++)
        for (int op = 0; op < GEMM_OP_N; op++)
            assert_int_equal(gemm_library((GemmIsa)isa, (GemmOp)op, GEMM_NARROW), GEMM_OPENBLAS);
    assert_int_equal(gemm_library(GEMM_AVX512, GEMM_TN, GEMM_LARGE), GEMM_ONEDNN);
    assert_int_equal(gemm_library(GEMM_AVX2, GEMM_TN, GEMM_LARGE), GEMM_OPENBLAS);
    assert_int_equal(gemm_library(GEMM_AVX2, GEMM_NT, GEMM_SMALL), GEMM_ONEDNN);
    assert_int_equal(gemm_library(GEMM_BASE, GEMM_NT, GEMM_LARGE), GEMM_OPENBLAS);
    assert_int_equal(gemm_shape(64, 10, 784), GEMM_NARROW);
    assert_int_equal(gemm_shape(64, 17, 784), GEMM_SMALL);
    assert_int_equal(gemm_shape(100, 100, 100), GEMM_SMALL);
    assert_int_equal(gemm_shape(128, 10, 784), GEMM_LARGE);
    assert_int_equal(gemm_shape(1, 5000, 5000), GEMM_NARROW);
    assert_int_equal(gemm_shape(5000, 1, 5000), GEMM_NARROW);
    assert_int_equal(gemm_shape(50000, 50000, 50000), GEMM_LARGE); /* beyond 32 bits */
}

static void test_gemm__a_pin_to_avx2_is_seen(void **state) {
    (void)state;
    const char *pin = getenv("ONEDNN_MAX_CPU_ISA");
    if (!pin || strcmp(pin, "AVX2") != 0)
        skip();
    assert_true(gemm_isa() <= GEMM_AVX2);
}

/* Both libraries read their pin when they are loaded: a process of its own. */
static int run_pinned(char **argv) {
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        setenv("OPENBLAS_CORETYPE", "Haswell", 1);
        setenv("ONEDNN_MAX_CPU_ISA", "AVX2", 1);
        execv("/proc/self/exe", argv);
        _exit(127);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv) {
    (void)argc;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gemm__agrees_with_a_plain_loop),
        cmocka_unit_test(test_gemm__accumulate_equals_a_separate_add),
        cmocka_unit_test(test_gemm__every_operation_accumulates_alike),
        cmocka_unit_test(test_gemm__same_bits_from_two_threads_at_once),
        cmocka_unit_test(test_gemm__the_table_is_complete_and_known),
        cmocka_unit_test(test_gemm__a_pin_to_avx2_is_seen),
    };
    omp_set_num_threads(1);
    bool pinned = getenv("ONEDNN_MAX_CPU_ISA") != NULL || !__builtin_cpu_supports("avx2");
    int failed = pinned ? 0 : run_pinned(argv); /* before this process starts threads */
    return cmocka_run_group_tests_name("gemm", tests, NULL, NULL) + failed;
}
