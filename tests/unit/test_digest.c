#include "lab/store/digest.h"
#include "lab/store/schema.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define N_LAYERS 2
#define N_WEIGHTS 3

/* What a digest of one step and one evaluation covers. */
typedef struct Trace {
    StepRow step;
    EvalRow eval;
    LayerRow layers[N_LAYERS];
    float weights[N_WEIGHTS];
} Trace;

static Trace trace_new(void) {
    return (Trace){
        .step = {3, 96, 32, 0.1, 0.5, 1.0 / 3, NAN, -1.5, INFINITY, 1, 2, 3, 4, 5, 6},
        .eval = {3, 96, 2.5, 0.25, 2.25, 0.125, 9},
        .layers = {{1, 2, 3, 4, 8, 9}, {5, 6, 7, NAN, 10, 11}},
        .weights = {1.5f, -0.0f, NAN},
    };
}

static void digest_of(char out[HASH_ROOM], const Trace *trace) {
    Digest digest = digest_new();
    digest_step(&digest, &trace->step);
    digest_eval(&digest, &trace->eval, trace->layers, N_LAYERS);
    digest_value(out, &digest, trace->weights, N_WEIGHTS);
}

/* The bytes that DESIGN 2 asks for, written down column by column and hashed at once. */
static size_t put(uint8_t *to, size_t at, uint64_t bits, int n_bytes) {
    for (int i = 0; i < n_bytes; i++)
        to[at + (size_t)i] = (uint8_t)(bits >> 8 * i);
    return at + (size_t)n_bytes;
}

static size_t put_double(uint8_t *to, size_t at, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return put(to, at, isnan(value) ? 0x7ff8000000000000u : bits, 8);
}

static size_t put_step(uint8_t *to, size_t at, const StepRow *row) {
    at = put(to, at, (uint64_t)row->step, 8);
    at = put(to, at, (uint64_t)row->examples, 8);
    at = put(to, at, (uint64_t)row->global_batch, 8);
    const double values[] = {row->lr,          row->train_loss,   row->grad_norm,
                             row->noise_trace, row->noise_sqnorm, row->noise_scale};
    for (int i = 0; i < 6; i++)
        at = put_double(to, at, values[i]);
    return at;
}

static size_t put_eval(uint8_t *to, size_t at, const EvalRow *row, const LayerRow *layers) {
    at = put(to, at, (uint64_t)row->step, 8);
    at = put(to, at, (uint64_t)row->examples, 8);
    at = put_double(to, at, row->valid_loss);
    at = put_double(to, at, row->valid_accuracy);
    at = put_double(to, at, row->test_loss);
    at = put_double(to, at, row->test_accuracy);
    for (int i = 0; i < N_LAYERS; i++) {
        at = put_double(to, at, layers[i].weight_norm);
        at = put_double(to, at, layers[i].grad_norm);
        at = put_double(to, at, layers[i].trust_ratio);
        at = put_double(to, at, layers[i].noise_scale);
    }
    return at;
}

static size_t put_weights(uint8_t *to, size_t at, const float *weights) {
    for (int i = 0; i < N_WEIGHTS; i++) {
        uint32_t bits;
        memcpy(&bits, &weights[i], sizeof bits);
        at = put(to, at, isnan(weights[i]) ? 0x7fc00000u : bits, 4);
    }
    return at;
}

static void test_digest__is_the_hash_of_the_bytes(void **state) {
    (void)state;
    Trace trace = trace_new();
    uint8_t bytes[512];
    char expected[HASH_ROOM], got[HASH_ROOM];
    size_t n = put_step(bytes, 0, &trace.step);
    n = put_eval(bytes, n, &trace.eval, trace.layers);
    n = put_weights(bytes, n, trace.weights);
    hash_of(bytes, n, expected);
    digest_of(got, &trace);
    assert_string_equal(got, expected);
}

/* From Python's hashlib and struct: changes only when every recorded digest becomes void. */
static void test_digest__known_answers(void **state) {
    (void)state;
    Trace trace = trace_new();
    char got[HASH_ROOM];
    digest_of(got, &trace);
    assert_string_equal(got, "871715d2b6324ac691551a3f2324179d3048fe5e580c3cc7165d242fedb71342");
    digest_weights(got, trace.weights, N_WEIGHTS);
    assert_string_equal(got, "a7d469dbf5be5d80af37c3fd0a29fd628ecebcc1fe464589bfa4dafe0558ba89");
}

static void *row_of(Trace *trace, SchemaGroup group) {
    return group == GROUP_STEPS  ? (void *)&trace->step
           : group == GROUP_EVAL ? (void *)&trace->eval
                                 : (void *)&trace->layers[1];
}

/* Seconds, what is measured on request alone, and what the trajectory already holds: lr_gain stands
 * in lr, the top-5 accuracies follow from the weights, the layers' means from the gradients, and
 * both came when digests had been recorded. */
static bool is_apart(const Column *column) {
    static const char *const held[] = {"lr_gain", "valid_top5", "test_top5"};
    size_t n = strlen(column->name);
    bool mean = column->group == GROUP_LAYERS && (strcmp(column->name, "noise_trace") == 0 ||
                                                  strcmp(column->name, "noise_sqnorm") == 0);
    bool apart = mean || (n > 2 && strcmp(column->name + n - 2, "_s") == 0) ||
                 (n > 6 && strcmp(column->name + n - 6, "_bytes") == 0) || /* of the layout */
                 strncmp(column->name, "preconditioned_", 15) == 0;
    for (int i = 0; i < 3; i++)
        apart |= strcmp(column->name, held[i]) == 0;
    return apart;
}

/* Everything else belongs to the trajectory: one bit of it changes the digest. */
static void test_digest__sees_every_column_but_seconds(void **state) {
    (void)state;
    Trace trace = trace_new();
    char expected[HASH_ROOM], got[HASH_ROOM];
    digest_of(expected, &trace);
    for (int i = 0; i < schema_n_columns; i++) {
        const Column *column = &schema_columns[i];
        if (column->group == GROUP_CURVATURE) { /* no row of it is ever hashed */
            assert_false(column->trajectory);
            continue;
        }
        Trace changed = trace;
        ((uint8_t *)row_of(&changed, column->group))[column->offset] ^= 1; /* lowest bit */
        if (column->type == COLUMN_DOUBLE && column->group != GROUP_EVAL)  /* NaN: another number */
            *(double *)((char *)row_of(&changed, column->group) + column->offset) = 0.875;
        digest_of(got, &changed);
        assert_int_equal(strcmp(got, expected) == 0, is_apart(column));
        assert_int_equal(column->trajectory, !is_apart(column));
    }
}

static void test_digest__sees_every_weight(void **state) {
    (void)state;
    Trace trace = trace_new();
    char expected[HASH_ROOM], got[HASH_ROOM];
    digest_of(expected, &trace);
    for (int i = 0; i < N_WEIGHTS; i++) {
        Trace changed = trace;
        changed.weights[i] = 0; /* 0 differs from -0 */
        digest_of(got, &changed);
        assert_string_not_equal(got, expected);
    }
}

static void test_digest__every_nan_is_the_same(void **state) {
    (void)state;
    Trace trace = trace_new(), other = trace_new();
    char expected[HASH_ROOM], got[HASH_ROOM];
    digest_of(expected, &trace);
    memcpy(&other.step.noise_trace, &(uint64_t){0xfff0000000000001u}, 8);
    memcpy(&other.layers[1].noise_scale, &(uint64_t){0x7fffffffffffffffu}, 8);
    memcpy(&other.weights[2], &(uint32_t){0xff800001u}, 4);
    digest_of(got, &other);
    assert_string_equal(got, expected);
}

/* The rolling state goes on without the weights that were hashed on the way. */
static void test_digest__a_value_on_the_way_changes_nothing(void **state) {
    (void)state;
    Trace trace = trace_new();
    char expected[HASH_ROOM], on_the_way[HASH_ROOM], got[HASH_ROOM];
    digest_of(expected, &trace);
    Digest digest = digest_new();
    digest_step(&digest, &trace.step);
    digest_value(on_the_way, &digest, trace.weights, N_WEIGHTS);
    digest_eval(&digest, &trace.eval, trace.layers, N_LAYERS);
    digest_value(got, &digest, trace.weights, N_WEIGHTS);
    assert_string_equal(got, expected);
    assert_string_not_equal(on_the_way, expected);
}

/* Longer than one chunk of the weight loop, and of any length. */
static void test_digest__long_weights_are_hashed_whole(void **state) {
    (void)state;
    static float weights[5000];
    for (int i = 0; i < 5000; i++)
        weights[i] = (float)(i * i % 1000);
    char known[HASH_ROOM]; /* hashlib.sha256(struct.pack("<5000f", ...)) */
    digest_weights(known, weights, 5000);
    assert_string_equal(known, "533bd4d40ba9011b060ffb5e737e894ee705b8262a19c3a5c20677860f9f326e");
    const int64_t lengths[] = {0, 1, 1023, 1024, 1025, 2048, 5000};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        char expected[HASH_ROOM], got[HASH_ROOM];
        hash_of(weights, (size_t)lengths[i] * 4, expected); /* on a little-endian machine */
        digest_weights(got, weights, lengths[i]);
        assert_string_equal(got, expected);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digest__is_the_hash_of_the_bytes),
        cmocka_unit_test(test_digest__known_answers),
        cmocka_unit_test(test_digest__sees_every_column_but_seconds),
        cmocka_unit_test(test_digest__sees_every_weight),
        cmocka_unit_test(test_digest__every_nan_is_the_same),
        cmocka_unit_test(test_digest__a_value_on_the_way_changes_nothing),
        cmocka_unit_test(test_digest__long_weights_are_hashed_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
