/* The Markov source: its entropy against chains worked out by hand and against its own text. */
#include "lab/data/dataset.h"
#include "lab/data/markov_chain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

/* Two symbols; p(1|0) = 0.2, p(0|1) = 0.4: stationary 2/3, 1/3. */
static void test_markov__entropy_of_a_chain_worked_out_by_hand(void **state) {
    (void)state;
    Arena *arena = arena_new();
    double p[] = {0.8, 0.2, 0.4, 0.6};
    MarkovChain chain = {2, 1, 2, p};
    const double *pi = markov_chain_stationary(&chain, arena);
    assert_true(fabs(pi[0] - 2.0 / 3) < 1e-12 && fabs(pi[1] - 1.0 / 3) < 1e-12);
    double h0 = -0.8 * log(0.8) - 0.2 * log(0.2), h1 = -0.4 * log(0.4) - 0.6 * log(0.6);
    assert_true(fabs(markov_chain_entropy(&chain, pi, 1) - (2 * h0 + h1) / 3) < 1e-12);
    assert_true(fabs(markov_chain_entropy(&chain, pi, 5) - (2 * h0 + h1) / 3) < 1e-12);
    double alone = -2.0 / 3 * log(2.0 / 3) - 1.0 / 3 * log(1.0 / 3);
    assert_true(fabs(markov_chain_entropy(&chain, pi, 0) - alone) < 1e-12);
    arena_end(arena);
}

static void test_markov__without_sharpness_all_symbols_are_alike(void **state) {
    (void)state;
    Arena *arena = arena_new();
    MarkovChain chain;
    markov_chain_make(&chain, 5, 2, 0, 1, arena);
    const double *pi = markov_chain_stationary(&chain, arena);
    for (int known = 0; known < 3; known++)
        assert_true(fabs(markov_chain_entropy(&chain, pi, known) - log(5)) < 1e-12);
    arena_end(arena);
}

/* Average surprise of the text under tables of its own counts, given 0, 1, 2, 3 symbols. */
static double counted(const uint8_t *text, int64_t n, int alphabet, int known, Arena *arena) {
    int64_t states = 1, state = 0;
    for (int i = 0; i < known; i++)
        states *= alphabet;
    double *count = ARENA_ARRAY(arena, double, states *(alphabet + 1)), sum = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int64_t i = 0; i < n; i++) {
            double *row = count + state * (alphabet + 1);
            if (i >= known && pass == 0) {
                row[text[i]]++;
                row[alphabet]++;
            }
            if (i >= known && pass == 1)
                sum -= log(row[text[i]] / row[alphabet]);
            state = (state * alphabet + text[i]) % states;
        }
    return sum / (double)(n - known);
}

static void test_markov__text_has_the_entropy_of_its_chain(void **state) {
    (void)state;
    enum { N = 400000, ALPHABET = 4 };
    Arena *arena = arena_new();
    MarkovChain chain;
    uint8_t *text = arena_alloc(arena, N);
    markov_chain_make(&chain, ALPHABET, 3, 3, 9, arena);
    markov_chain_write(&chain, text, N, rng_new(9, RNG_TEST, 0));
    const double *pi = markov_chain_stationary(&chain, arena);
    for (int known = 0; known <= 4; known++) {
        double exact = markov_chain_entropy(&chain, pi, known);
        assert_true(fabs(counted(text, N, ALPHABET, known, arena) - exact) < 0.004);
        if (known > 0 && known <= 3) /* each symbol more tells something */
            assert_true(exact < markov_chain_entropy(&chain, pi, known - 1) - 0.01);
    }
    arena_end(arena);
}

static Error *load(Dataset *out, const char *text, Arena *arena) {
    const Kind *kind;
    void *settings;
    Json *json;
    PASS(json_parse(&json, text, strlen(text), "test", arena));
    PASS(kind_read(&kind, &settings, json, dataset_table, DATASET_N, "dataset", NULL, arena));
    return dataset_load(out, (const DatasetType *)kind, settings, NULL, arena);
}

/* An oracle that knows the chain loses what the dataset says, up to sampling noise. */
static void test_markov__best_loss_is_what_an_oracle_loses(void **state) {
    (void)state;
    enum { CONTEXT = 6, ALPHABET = 5, ORDER = 1 };
    Arena *arena = arena_new();
    Dataset data;
    MarkovChain chain;
    assert_null(load(&data,
                     "{\"name\": \"markov\", \"alphabet\": 5, \"order\": 1, \"context\": 6,"
                     "\"train\": 20000, \"seed\": 3}",
                     arena));
    markov_chain_make(&chain, ALPHABET, ORDER, 4, 3, arena);
    double loss = 0;
    for (int64_t i = 0; i < data.n[SPLIT_TRAIN]; i++) {
        float x[CONTEXT];
        int32_t y[CONTEXT];
        dataset_gather(&data, SPLIT_TRAIN, &i, 1, x, y);
        for (int t = 0; t < CONTEXT; t++)
            loss -= log(chain.probability[(int)x[t] * ALPHABET + y[t]]) / CONTEXT;
    }
    assert_true(fabs(loss / (double)data.n[SPLIT_TRAIN] - data.best_loss) < 0.005);
    arena_end(arena);
}

/* With order 3 the first positions of a window know less than the chain remembers. */
static void test_markov__best_loss_counts_what_a_window_hides(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Dataset narrow, wide;
    assert_null(load(&narrow, "{\"name\": \"markov\", \"order\": 3, \"context\": 4}", arena));
    assert_null(load(&wide, "{\"name\": \"markov\", \"order\": 3, \"context\": 400}", arena));
    MarkovChain chain;
    markov_chain_make(&chain, 8, 3, 4, 1, arena);
    const double *pi = markov_chain_stationary(&chain, arena);
    double rate = markov_chain_entropy(&chain, pi, 3);
    double hidden = markov_chain_entropy(&chain, pi, 1) + markov_chain_entropy(&chain, pi, 2);
    assert_true(fabs(narrow.best_loss - (2 * rate + hidden) / 4) < 1e-12);
    assert_true(fabs(wide.best_loss - (398 * rate + hidden) / 400) < 1e-12);
    arena_end(arena);
}

static void test_markov__a_split_does_not_change_with_another(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Dataset few, many;
    assert_null(load(&few, "{\"name\": \"markov\", \"train\": 10, \"valid\": 20}", arena));
    assert_null(load(&many, "{\"name\": \"markov\", \"train\": 500, \"valid\": 30}", arena));
    for (int split = 0; split < SPLIT_N; split++) {
        int64_t n = few.n[split] < many.n[split] ? few.n[split] : many.n[split];
        assert_memory_equal(few.text + few.begin[split], many.text + many.begin[split],
                            (size_t)(n * few.n_features));
    }
    arena_end(arena);
}

static void test_markov__too_many_probabilities_are_refused(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Dataset data;
    Error *error = load(&data, "{\"name\": \"markov\", \"alphabet\": 64, \"order\": 4}", arena);
    assert_non_null(error);
    assert_int_equal(error_code(error), CODE_USAGE);
    assert_non_null(strstr(error_text(error), "trial.dataset.alphabet"));
    error_end(error);
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_markov__entropy_of_a_chain_worked_out_by_hand),
        cmocka_unit_test(test_markov__without_sharpness_all_symbols_are_alike),
        cmocka_unit_test(test_markov__text_has_the_entropy_of_its_chain),
        cmocka_unit_test(test_markov__best_loss_is_what_an_oracle_loses),
        cmocka_unit_test(test_markov__best_loss_counts_what_a_window_hides),
        cmocka_unit_test(test_markov__a_split_does_not_change_with_another),
        cmocka_unit_test(test_markov__too_many_probabilities_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
