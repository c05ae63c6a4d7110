/* The learning rate of an update: reading, warmup, scaling, schedules against the reference
 * numbers. */
#include "optim/schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

static Arena *arena;

static int set_up(void **state) {
    (void)state;
    arena = arena_new();
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    arena_end(arena);
    return 0;
}

/* Reads the `lr` object of an experiment, so that paths are those a person sees. */
static Error *read_lr(LrSettings *lr, const char *text) {
    const char *whole = arena_print(arena, "{\"trial\": {\"lr\": %s}}", text);
    Json *root;
    PASS(json_parse(&root, whole, strlen(whole), "x.json", arena));
    return lr_read(lr, json_get(root, "trial.lr"), arena);
}

static LrSettings lr_of(const char *text) {
    LrSettings lr;
    Error *error = read_lr(&lr, text);
    if (error)
        fail_msg("%s", error_text(error));
    return lr;
}

static void assert_near(double got, double expected) {
    if (!(fabs(got - expected) <= 1e-12 * fmax(1, fabs(expected))))
        fail_msg("%.17g is not %.17g", got, expected);
}

static const Json *fixture(const char *group, const char *name) {
    static const char path[] = SOURCE_DIR "/tests/unit/optimizer_fixtures.json";
    Json *root;
    Error *error = json_load(&root, path, arena);
    if (error)
        fail_msg("%s", error_text(error));
    const Json *value = json_find(json_find(json_find(root, "schedules"), group), name);
    assert_non_null(value);
    return value;
}

/* Without a warmup the factor of step t is the fixture's entry t; entry 10 is the value at the
 * horizon itself. */
static void replay_decay(const char *name, const char *schedule) {
    LrSettings lr = lr_of(arena_print(arena, "{\"base\": 1, \"schedule\": %s}", schedule));
    int64_t t = 0;
    JSON_EACH (expected, fixture("T10_peak1", name))
        assert_near(lr_at(&lr, t++, 256, 50000, 10), expected->number);
    assert_int_equal(t, 11);
}

static void test_schedule__decays_match_the_fixtures(void **state) {
    (void)state;
    replay_decay("cosine", "\"cosine\"");
    replay_decay("cosine_floor0.1", "{\"name\": \"cosine\", \"floor\": 0.1}");
    replay_decay("poly_p2", "\"polynomial\"");
    replay_decay("poly_p1", "{\"name\": \"polynomial\", \"power\": 1}");
}

static void test_schedule__warmup_matches_the_fixture(void **state) {
    (void)state;
    LrSettings lr = lr_of("{\"base\": 0.1, \"base_batch\": 256, \"scaling\": \"linear\", "
                          "\"warmup\": {\"steps\": 4}}");
    int64_t t = 0;
    JSON_EACH (expected, fixture("warmup_Tw4_k8_base0.1", "from_zero_tplus1"))
        assert_near(lr_at(&lr, t++, 2048, 50000, 100), expected->number);
    assert_int_equal(t, 4);
    assert_near(lr_at(&lr, 4, 2048, 50000, 100), 0.8);
}

static void test_schedule__scaling_matches_the_fixture(void **state) {
    (void)state;
    static const char *const names[] = {"none", "linear", "sqrt"};
    for (int i = 0; i < 3; i++) {
        LrSettings lr = lr_of(arena_print(
            arena, "{\"base\": 0.1, \"base_batch\": 256, \"scaling\": \"%s\"}", names[i]));
        assert_near(lr_at(&lr, 0, 4096, 50000, 10), fixture("lr_scaling", names[i])->number);
    }
}

/* The decay begins at its peak where the warmup ends, and ends at the horizon. */
static void test_schedule__warmup_joins_the_decay(void **state) {
    (void)state;
    LrSettings lr = lr_of("{\"base\": 2, \"warmup\": {\"steps\": 5}, \"schedule\": {\"name\": "
                          "\"polynomial\", \"end\": 0.1}}");
    assert_near(lr_at(&lr, 0, 64, 1000, 25), 0.4);
    assert_near(lr_at(&lr, 4, 64, 1000, 25), 2);
    assert_near(lr_at(&lr, 5, 64, 1000, 25), 2);
    assert_near(lr_at(&lr, 15, 64, 1000, 25), 2 * (0.1 + 0.9 * 0.25));
    assert_near(lr_at(&lr, 25, 64, 1000, 25), 0.2);
    assert_near(lr_at(&lr, 26, 64, 1000, 25), 0.2);
    /* a horizon inside the warmup */
    assert_near(lr_at(&lr, 1, 64, 1000, 2), 0.8);
    assert_true(isfinite(lr_at(&lr, 5, 64, 1000, 5)));
}

static void test_schedule__warmup_lengths_round_up_to_updates(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t global_batch, n_train;
        double steps;
    } rows[] = {
        {"{\"base\": 1}", 256, 50000, 0},
        {"{\"base\": 1, \"warmup\": {\"steps\": 7}}", 256, 50000, 7},
        {"{\"base\": 1, \"warmup\": {\"epochs\": 1}}", 256, 50000, 196},
        {"{\"base\": 1, \"warmup\": {\"epochs\": 1}}", 250, 50000, 200},
        {"{\"base\": 1, \"warmup\": {\"epochs\": 1.1}}", 100, 50000,
         550}, /* 1.1 * 50000 > 55000 in double */
        {"{\"base\": 1, \"warmup\": {\"epochs\": 0}}", 256, 50000, 0},
        {"{\"base\": 1, \"warmup\": {\"examples\": 1000}}", 256, 50000, 4},
        {"{\"base\": 1, \"warmup\": {\"examples\": 1}}", 256, 50000, 1},
        {"{\"base\": 1, \"warmup\": {\"fraction\": 0.1}}", 256, 50000, 100},
        {"{\"base\": 1, \"warmup\": {\"fraction\": 0.1004}}", 256, 50000, 101},
        /* LEGW: four times the batch, four times the epochs, the same updates; steps stay */
        {"{\"base\": 1, \"base_batch\": 100, \"scaling\": \"legw\", \"warmup\": {\"epochs\": 2}}",
         100, 50000, 1000},
        {"{\"base\": 1, \"base_batch\": 100, \"scaling\": \"legw\", \"warmup\": {\"epochs\": 2}}",
         400, 50000, 1000},
        {"{\"base\": 1, \"base_batch\": 100, \"scaling\": \"legw\", \"warmup\": {\"steps\": 7}}",
         400, 50000, 7},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        LrSettings lr = lr_of(rows[i].text);
        assert_near(lr_warmup_steps(&lr, rows[i].global_batch, rows[i].n_train, 1000),
                    rows[i].steps);
    }
}

/* Batches that change: the rate of an update goes by examples seen, its factor by its own batch. */
static void test_schedule__follows_a_batch_that_grows(void **state) {
    (void)state;
    LrSettings lr = lr_of("{\"base\": 0.1, \"scaling\": \"linear\", \"schedule\": {\"name\": "
                          "\"polynomial\", \"power\": 1}}");
    LrTime time = {.now = 500,
                   .global_batch = 100,
                   .first_batch = 50,
                   .n_train = 1000,
                   .total = 1000,
                   .gain = 1};
    assert_near(lr_now(&lr, &time), 0.1 * 2 * 0.5);
    time.global_batch = 50;
    assert_near(lr_now(&lr, &time), 0.1 * 0.5);
    lr = lr_of("{\"base\": 0.1, \"warmup\": {\"steps\": 10}}");
    time.now = 450; /* the ninth update of 50, then one that leaps over the end of the warmup */
    assert_near(lr_now(&lr, &time), 0.1);
    time.now = 400, time.global_batch = 500;
    assert_near(lr_now(&lr, &time), 0.1);
}

/* The gain multiplies the base rate, and nothing else of the rule does. */
static void test_schedule__takes_the_gain_of_the_noise(void **state) {
    (void)state;
    static const char *const rules[] = {"noise", "adascale"};
    for (int i = 0; i < 2; i++) {
        LrSettings lr = lr_of(arena_print(
            arena, "{\"base\": 0.1, \"base_batch\": 256, \"scaling\": \"%s\"}", rules[i]));
        LrTime time = {
            .global_batch = 4096, .first_batch = 4096, .n_train = 50000, .total = 40960, .gain = 1};
        assert_near(lr_now(&lr, &time), 0.1);
        const ScalingType *rule = (const ScalingType *)lr.scaling;
        time.gain = rule->gain(lr.scaling_settings, lr_k(&lr, 4096, 4096), 256, 1024, 1);
        assert_near(lr_now(&lr, &time), fixture("lr_scaling", "noise_B1024")->number);
        assert_near(rule->half_life(lr.scaling_settings, 256), 693 * 256);
    }
}

/* Twice the batch: after the same examples the same rate, warmup and decay included. */
static void test_schedule__means_the_same_at_twice_the_batch(void **state) {
    (void)state;
    LrSettings lr = lr_of("{\"base\": 1, \"warmup\": {\"epochs\": 1}, \"schedule\": \"cosine\"}");
    int64_t n_train = 6400, total = 400; /* at batch 64: 100 updates an epoch, 4 epochs */
    assert_near(lr_warmup_steps(&lr, 64, n_train, total), 100);
    for (int64_t s = 0; s < 50; s++) /* rates are those at the end of an update there */
        assert_near(lr_at(&lr, 2 * s + 1, 64, n_train, total),
                    lr_at(&lr, s, 128, n_train, total / 2));
    for (int64_t s = 50; s < 200; s++)
        assert_near(lr_at(&lr, 2 * s, 64, n_train, total), lr_at(&lr, s, 128, n_train, total / 2));
}

static void test_schedule__reads_names_and_objects(void **state) {
    (void)state;
    LrSettings lr = lr_of("{\"base\": 0.5}");
    assert_string_equal(lr.scaling->name, "none");
    assert_string_equal(lr.schedule->name, "constant");
    assert_true(lr.base == 0.5 && lr.base_batch == 0);
    lr = lr_of("{\"base\": 0, \"base_batch\": 128, \"scaling\": {\"name\": \"sqrt\"},"
               " \"schedule\": {\"name\": \"polynomial\", \"power\": 1}}");
    assert_string_equal(lr.scaling->name, "sqrt");
    assert_string_equal(lr.schedule->name, "polynomial");
    assert_true(lr.base_batch == 128);
}

static void test_schedule__written_form_reads_back(void **state) {
    (void)state;
    static const char *const texts[] = {
        "{\"base\": 0.5}",
        "{\"base\": 0.1, \"base_batch\": 128, \"scaling\": \"linear\", \"warmup\": {\"epochs\": "
        "2.5}}",
        "{\"base\": 1, \"warmup\": {\"examples\": 999}, \"schedule\": {\"name\": \"cosine\", "
        "\"floor\": 0.25}}",
        "{\"base\": 1, \"warmup\": {\"steps\": 3}, \"schedule\": \"polynomial\"}",
        "{\"base\": 1, \"base_batch\": 32, \"companion\": \"malladi\", \"scaling\": \"adascale\", "
        "\"warmup\": "
        "{\"fraction\": 0.2, \"kind\": \"factor\", \"start\": 0.5}, \"schedule\": {\"name\": "
        "\"multistep\", "
        "\"milestones\": [0.5, 0.75], \"unit\": \"fraction\"}}",
        "{\"base\": 1, \"warmup\": {\"steps\": 9, \"kind\": \"goyal\"}, \"schedule\": {\"name\": "
        "\"polynomial\", "
        "\"preset\": \"mlperf\"}}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        LrSettings lr = lr_of(texts[i]);
        const char *written = json_canonical(lr_write(&lr, 256, arena), arena);
        LrSettings again = lr_of(written);
        assert_string_equal(json_canonical(lr_write(&again, 256, arena), arena), written);
        for (int64_t t = 0; t < 30; t++)
            assert_true(lr_at(&lr, t, 256, 5000, 30) == lr_at(&again, t, 256, 5000, 30));
    }
    LrSettings lr = lr_of(texts[0]);
    assert_string_equal(
        json_canonical(lr_write(&lr, 256, arena), arena),
        "{\"base\":0.5,\"base_batch\":256,\"companion\":\"none\",\"scaling\":{\"name\":\"none\"},"
        "\"schedule\":{\"name\":\"constant\"}}");
}

static void test_schedule__refuses_bad_input(void **state) {
    (void)state;
    static const struct {
        const char *text, *path, *says;
    } bad[] = {
        {"{}", "trial.lr", "'base'"},
        {"0.1", "trial.lr", "object"},
        {"{\"base\": -0.1}", "trial.lr.base", "0 to"},
        {"{\"base\": \"0.1\"}", "trial.lr.base", "number"},
        {"{\"bas\": 0.1}", "trial.lr.bas", "'base'"},
        {"{\"base\": 1, \"base_batch\": 2.5}", "trial.lr.base_batch", "integer"},
        {"{\"base\": 1, \"base_batch\": -256}", "trial.lr.base_batch", "0 to"},
        {"{\"base\": 1, \"warmpu\": {\"steps\": 3}}", "trial.lr.warmpu", "'warmup'"},
        {"{\"base\": 1, \"warmup\": 5}", "trial.lr.warmup", "epochs"},
        {"{\"base\": 1, \"warmup\": {}}", "trial.lr.warmup", "epochs"},
        {"{\"base\": 1, \"warmup\": {\"epochs\": 1, \"steps\": 5}}", "trial.lr.warmup",
         "2 lengths"},
        {"{\"base\": 1, \"warmup\": {\"epochs\": -1}}", "trial.lr.warmup.epochs", "0 to"},
        {"{\"base\": 1, \"warmup\": {\"steps\": 1.5}}", "trial.lr.warmup.steps", "integer"},
        {"{\"base\": 1, \"warmup\": {\"step\": 1}}", "trial.lr.warmup.step", "'steps'"},
        {"{\"base\": 1, \"warmup\": {\"kind\": \"goyal\"}}", "trial.lr.warmup", "no length"},
        {"{\"base\": 1, \"warmup\": {\"steps\": 3, \"kind\": \"goya\"}}", "trial.lr.warmup.kind",
         "'goyal'"},
        {"{\"base\": 1, \"warmup\": {\"fraction\": 1.5}}", "trial.lr.warmup.fraction", "0 to 1"},
        {"{\"base\": 1, \"schedule\": {\"name\": \"multistep\", \"milestones\": 3}}",
         "trial.lr.schedule.milestones", "a list of numbers"},
        {"{\"base\": 1, \"schedule\": {\"name\": \"multistep\", \"milestones\": [1, -2]}}",
         "trial.lr.schedule.milestones[1]", "0 to"},
        {"{\"base\": 1, \"scaling\": \"liner\"}", "trial.lr.scaling", "'linear'"},
        {"{\"base\": 1, \"scaling\": {\"name\": \"linear\", \"power\": 2}}",
         "trial.lr.scaling.power", "power"},
        {"{\"base\": 1, \"scaling\": 2}", "trial.lr.scaling", "name"},
        {"{\"base\": 1, \"schedule\": {\"name\": \"cosin\"}}", "trial.lr.schedule.name",
         "'cosine'"},
        {"{\"base\": 1, \"schedule\": {\"floor\": 0.5}}", "trial.lr.schedule", "'name'"},
        {"{\"base\": 1, \"schedule\": {\"name\": \"cosine\", \"floor\": 2}}",
         "trial.lr.schedule.floor", "0 to 1"},
        {"{\"base\": 1, \"schedule\": {\"name\": \"polynomial\", \"power\": 0}}",
         "trial.lr.schedule.power", "0.1"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        LrSettings lr;
        Error *error = read_lr(&lr, bad[i].text);
        if (!error)
            fail_msg("accepted: %s", bad[i].text);
        assert_int_equal(error_code(error), CODE_USAGE);
        if (!strstr(error_text(error), bad[i].path) || !strstr(error_text(error), bad[i].says))
            fail_msg("'%s' or '%s' is not in: %s", bad[i].path, bad[i].says, error_text(error));
        error_end(error);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_schedule__##name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(decays_match_the_fixtures),
        TEST(warmup_matches_the_fixture),
        TEST(scaling_matches_the_fixture),
        TEST(warmup_joins_the_decay),
        TEST(warmup_lengths_round_up_to_updates),
        TEST(follows_a_batch_that_grows),
        TEST(takes_the_gain_of_the_noise),
        TEST(means_the_same_at_twice_the_batch),
        TEST(reads_names_and_objects),
        TEST(written_form_reads_back),
        TEST(refuses_bad_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
