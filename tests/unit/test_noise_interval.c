/* The interval of the noise scale against a noisy quadratic whose exact value is known: coverage
 * counted over repetitions with fixed seeds. */
#include "lab/analyze/noise_interval.h"
#include "lab/base/rng.h"
#include "tests/unit/sanitized.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#define DIM 8
#define SHARDS 8
#define MAX_STEPS 2000

/* cmocka compares in single precision. */
static void near(double value, double expected, double tolerance) {
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%.17g is not %.17g within %g", value, expected, tolerance);
}

/* L = 1/2 sum h th^2 with gradient noise N(0, c/b) in each of SHARDS shards of b examples. */
typedef struct Quadratic {
    const char *name;
    double rate, start; /* learning rate; weights begin at `start` times their stationary spread,
                           drawn for 1 */
    int steps, shard;
    bool frozen;
} Quadratic;

static double curvature(int i) {
    return 1.0 / (1 + i);
}

static double noise(int i) {
    return 2.0 + (i % 3);
}

static double stationary(const Quadratic *q, int i) {
    double batch = SHARDS * q->shard, h = curvature(i);
    return q->rate * noise(i) / (batch * h * (2 - q->rate * h));
}

/* Steps of one run; *exact is sum tr / sum E|G|^2 over them, from the recursion of methods 6. */
static void train(double *trace, double *sqnorm, double *exact, const Quadratic *q, uint64_t seed) {
    double weight[DIM], second[DIM], tr = 0, g2 = 0;
    Rng rng = rng_new(seed, RNG_TEST, 77);
    for (int i = 0; i < DIM; i++) {
        second[i] = stationary(q, i) * q->start * q->start;
        weight[i] = sqrt(second[i]) * (q->start == 1 ? rng_normal(&rng) : 1);
    }
    for (int t = 0; t < q->steps; t++) {
        double unit = 0, whole = 0;
        for (int i = 0; i < DIM; i++) {
            double h = curvature(i), sum = 0;
            for (int s = 0; s < SHARDS; s++) {
                double grad = h * weight[i] + sqrt(noise(i) / q->shard) * rng_normal(&rng);
                unit += grad * grad / SHARDS;
                sum += grad / SHARDS;
            }
            whole += sum * sum;
            tr += noise(i);
            g2 += h * h * second[i];
            if (!q->frozen) {
                double keep = 1 - q->rate * h;
                weight[i] -= q->rate * sum;
                second[i] =
                    keep * keep * second[i] + q->rate * q->rate * noise(i) / (SHARDS * q->shard);
            }
        }
        trace[t] = q->shard * SHARDS / (SHARDS - 1.0) * (unit - whole);
        sqnorm[t] = (SHARDS * whole - unit) / (SHARDS - 1.0);
    }
    *exact = tr / g2;
}

typedef struct Rates {
    double jackknife, fieller, open;
} Rates;

static bool covers(Interval in, double truth) {
    return in.low <= truth && (isnan(in.high) || truth <= in.high);
}

static Rates rates_of(const Quadratic *q, int wanted) {
    Rates out = {0};
    int n_repetitions = repetitions(wanted);
    double each = 1.0 / n_repetitions;
    double trace[MAX_STEPS], sqnorm[MAX_STEPS], exact;
    const double *x = trace, *y = sqnorm;
    for (int r = 0; r < n_repetitions; r++) {
        Arena *arena = arena_new();
        int64_t n = q->steps;
        train(trace, sqnorm, &exact, q, (uint64_t)r);
        NoiseInterval interval = noise_interval(&x, &y, &n, 1, arena);
        out.jackknife += covers(interval.in, exact) ? each : 0;
        out.fieller += covers(interval.fieller, exact) ? each : 0;
        out.open += isnan(interval.in.high) ? each : 0;
        arena_end(arena);
    }
    printf("%-42s exact %.0f: jackknife covers %.3f, Fieller %.3f; no upper end in %.3f\n", q->name,
           exact, out.jackknife, out.fieller, out.open);
    return out;
}

static void test_noise_interval__covers_the_exact_value(void **state) {
    (void)state;
    static const Quadratic cases[] = {
        {"frozen weights", 0.1, 3, 400, 4, true},
        {"frozen, |G|^2 far below its noise", 0.1, 0.7, 400, 4, true},
        {"stationary SGD", 0.5, 1, 1000, 4, false},
        {"descending SGD", 0.02, 12, 300, 4, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Rates rates = rates_of(&cases[i], 500);
        if (SANITIZED)
            continue;
        assert_true(rates.jackknife >= 0.85 && rates.jackknife <= 0.97);
        assert_true(rates.fieller >= 0.85 && rates.fieller <= 0.97);
    }
}

static void test_noise_interval__without_a_gradient_there_is_no_upper_end(void **state) {
    (void)state;
    Quadratic nothing = {"no gradient at all", 0.1, 0, 400, 4, true};
    double trace[MAX_STEPS], sqnorm[MAX_STEPS], exact;
    const double *x = trace, *y = sqnorm;
    int open = 0, agree = 0;
    for (int r = 0; r < repetitions(200); r++) {
        Arena *arena = arena_new();
        int64_t n = nothing.steps;
        train(trace, sqnorm, &exact, &nothing, (uint64_t)r);
        NoiseInterval interval = noise_interval(&x, &y, &n, 1, arena);
        open += isnan(interval.in.high);
        agree += isnan(interval.in.high) == isnan(interval.fieller.high);
        arena_end(arena);
    }
    assert_true(SANITIZED || open >= 180);
    assert_true(SANITIZED || agree >= 190);
}

/* Seeds of one cell with a tensor each of two quadratics, recorded as the training loop does: means
 * between evaluations. */
static const Cell *cell_of_windows(double exact[2], const Quadratic *const tensor[2], int n_seeds,
                                   int window, uint64_t seed, Arena *arena) {
    enum { TENSORS = 2 };
    Cell *cell = ARENA_NEW(arena, Cell);
    cell->n_trials = n_seeds;
    cell->runs = ARENA_ARRAY(arena, const RunRecord *, n_seeds);
    for (int r = 0; r < n_seeds; r++) {
        RunRecord *run = ARENA_NEW(arena, RunRecord);
        run->n_steps = tensor[0]->steps;
        run->n_evals = tensor[0]->steps / window;
        run->header.n_layers = TENSORS;
        run->steps = ARENA_ARRAY(arena, StepRow, run->n_steps);
        run->evals = ARENA_ARRAY(arena, EvalRow, run->n_evals);
        run->layers = ARENA_ARRAY(arena, LayerRow, TENSORS * run->n_evals);
        run->steps[run->n_steps - 1].step = run->n_steps;
        for (int i = 0; i < TENSORS; i++) {
            double trace[MAX_STEPS], sqnorm[MAX_STEPS];
            train(trace, sqnorm, &exact[i], tensor[i],
                  1000 * seed + 10 * (uint64_t)r + (uint64_t)i);
            for (int t = 0; t < run->n_evals * window; t++) {
                LayerRow *row = &run->layers[t / window * TENSORS + i];
                row->noise_trace += trace[t] / window;
                row->noise_sqnorm += sqnorm[t] / window;
                run->evals[t / window].step = t + 1;
            }
        }
        cell->runs[r] = run;
    }
    return cell;
}

/* At frozen weights every stretch has the same exact value, so the second half too. */
static void test_noise_interval__of_a_tensor_covers_the_exact_value(void **state) {
    (void)state;
    static const Quadratic strong = {"strong", 0.1, 3, 240, 4, true},
                           weak = {"weak", 0.1, 1.2, 240, 4, true};
    static const Quadratic *const tensor[2] = {&strong, &weak};
    enum { MOST_SEEDS = 4 };
    int n_repetitions = repetitions(300);
    for (int n_seeds = 1; n_seeds <= MOST_SEEDS; n_seeds += MOST_SEEDS - 1) {
        double covered[2] = {0}, exact[2];
        for (int r = 0; r < n_repetitions; r++) {
            Arena *arena = arena_new();
            const Cell *cell = cell_of_windows(exact, tensor, n_seeds, 30, (uint64_t)r, arena);
            NoiseInterval all = noise_interval_of_layer(cell, NOISE_ALL_LAYERS, arena);
            for (int i = 0; i < 2; i++) {
                NoiseInterval interval = noise_interval_of_layer(cell, i, arena);
                assert_int_equal(interval.n_blocks, 4 * n_seeds);
                covered[i] += covers(interval.in, exact[i]) ? 1.0 / n_repetitions : 0;
                all.trace -= interval.trace;
            }
            near(all.trace, 0, 1e-9);
            arena_end(arena);
        }
        printf("%2d blocks, tensors of exactly %.0f and %.0f: covered in %.3f and %.3f\n",
               4 * n_seeds, exact[0], exact[1], covered[0], covered[1]);
        for (int i = 0; i < 2; i++)
            assert_true(SANITIZED || (covered[i] >= 0.85 && covered[i] <= 0.97));
    }
}

/* Journals that are older than the columns, and models that are not cut into tensors. */
static void test_noise_interval__of_a_tensor_that_was_not_recorded(void **state) {
    (void)state;
    static const Quadratic one = {"one", 0.1, 3, 240, 4, true};
    static const Quadratic *const tensor[2] = {&one, &one};
    double exact[2];
    Arena *arena = arena_new();
    const Cell *cell = cell_of_windows(exact, tensor, 1, 60, 1, arena);
    NoiseInterval few = noise_interval_of_layer(cell, 0, arena);
    assert_int_equal(few.n_blocks, 2);
    assert_true(isfinite(few.scale) && isnan(few.in.low) && isnan(few.in.high));
    assert_int_equal(noise_interval_of_layer(cell, 2, arena).n_blocks, 0);
    for (int i = 0; i < 8; i++)
        cell->runs[0]->layers[i].noise_trace = NAN;
    assert_int_equal(noise_interval_of_layer(cell, 0, arena).n_blocks, 0);
    assert_true(isnan(noise_interval_of_layer(cell, NOISE_ALL_LAYERS, arena).scale));
    arena_end(arena);
}

static void test_noise_interval__few_or_missing_steps(void **state) {
    (void)state;
    Arena *arena = arena_new();
    static const double trace[] = {10, NAN, 12, 8, 10, 11, 9, 10},
                        sqnorm[] = {2, 1, 2, NAN, 3, 1, 2, 2};
    const double *x[] = {trace, trace}, *y[] = {sqnorm, sqnorm};
    int64_t n[] = {8, 0};
    NoiseInterval few = noise_interval(x, y, n, 2, arena);
    assert_int_equal(few.n_blocks, 4);
    /* block means: (10, 2), (12, 2), (10.5, 2), (9.5, 2) */
    near(few.scale, 10.5 / 2, 1e-12);
    assert_true(isnan(few.in.low) && isnan(few.in.high));
    assert_int_equal(noise_interval(x, y, n, 0, arena).n_blocks, 0);
    arena_end(arena);
}

/* An imported run goes on after its target, where the noise is another: that part says nothing
 * about the way there. */
static void test_noise_interval__ends_at_the_target(void **state) {
    (void)state;
    Arena *arena = arena_new();
    enum { TO_TARGET = 40, ALL = 100 };
    StepRow steps[ALL];
    for (int i = 0; i < ALL; i++)
        steps[i] = (StepRow){
            .step = 10 * i + 10, .noise_trace = i < TO_TARGET ? 6 : 600, .noise_sqnorm = 2};
    RunRecord run = {.n_steps = ALL, .steps = steps};
    const RunRecord *runs[] = {&run};
    Cell cell = {.n_trials = 1, .runs = runs};
    run.summary.steps_to_target = 10 * TO_TARGET;
    near(noise_interval_of(&cell, NOISE_PLAIN, arena).scale, 3, 1e-12);
    run.summary.steps_to_target = NAN; /* never: all of its second half */
    near(noise_interval_of(&cell, NOISE_PLAIN, arena).scale, 300, 1e-9);
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_noise_interval__covers_the_exact_value),
        cmocka_unit_test(test_noise_interval__without_a_gradient_there_is_no_upper_end),
        cmocka_unit_test(test_noise_interval__of_a_tensor_covers_the_exact_value),
        cmocka_unit_test(test_noise_interval__of_a_tensor_that_was_not_recorded),
        cmocka_unit_test(test_noise_interval__few_or_missing_steps),
        cmocka_unit_test(test_noise_interval__ends_at_the_target),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
