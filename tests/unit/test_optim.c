/* The optimizers as training uses them, in float. */
#include "lab/base/vec.h"
#include "optim/optim.h"
#include "optim/sums.h"
#include "tests/unit/optim_witness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

static Error *read_settings(const Kind **kind, void **settings, const char *text, Arena *arena) {
    Json *object;
    PASS(json_parse(&object, text, strlen(text), "test.json", arena));
    return kind_read(kind, settings, object, optim_table, OPTIM_N, "optimizer", NULL, arena);
}

static void test_optim__finds_what_is_registered(void **state) {
    (void)state;
    assert_int_equal(OPTIM_N, (int)(sizeof optim_table / sizeof optim_table[0]));
    for (int i = 0; i < OPTIM_N; i++)
        assert_ptr_equal(optim_find(optim_table[i]->name), optim_table[i]);
    assert_null(optim_find("lamp"));
    assert_null(optim_find(""));
}

/* Defaults of specs/optimizers.md section 13, read back from the settings as JSON. */
static void test_optim__has_the_recommended_defaults(void **state) {
    (void)state;
    static const struct {
        const char *name, *defaults;
    } expected[] = {
        {"sgd", "{\"weight_decay\": 0}"},
        {"momentum", "{\"momentum\": 0.9, \"nesterov\": false, \"weight_decay\": 1e-4, "
                     "\"form\": \"torch\", \"dampening\": 0, \"correction\": \"none\"}"},
        {"sgdw", "{\"momentum\": 0.9, \"nesterov\": false, \"weight_decay\": 1e-4, "
                 "\"decay_by\": \"lr\", \"alpha\": 1, \"lr_placement\": \"outside\"}"},
        {"adam", "{\"beta1\": 0.9, \"beta2\": 0.999, \"eps\": 1e-8, \"eps_placement\": "
                 "\"outside\", \"bias_correction\": true, \"weight_decay\": 0}"},
        {"adamw", "{\"beta1\": 0.9, \"beta2\": 0.999, \"eps\": 1e-8, \"eps_placement\": "
                  "\"outside\", \"bias_correction\": true, \"weight_decay\": 0.01, "
                  "\"decay_by\": \"lr\", \"alpha\": 1}"},
        {"lars", "{\"momentum\": 0.9, \"eta\": 0.001, \"weight_decay\": 1e-4, \"eps\": 0, "
                 "\"nesterov\": false, \"lr_placement\": \"inside\", \"trust_on\": \"grad\", "
                 "\"denominator\": \"split\", \"mode\": \"scale\", \"one_minus_mu\": false, "
                 "\"skip\": \"ndim\", \"excluded_lr_scale\": 1, \"zero_norm\": \"trust1\"}"},
        {"lamb", "{\"beta1\": 0.9, \"beta2\": 0.999, \"eps\": 1e-6, \"eps_placement\": "
                 "\"outside\", \"bias_correction\": true, \"bias_in_step\": false, "
                 "\"weight_decay\": 0.01, \"decay\": \"inside\", \"skip\": \"ndim\", "
                 "\"phi_min\": 0, \"phi_max\": 0, \"ratio_min\": 0, \"ratio_max\": 0, "
                 "\"max_grad_norm\": 0, \"normalise_grad\": false}"},
        {"lans", "{\"beta1\": 0.9, \"beta2\": 0.999, \"eps\": 1e-6, \"weight_decay\": 0.01, "
                 "\"bias_correction\": true, \"normalise_grad\": true, \"grad_averaging\": "
                 "true, \"step_form\": \"apex\", \"skip\": \"none\"}"},
        {"lion", "{\"beta1\": 0.9, \"beta2\": 0.99, \"weight_decay\": 0}"},
    };
    assert_int_equal(sizeof expected / sizeof expected[0], OPTIM_N);
    Arena *arena = arena_new();
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        const Kind *kind;
        void *settings;
        assert_null(
            read_settings(&kind, &settings, arena_print(arena, "\"%s\"", expected[i].name), arena));
        Json *wanted;
        const char *text = expected[i].defaults;
        assert_null(json_parse(&wanted, text, strlen(text), "expected", arena));
        json_add_text(wanted, "name", expected[i].name, arena);
        assert_string_equal(json_canonical(kind_write(kind, settings, arena), arena),
                            json_canonical(wanted, arena));
    }
    arena_end(arena);
}

/* A preset stands for settings, what is given beside it wins, and nothing remembers its name. */
static void test_optim__presets_resolve_to_settings(void **state) {
    (void)state;
    static const char *const same[][2] = {
        {"{\"name\": \"lars\", \"preset\": \"timm\"}",
         "{\"name\": \"lars\", \"lr_placement\": \"outside\", \"eps\": 1e-8, \"skip\": \"wd\"}"},
        {"{\"name\": \"lars\", \"preset\": \"apex-larc\", \"eta\": 0.5}",
         "{\"name\": \"lars\", \"lr_placement\": \"outside\", \"eps\": 1e-8, \"skip\": \"none\", "
         "\"zero_norm\": \"noop\", \"mode\": \"clip\", \"eta\": 0.5}"},
        {"{\"name\": \"lamb\", \"preset\": \"lamb-nv\"}",
         "{\"name\": \"lamb\", \"max_grad_norm\": 1, \"skip\": \"none\"}"},
        {"{\"name\": \"momentum\", \"preset\": \"goyal\", \"correction\": \"none\"}",
         "{\"name\": \"momentum\", \"form\": \"caffe\"}"},
    };
    Arena *arena = arena_new();
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        const char *written[2];
        for (int side = 0; side < 2; side++) {
            const Kind *kind;
            void *settings;
            assert_null(read_settings(&kind, &settings, same[i][side], arena));
            written[side] = json_canonical(kind_write(kind, settings, arena), arena);
        }
        assert_string_equal(written[0], written[1]);
        assert_null(strstr(written[0], "preset"));
    }
    arena_end(arena);
}

/* Every preset of every optimizer reads, and differs from the defaults or says nothing. */
static void test_optim__presets_are_legal(void **state) {
    (void)state;
    Arena *arena = arena_new();
    for (int i = 0; i < OPTIM_N; i++)
        for (const Preset *preset = optim_table[i]->presets; preset && preset->name; preset++) {
            const Kind *kind;
            void *settings;
            Error *error =
                read_settings(&kind, &settings,
                              arena_print(arena, "{\"name\": \"%s\", \"preset\": \"%s\"}",
                                          optim_table[i]->name, preset->name),
                              arena);
            if (error)
                fail_msg("%s %s: %s", optim_table[i]->name, preset->name, error_text(error));
            assert_non_null(preset->summary);
        }
    arena_end(arena);
}

static void test_optim__refuses_bad_settings(void **state) {
    (void)state;
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"{\"name\": \"lamp\"}", "lamb"},
        {"{\"name\": \"momentum\", \"momentum\": 1.5}", "0 to 1"},
        {"{\"name\": \"momentum\", \"momentun\": 0.5}", "'momentum'"},
        {"{\"name\": \"momentum\", \"nesterov\": 1}", "nesterov"},
        {"{\"name\": \"lars\", \"eta\": -0.001}", "eta"},
        {"{\"name\": \"lamb\", \"beta2\": 1}", "beta2"},
        {"{\"name\": \"lamb\", \"eps\": 0}", "eps"},
        {"{\"name\": \"lars\", \"preset\": \"tim\"}", "'timm'"},
        {"{\"name\": \"lars\", \"preset\": 1}", "preset"},
        {"{\"name\": \"sgd\", \"preset\": \"torch\"}", "preset"},
        {"{\"name\": \"lars\", \"denominator\": \"splt\"}", "'split'"},
        {"{\"name\": \"momentum\", \"form\": \"tensorflow\"}", "torch, caffe, ema"},
        {"{\"name\": \"sgd\", \"momentum\": 0.9}", "momentum"},
        {"{\"name\": \"sgd\", \"weight_decay\": \"1e-4\"}", "weight_decay"},
    };
    Arena *arena = arena_new();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const Kind *kind;
        void *settings;
        Error *error = read_settings(&kind, &settings, bad[i].text, arena);
        assert_non_null(error);
        assert_int_equal(error_code(error), CODE_USAGE);
        if (!strstr(error_text(error), bad[i].says))
            fail_msg("'%s' is not in: %s", bad[i].says, error_text(error));
        error_end(error);
    }
    arena_end(arena);
}

/* Odd sizes, segments that begin anywhere, one weight to a million (the sanitizers, ten times
 * slower, get by with less). */
#ifdef __SANITIZE_ADDRESS__
#define LARGE 49999
#else
#define LARGE 999999
#endif

static void test_optim__float_agrees_with_double_after_100_steps(void **state) {
    (void)state;
    static const struct {
        int n;
        int64_t sizes[8];
    } problems[] = {
        {1, {1}},
        {3, {13, 0, 1}},
        {4, {4095, 4097, 3, 1}},
        {6, {1, 999, 0, 12345, 7, 15}},
        {4, {3, LARGE, 17, 4096}},
    };
    for (size_t p = 0; p < sizeof problems / sizeof problems[0]; p++) {
        for (int o = 0; o < N_WITNESSES; o++) {
            bool is_variant = o > 0 && strcmp(witnesses[o].name, witnesses[o - 1].name) == 0;
            if (problems[p].sizes[1] == LARGE && is_variant)
                continue; /* a second each */
            Arena *arena = arena_new();
            Problem problem = problem_make(problems[p].sizes, problems[p].n, p, arena);
            double worst = witness_distance(&witnesses[o], &problem, 100, arena);
            if (!(worst <= 1e-5))
                fail_msg("problem %zu, %s: relative difference %g", p,
                         witness_settings(&witnesses[o], arena), worst);
            arena_end(arena);
        }
    }
}

/* The ruler of the test above can see an error: a decay that is off. */
static void test_optim__witness_sees_a_wrong_setting(void **state) {
    (void)state;
    Arena *arena = arena_new();
    Problem problem = problem_make((const int64_t[]){4097, 5}, 2, 1, arena);
    for (int o = 0; o < N_WITNESSES; o++) {
        Witness wrong = witnesses[o];
        wrong.decay = wrong.decay * 1.1 + 0.01;
        assert_true(witness_distance(&wrong, &problem, 100, arena) > 1e-5);
    }
    arena_end(arena);
}

static void test_optim__sums_are_those_of_vec(void **state) {
    (void)state;
    static const int64_t lengths[] = {0, 1, 15, 16, 17, 4095, VEC_CHUNK};
    float x[VEC_CHUNK];
    Rng rng = rng_new(5, RNG_TEST, 0);
    for (int i = 0; i < VEC_CHUNK; i++)
        x[i] = (float)ldexp(rng_normal(&rng), (int)rng_below(&rng, 40) - 20); /* sums that round */
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        double mine = sums_squares(x, lengths[i]), theirs = vec_chunk_sumsq(x, lengths[i]);
        assert_memory_equal(&mine, &theirs, sizeof mine);
    }
}

static void test_optim__counts_updates_and_keeps_the_last_lr(void **state) {
    (void)state;
    Arena *arena = arena_new();
    const Kind *kind;
    void *settings;
    assert_null(read_settings(&kind, &settings, "\"momentum\"", arena));
    Segment segment = {.name = "w", .n = 3, .n_dims = 1, .shape = {3}};
    Optim *optim = optim_new((const OptimType *)kind, settings, &segment, 1, arena);
    float w[3] = {1, 2, 3}, g[3] = {1, 0, 0};
    OptimLayer layer = {.grad_sumsq = 1};
    assert_int_equal(optim->t, 0);
    optim_step(optim, 0.5, w, g, &layer, 1);
    optim_step(optim, 0.25, w, g, &layer, 1);
    assert_int_equal(optim->t, 2);
    assert_true(optim->lr_last == 0.25);
    assert_true(layer.trust == 1);
    assert_int_equal(optim_slot_bytes(optim->type, 10), 10 * sizeof(float));
    /* by hand: 1 - 0.5 * 1 - 0.25 * 1.9 */
    assert_true(fabs((double)w[0] - 0.025) < 1e-7);
    assert_true(w[1] == 2 && w[2] == 3);
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_optim__finds_what_is_registered),
        cmocka_unit_test(test_optim__has_the_recommended_defaults),
        cmocka_unit_test(test_optim__presets_resolve_to_settings),
        cmocka_unit_test(test_optim__presets_are_legal),
        cmocka_unit_test(test_optim__refuses_bad_settings),
        cmocka_unit_test(test_optim__float_agrees_with_double_after_100_steps),
        cmocka_unit_test(test_optim__witness_sees_a_wrong_setting),
        cmocka_unit_test(test_optim__sums_are_those_of_vec),
        cmocka_unit_test(test_optim__counts_updates_and_keeps_the_last_lr),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
