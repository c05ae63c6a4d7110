/* The gate: MLPerf's worked case, verdicts on small lists, and its promises (false alarms, power)
 * counted over repetitions with fixed seeds. */
#include "lab/analyze/gate.h"
#include "lab/base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define COUNT(x) ((int)(sizeof(x) / sizeof *(x)))

/* cmocka compares in single precision. */
static void near(double value, double expected, double tolerance) {
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%.17g is not %.17g within %g", value, expected, tolerance);
}

static Gate check(const double *reference, int n_reference, const double *checked, int n_checked,
                  Arena *arena) {
    GateInput input = {.reference = reference,
                       .checked = checked,
                       .n_reference = n_reference,
                       .n_checked = n_checked,
                       .margin = GATE_MARGIN};
    return gate_check(&input, arena);
}

static void test_gate__worked_case_of_mlperf(void **state) {
    (void)state;
    static const double reference[] = {16, 14, 16, 17, 16, 16, 15, 16, 15, 16};
    int kept;
    double sd;
    near(gate_olympic(reference, COUNT(reference), &kept, &sd), 15.75, 1e-12);
    assert_int_equal(kept, 8);
    near(sd, sqrt(3.0 / 16), 1e-12);
    near(gate_minimum(reference, COUNT(reference), 5), 15.21, 0.005);
}

static void test_gate__olympic_mean_drops_a_miss_as_the_highest(void **state) {
    (void)state;
    near(gate_olympic((double[]){5, NAN, 1, 3}, 4, NULL, NULL), 4, 0);
    assert_true(isnan(gate_olympic((double[]){5, NAN, 1, NAN}, 4, NULL, NULL)));
    near(gate_olympic((double[]){5, 7}, 2, NULL, NULL), 6, 0);
    assert_true(isnan(gate_minimum((double[]){5}, 1, 1)));
}

static void test_gate__verdicts_on_plain_lists(void **state) {
    (void)state;
    Arena *arena = arena_new();
    static const double reference[] = {100, 102, 98, 101, 99, 103, 97, 100, 101, 99};
    static const double same[] = {101, 99, 100, 102, 98}, slower[] = {111, 109, 110, 112, 108},
                        faster[] = {91, 89, 90, 92, 88}, lost[] = {101, NAN, 100, NAN, 98},
                        one_lost[] = {101, NAN, 100, 102, 98}, few[] = {101};
    assert_int_equal(check(reference, 10, same, 5, arena).kind, GATE_SAME);
    Gate gate = check(reference, 10, slower, 5, arena);
    assert_int_equal(gate.kind, GATE_SLOWER);
    near(gate.slowdown, 0.10, 0.001);
    assert_true(gate.low > 0.07 && gate.high < 0.13 && gate.detectable < 0.06);
    assert_non_null(strstr(gate.sentence, "slower: 10 % more examples"));
    assert_non_null(strstr(gate.sentence, "5 seeds see a slowdown of"));
    assert_int_equal(check(reference, 10, faster, 5, arena).kind, GATE_FASTER);
    gate = check(reference, 10, lost, 5, arena);
    assert_int_equal(gate.kind, GATE_MISSED);
    assert_non_null(strstr(gate.sentence, "2 of 5 runs missed the target (reference: 0 of 10)"));
    gate = check(reference, 10, one_lost, 5, arena); /* as the slowest of five, and said */
    assert_int_equal(gate.kind, GATE_SAME);
    assert_non_null(strstr(gate.sentence, "1 of 5 runs missed"));
    gate = check(reference, 10, few, 1, arena); /* the reference's spread speaks for it */
    assert_int_equal(gate.kind, GATE_SAME);
    assert_non_null(strstr(gate.sentence, "1 seed see"));
    assert_int_equal(check(few, 1, few, 1, arena).kind, GATE_UNKNOWN);
    assert_int_equal(check(reference, 10, (double[]){NAN}, 1, arena).kind, GATE_MISSED);
    assert_int_equal(check(NULL, 0, same, 5, arena).kind, GATE_UNKNOWN);
    arena_end(arena);
}

/* Half of the reference's own runs miss: then a few missing ones are no news. */
static void test_gate__a_reference_that_misses_explains_misses(void **state) {
    (void)state;
    Arena *arena = arena_new();
    static const double reference[] = {100, NAN, 98, NAN, 99, NAN, 97, 100, 101, NAN};
    static const double checked[] = {101, NAN, 100, NAN, 98, 99, 100};
    assert_int_equal(check(reference, 10, checked, 7, arena).kind, GATE_UNKNOWN);
    arena_end(arena);
}

/* Differences below the margin do not matter, however well they are seen. */
static void test_gate__a_hair_is_no_regression(void **state) {
    (void)state;
    Arena *arena = arena_new();
    static const double reference[] = {1000, 1001, 999, 1000}, hair[] = {1010, 1011, 1009, 1010};
    assert_int_equal(check(reference, 4, hair, 4, arena).kind, GATE_SAME);
    arena_end(arena);
}

/* Without spread between seeds one evaluation more or less is rounding, not a verdict. */
static void test_gate__the_quantum_is_an_error_of_its_own(void **state) {
    (void)state;
    Arena *arena = arena_new();
    static const double reference[] = {15000, 15000, 15000, 15000}, later[] = {16500, 15000, 15000},
                        next[] = {16500, 16500, 16500}, much_later[] = {18000, 18000, 18000};
    GateInput input = {.reference = reference,
                       .checked = later,
                       .n_reference = 4,
                       .n_checked = 3,
                       .margin = GATE_MARGIN,
                       .quantum = 1500};
    assert_int_equal(gate_check(&input, arena).kind, GATE_SAME);
    input.checked = next; /* 14,999 became 15,001, perhaps */
    assert_int_equal(gate_check(&input, arena).kind, GATE_SAME);
    input.checked = much_later;
    assert_int_equal(gate_check(&input, arena).kind, GATE_SLOWER);
    arena_end(arena);
}

/* The largest of q (1 - q)^10 is at q = 1/11. */
static void test_gate__chance_of_misses_is_boschloos(void **state) {
    (void)state;
    near(gate_miss_chance(1, 1, 0, 10), pow(10.0 / 11, 10) / 11, 1e-4);
    near(gate_miss_chance(0, 5, 0, 10), 1, 0);
    near(gate_miss_chance(0, 5, 3, 10), 1, 0);
    assert_true(gate_miss_chance(2, 5, 0, 20) < 0.02 && gate_miss_chance(2, 5, 4, 20) > 0.2);
    /* of 3 against 3 only all against none is as lopsided: q^3 (1 - q)^3 at 1/2 */
    near(gate_miss_chance(3, 3, 0, 3), 1.0 / 64, 1e-4);
}

/* Too few runs to show that more of them miss; but the budget was ten times what training needs. */
static void test_gate__runs_lost_at_the_budget_are_missed(void **state) {
    (void)state;
    Arena *arena = arena_new();
    static const double reference[] = {100, 102, 98, 101, NAN, 103, 97, 100, 101, 99},
                        lost[] = {NAN};
    GateInput input = {.reference = reference + 5,
                       .checked = lost,
                       .n_reference = 5,
                       .n_checked = 1,
                       .margin = GATE_MARGIN,
                       .n_cells = 8};
    assert_int_equal(gate_check(&input, arena).kind, GATE_UNKNOWN);
    input.budget = 1000;
    assert_int_equal(gate_check(&input, arena).kind, GATE_MISSED);
    input.reference = reference; /* it misses now and then, so one more is no news */
    input.n_reference = 10;
    assert_int_equal(gate_check(&input, arena).kind, GATE_UNKNOWN);
    arena_end(arena);
}

static void test_gate__blind_seeds_say_unknown(void **state) {
    (void)state;
    Arena *arena = arena_new();
    static const double reference[] = {100, 300, 50, 200}, checked[] = {90, 250, 120};
    Gate gate = check(reference, 4, checked, 3, arena);
    assert_int_equal(gate.kind, GATE_UNKNOWN);
    assert_true(gate.detectable > GATE_BLIND);
    arena_end(arena);
}

/* Share of each verdict when the checked code needs (1 + slowdown) times the examples. */
static void rates(double rate[5], double *stated, double slowdown, double noise, int n_checked,
                  double quantum, int repetitions) {
    memset(rate, 0, 5 * sizeof *rate);
    *stated = 0;
    for (int r = 0; r < repetitions; r++) {
        Arena *arena = arena_new();
        Rng rng = rng_new(8, RNG_TEST, (uint64_t)r);
        double reference[16], checked[16];
        int n_reference = 2 * n_checked;
        for (int i = 0; i < n_reference + n_checked; i++) {
            double *x = i < n_reference ? &reference[i] : &checked[i - n_reference];
            *x = 20000 * (i < n_reference ? 1 : 1 + slowdown) * exp(noise * rng_normal(&rng));
            *x = quantum > 0 ? quantum * ceil(*x / quantum) : *x;
        }
        GateInput input = {.reference = reference,
                           .checked = checked,
                           .n_reference = n_reference,
                           .n_checked = n_checked,
                           .margin = GATE_MARGIN,
                           .quantum = quantum};
        Gate gate = gate_check(&input, arena);
        rate[gate.kind] += 1.0 / repetitions;
        *stated += gate.detectable / repetitions;
        arena_end(arena);
    }
}

static void test_gate__false_alarms_are_rare(void **state) {
    (void)state;
    static const double noises[] = {0.01, 0.05, 0.15}, quanta[] = {0, 500, 3000};
    for (int n = 0; n < 3; n++)
        for (int q = 0; q < 3; q++) {
            double rate[5], stated;
            rates(rate, &stated, 0, noises[n], 5, quanta[q], 1000);
            printf("unchanged, noise %2.0f %%, quantum %4.1f %%: slower %.3f, faster %.3f, unknown "
                   "%.3f\n",
                   100 * noises[n], quanta[q] / 200, rate[GATE_SLOWER], rate[GATE_FASTER],
                   rate[GATE_UNKNOWN]);
            assert_true(rate[GATE_SLOWER] <= 0.045 && rate[GATE_FASTER] <= 0.045);
        }
}

/* Does a check of n_cells cells of unchanged code fail? A run diverges with probability `miss`, and
 * gives up at `budget`. Without a margin, where alarms are most likely. */
static bool check_fails(uint64_t key, int n_cells, double noise, double miss, double budget) {
    Arena *arena = arena_new();
    Rng rng = rng_new(9, RNG_TEST, key);
    bool fails = false;
    for (int cell = 0; cell < n_cells; cell++) {
        double x[15]; /* 10 of the reference, 5 checked */
        for (int i = 0; i < COUNT(x); i++) {
            x[i] = 20000 * exp(noise * rng_normal(&rng));
            if (rng_uniform(&rng) < miss || (budget > 0 && x[i] > budget))
                x[i] = NAN;
        }
        GateInput input = {.reference = x,
                           .checked = x + 10,
                           .n_reference = 10,
                           .n_checked = 5,
                           .budget = budget,
                           .n_cells = n_cells};
        GateKind kind = gate_check(&input, arena).kind;
        fails = fails || kind == GATE_SLOWER || kind == GATE_FASTER || kind == GATE_MISSED;
    }
    arena_end(arena);
    return fails;
}

static void test_gate__all_cells_together_raise_few_false_alarms(void **state) {
    (void)state;
    static const struct {
        double miss, budget, most;
    } how[] = {{0, 0, 0.06}, {0.1, 200000, 0.10}, {0.2, 200000, 0.10}, {0, 22000, 0.10}};
    for (int n_cells = 2; n_cells <= 6; n_cells += 4)
        for (int h = 0; h < COUNT(how); h++) {
            enum { REPETITIONS = 500 };
            int failed = 0;
            for (int r = 0; r < REPETITIONS; r++)
                failed += check_fails((uint64_t)r, n_cells, 0.08, how[h].miss, how[h].budget);
            printf("unchanged, %d cells, %.0f %% diverge, budget %.0f: %.3f of the checks fail\n",
                   n_cells, 100 * how[h].miss, how[h].budget, (double)failed / REPETITIONS);
            assert_true(failed <= how[h].most * REPETITIONS);
        }
}

static void test_gate__sees_what_it_says_it_sees(void **state) {
    (void)state;
    static const double noises[] = {0.005, 0.03, 0.08};
    for (int n_checked = 3; n_checked <= 8; n_checked += 5)
        for (int n = 0; n < 3; n++) {
            double rate[5], stated, unused;
            rates(rate, &stated, 0, noises[n], n_checked, 0, 400);
            rates(rate, &unused, stated, noises[n], n_checked, 0, 1000);
            printf("%d seeds, noise %.1f %%: a slowdown of %.1f %% is seen in %.3f\n", n_checked,
                   100 * noises[n], 100 * stated, rate[GATE_SLOWER]);
            assert_true(rate[GATE_SLOWER] >= 0.76);
        }
}

static void test_gate__hull_is_the_lower_one(void **state) {
    (void)state;
    Arena *arena = arena_new();
    static const double batch[] = {512, 32, 128, 256}, examples[] = {900, 100, 700, 300};
    near(gate_hull(32, batch, examples, 4, arena), 100, 0);
    near(gate_hull(512, batch, examples, 4, arena), 900, 0);
    near(gate_hull(128, batch, examples, 4, arena), 100 + 200 * 96.0 / 224,
         1e-9); /* 700 is above the line */
    near(gate_hull(384, batch, examples, 4, arena), 600, 1e-9);
    assert_true(isnan(gate_hull(31, batch, examples, 4, arena)));
    assert_true(isnan(gate_hull(513, batch, examples, 4, arena)));
    assert_true(isnan(gate_hull(1, NULL, NULL, 0, arena)));
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gate__worked_case_of_mlperf),
        cmocka_unit_test(test_gate__olympic_mean_drops_a_miss_as_the_highest),
        cmocka_unit_test(test_gate__verdicts_on_plain_lists),
        cmocka_unit_test(test_gate__a_reference_that_misses_explains_misses),
        cmocka_unit_test(test_gate__a_hair_is_no_regression),
        cmocka_unit_test(test_gate__the_quantum_is_an_error_of_its_own),
        cmocka_unit_test(test_gate__chance_of_misses_is_boschloos),
        cmocka_unit_test(test_gate__runs_lost_at_the_budget_are_missed),
        cmocka_unit_test(test_gate__blind_seeds_say_unknown),
        cmocka_unit_test(test_gate__false_alarms_are_rare),
        cmocka_unit_test(test_gate__all_cells_together_raise_few_false_alarms),
        cmocka_unit_test(test_gate__sees_what_it_says_it_sees),
        cmocka_unit_test(test_gate__hull_is_the_lower_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
