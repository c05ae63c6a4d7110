/* Dropout: its random numbers are those of rng_block, its share is the rate, and a transformer that
 * drops agrees with plain loops and does not know its mini-batch. */
#include "lab/base/rng.h"
#include "lab/nn/dropout.h"
#include "tests/law/model_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <omp.h>

enum { N = 1000 };

static void test_dropout__drops_what_philox_says(void **state) {
    (void)state;
    const uint64_t seed = UINT64_C(0x123456789abcdef);
    Dropout dropout = dropout_new(0.3, seed, 77);
    float in[N], out[N];
    for (int i = 0; i < N; i++)
        in[i] = (float)(i + 1);
    dropout_apply(&dropout, out, in, N, 5, 9, 64);
    for (int i = 0; i < N; i++) {
        uint32_t word[4], e = (uint32_t)i + 64;
        const uint32_t counter[4] = {e / 8, 5 + 256 * 9, 5, 77}; /* RNG_DROPOUT is 5 */
        const uint32_t key[2] = {0x89abcdef, 0x1234567};
        rng_block(word, counter, key);
        uint32_t bits = word[e % 8 / 2] >> (e % 2 ? 16 : 0) & 0xFFFF;
        assert_true(out[i] == (bits < 19661 ? 0 : in[i] * (65536.0F / (65536 - 19661))));
    }
}

static void test_dropout__keeps_the_mean(void **state) {
    (void)state;
    Dropout dropout = dropout_new(0.25, 1, 0);
    double sum = 0, dropped = 0;
    for (int position = 0; position < 1000; position++) {
        float x[N];
        for (int i = 0; i < N; i++)
            x[i] = 1;
        dropout_apply(&dropout, x, x, N, position, 0, 0);
        for (int i = 0; i < N; i++) {
            sum += (double)x[i];
            dropped += x[i] == 0;
        }
    }
    assert_true(fabs(sum / 1e6 - 1) < 0.002); /* 3.5 standard deviations */
    assert_true(fabs(dropped / 1e6 - 0.25) < 0.0015);
}

static ModelBench dropping_bench(int mini_batch) {
    const ModelCase with =
        CASE("transformer", "{\"width\": 12, \"depth\": 2, \"heads\": 2, \"dropout\": 0.2}", 70, 5,
             TEXT(12, 2, 2, 70, 5, 0.2));
    return bench_new((const ModelType *)model_table[MODEL_ID_transformer], &with, mini_batch);
}

static double norm(const double *x, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += x[i] * x[i];
    return sqrt(sum);
}

static void test_dropout__transformer_agrees_with_plain_loops(void **state) {
    (void)state;
    ModelBench bench = dropping_bench(9); /* two chunks */
    int64_t n = bench.model->n_weights;
    double *w = ARENA_ARRAY(bench.arena, double, n), *grad = ARENA_ARRAY(bench.arena, double, n);
    for (int64_t i = 0; i < n; i++)
        w[i] = (double)bench.weights[i];
    double loss = bench_witness(&bench, w, grad), whole = norm(grad, n);
    ModelPass pass = bench_pass(&bench, &bench.shard, bench.grad, false, NULL);
    assert_true(fabs(pass.loss_sum - loss) <= 1e-6 * loss);
    for (int64_t i = 0; i < n; i++)
        grad[i] -= (double)bench.grad[i];
    assert_true(norm(grad, n) < 1e-5 * whole);
    ModelPass evaluation = bench_pass(&bench, &bench.shard, NULL, false, NULL);
    assert_true(fabs(evaluation.loss_sum - loss) > 1e-3 * loss); /* nothing is dropped there */
    bench_end(&bench);
}

/* Shard 5 of mini-batch 4 is shards 10 and 11 of mini-batch 2: the same examples of the step, so
 * the same elements are dropped. Another step drops others. */
static void test_dropout__does_not_depend_on_the_mini_batch(void **state) {
    (void)state;
    ModelBench whole = dropping_bench(4), half = dropping_bench(2);
    double loss = bench_pass(&whole, &whole.shard, whole.grad, false, NULL).loss_sum, sum = 0;
    for (int i = 0; i < 2; i++) {
        Shard part = bench_part(&whole, 2 * i, 2);
        part.index = 2 * whole.shard.index + i;
        sum += bench_pass(&half, &part, half.grad, false, NULL).loss_sum;
    }
    assert_true(fabs(sum - loss) < 1e-6 * loss);
    Shard later = whole.shard;
    later.step++;
    assert_true(bench_pass(&whole, &later, whole.grad, false, NULL).loss_sum != loss);
    bench_end(&whole);
    bench_end(&half);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dropout__drops_what_philox_says),
        cmocka_unit_test(test_dropout__keeps_the_mean),
        cmocka_unit_test(test_dropout__transformer_agrees_with_plain_loops),
        cmocka_unit_test(test_dropout__does_not_depend_on_the_mini_batch),
    };
    omp_set_num_threads(1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
