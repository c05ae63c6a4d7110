/* Mlperf: which cells are references, under which names, with which settings; what their logs say.
 */
#include "lab/analyze/mlperf.h"
#include "tests/unit/fixture_search.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>

static FixtureRun full(int optimizer, int64_t global_batch, uint64_t seed) {
    return (FixtureRun){.optimizer = fixture_optimizers[optimizer],
                        .global_batch = global_batch,
                        .seed = seed,
                        .replicas = 1,
                        .mode = RUN_FULL};
}

static Mlperf must_make(const Results *results, const char *series, Arena *arena) {
    Mlperf out;
    Error *error = mlperf_make(&out, results, series, NULL, arena);
    if (error)
        fail_msg("%s", error_text(error));
    return out;
}

static void assert_refused(Error *error, const char *message, const char *hint) {
    assert_non_null(error);
    assert_int_equal(error_code(error), CODE_USAGE);
    assert_non_null(strstr(error_text(error), message));
    assert_non_null(strstr(error_text(error), hint));
    error_end(error);
}

static double number(const Json *object, const char *key) {
    const Json *value = json_find(object, key);
    if (!value || value->kind != JSON_NUMBER)
        fail_msg("%s is no number", key);
    return value->number;
}

static const char *text(const Json *object, const char *key) {
    const Json *value = json_find(object, key);
    if (!value || value->kind != JSON_TEXT)
        fail_msg("%s is no text", key);
    return value->text;
}

static Json *parsed(const char *json, Arena *arena) {
    Json *out = NULL;
    Error *error = json_parse(&out, json, strlen(json), NULL, arena);
    if (error)
        fail_msg("%s", error_text(error));
    return out;
}

/* Three seeds, of which one missed; LARS beside it. */
static void test_mlperf__records_list_what_converged_and_name_the_rest(void **state) {
    (void)state;
    Arena *arena = arena_new();
    RunRecord runs[5];
    for (int i = 0; i < 5; i++) {
        FixtureRun run = full(i / 3, 128, (uint64_t)(i % 3));
        runs[i] = fixture_run(&run, arena);
    }
    runs[1].summary.outcome = OUTCOME_DIVERGED;
    runs[1].summary.examples_to_target = runs[1].summary.steps_to_target = NAN;
    Results *results = results_make("toys", "?", runs, 5, arena);
    Mlperf mlperf = must_make(results, NULL, arena);
    assert_int_equal(mlperf.n, 2);
    assert_string_equal(mlperf.cell[0].name, "toys_momentum_ref_128");
    assert_int_equal(mlperf.n_notes, 1);
    assert_non_null(strstr(mlperf.note[0], "momentum, B = 128: 1 of 3 runs"));
    assert_non_null(strstr(mlperf.note[0], "seed 1 diverged"));

    Json *records;
    assert_null(mlperf_records(&records, &mlperf, arena));
    const Json *record = json_find(records, "toys_momentum_ref_128");
    const Json *epochs = json_find(record, "Epochs to converge");
    assert_int_equal(records->n, 2);
    assert_int_equal(epochs->n, 2);
    assert_true(epochs->first->number == runs[0].summary.examples_to_target / FIXTURE_TRAIN);
    assert_true(epochs->last->number == runs[2].summary.examples_to_target / FIXTURE_TRAIN);
    assert_string_equal(json_canonical(json_find(record, "Seeds"), arena), "[\"0\",\"2\"]");
    const Json *missed = json_find(record, "Not converged");
    assert_int_equal(missed->n, 1);
    assert_string_equal(text(missed->first, "outcome"), "diverged");
    assert_string_equal(text(record, "Platform"), "Invented CPU <8 cores>, 2 cores");
    assert_string_equal(text(record, "Target"), "valid_accuracy >= 0.9");

    mlperf = must_make(results, "lars", arena); /* still not the only series of its study */
    assert_int_equal(mlperf.n, 1);
    assert_string_equal(mlperf.cell[0].benchmark, "toys_lars");
    Mlperf refused;
    assert_refused(mlperf_make(&refused, results, "adam", NULL, arena), "'adam'", "momentum");
    assert_refused(mlperf_make(&refused, results, NULL, "resnet", arena), "batch 128",
                   "--series 'momentum'");
    assert_null(mlperf_make(&refused, results, "lars", "resnet", arena));
    assert_string_equal(refused.cell[0].name, "resnet_ref_128");
    arena_end(arena);
}

static void test_mlperf__nothing_reached_is_no_record(void **state) {
    (void)state;
    Arena *arena = arena_new();
    RunRecord runs[2];
    for (int i = 0; i < 2; i++) {
        FixtureRun run = full(0, 2048, (uint64_t)i); /* diverges there */
        runs[i] = fixture_run(&run, arena);
    }
    Mlperf mlperf = must_make(results_make("toys", "?", runs, 2, arena), NULL, arena);
    assert_int_equal(mlperf.n, 1); /* its logs say aborted */
    assert_non_null(strstr(mlperf_log(&mlperf.cell[0], &runs[0], arena),
                           "{\"outcome\":\"diverged\",\"status\":\"aborted\"}"));
    Json *records;
    assert_refused(mlperf_records(&records, &mlperf, arena), "no record", "seed 1 diverged");
    arena_end(arena);
}

/* The point that won was chosen for its luck, so it is in no record, with reruns or without. */
static void test_mlperf__search_points_are_no_reference(void **state) {
    (void)state;
    Arena *arena = arena_new();
    FixtureSearch search = {.min = 0.001, .max = 10, .trials = 6, .reruns = 3};
    FixtureRun base = {.optimizer = fixture_optimizers[1], .global_batch = 128};
    RunRecord runs[9];
    int n = 0;
    fixture_search_cell(runs, &n, &search, &base, arena);
    Mlperf mlperf = must_make(results_make("toys", "?", runs, n, arena), NULL, arena);
    Json *records;
    assert_null(mlperf_records(&records, &mlperf, arena));
    const Json *record = json_find(records, "toys_ref_128");
    assert_string_equal(json_canonical(json_find(record, "Seeds"), arena), "[\"1\",\"2\",\"3\"]");
    assert_non_null(strstr(text(record, "Chosen"), "the best of 6 halton points"));
    assert_float_equal(number(json_find(record, "Hyperparams"), "opt_base_learning_rate"),
                       runs[6].steps[0].lr, 1e-8);

    Mlperf none;
    Results *alone = results_make("toys", "?", runs, search.trials, arena);
    assert_refused(mlperf_make(&none, alone, NULL, NULL, arena), "no cell can be a reference",
                   "rerun_seeds");
    arena_end(arena);
}

/* Series whose labels differ only in what a file's name cannot hold. */
static void test_mlperf__names_are_unlike(void **state) {
    (void)state;
    Arena *arena = arena_new();
    RunRecord runs[2];
    for (int i = 0; i < 2; i++) {
        FixtureRun run = full(i, 128, 0);
        runs[i] = fixture_run(&run, arena);
    }
    Results *results = results_make("toys", "?", runs, 2, arena);
    results->cells->series[0].label = "lars, eta 1";
    results->cells->series[1].label = "lars eta/1";
    Mlperf mlperf = must_make(results, NULL, arena);
    assert_string_equal(mlperf.cell[0].name, "toys_lars_eta_1_ref_128");
    assert_string_equal(mlperf.cell[1].name, "toys_lars_eta_1_ref_128_2");
    arena_end(arena);
}

static RunRecord configured(const char *optimizer, int64_t global_batch, const char *config,
                            Arena *arena) {
    RunRecord run = {.config = parsed(config, arena)};
    run.header = (RunHeader){.optimizer = optimizer,
                             .collective = "tree",
                             .global_batch = global_batch,
                             .mini_batch = 32,
                             .n_train = 10000,
                             .total_steps = 500};
    return run;
}

/* Malladi et al. 2022: 1 - beta times k, eps / sqrt(k); the rate by sqrt(k); all at k = 4. */
static void test_mlperf__hyperparams_are_those_that_acted(void **state) {
    (void)state;
    Arena *arena = arena_new();
    RunRecord run = configured(
        "adam", 256,
        "{\"lr\": {\"base\": 0.01, \"base_batch\": 64, \"scaling\": {\"name\": \"sqrt\"}, "
        "\"companion\": \"malladi\", \"warmup\": {\"epochs\": 2}, \"schedule\": {\"name\": "
        "\"polynomial\", \"power\": 3, \"end\": 0.1}}, \"clip\": {\"norm\": 1.5}, \"optimizer\": "
        "{\"name\": \"adam\", \"beta1\": 0.9, \"beta2\": 0.99, \"eps\": 1e-6, \"weight_decay\": "
        "0.25}}",
        arena);
    const Json *out = mlperf_hyperparams(&run, arena);
    assert_string_equal(text(out, "opt_name"), "adam");
    assert_float_equal(number(out, "opt_base_learning_rate"), 0.02, 1e-15);
    assert_float_equal(number(out, "opt_adam_beta_1"), 0.6, 1e-12);
    assert_float_equal(number(out, "opt_adam_beta_2"), 0.96, 1e-12);
    assert_float_equal(number(out, "opt_adam_epsilon"), 5e-7, 1e-18);
    assert_true(number(out, "opt_weight_decay") == 0.25);
    assert_true(number(out, "opt_gradient_clip_norm") == 1.5);
    assert_true(number(out, "opt_learning_rate_warmup_steps") == 79); /* 20,000 / 256 = 78.1 */
    assert_true(number(out, "opt_learning_rate_decay_steps") == 500 - 79);
    assert_true(number(out, "opt_learning_rate_decay_poly_power") == 3);
    assert_float_equal(number(out, "opt_end_learning_rate"), 0.002, 1e-15);
    assert_true(number(out, "mini_batch") == 32);

    run = configured("momentum", 64,
                     "{\"lr\": {\"base\": 0.1, \"base_batch\": 16, \"scaling\": {\"name\": "
                     "\"adascale\"}}, \"optimizer\": {\"name\": \"momentum\", \"momentum\": 0.95}}",
                     arena);
    out = mlperf_hyperparams(&run, arena);
    assert_string_equal(text(out, "opt_name"), "sgd");
    assert_true(number(out, "opt_base_learning_rate") == 0.1);
    assert_string_equal(text(out, "learning_rate_follows_noise_by"), "adascale");
    assert_true(number(out, "opt_momentum") == 0.95);
    assert_null(json_find(out, "opt_gradient_clip_norm"));
    arena_end(arena);
}

/* The checker takes the last evaluation before run_stop for the one that reached the target; and
 * what was measured before a resume has no seconds. */
static void test_mlperf__log_ends_at_the_target(void **state) {
    (void)state;
    Arena *arena = arena_new();
    FixtureRun plan = full(1, 128, 0);
    RunRecord run = fixture_run(&plan, arena);
    assert_true(run.n_evals >= 4);
    const EvalRow *last = &run.evals[run.n_evals - 2]; /* the run goes on after its target */
    run.summary.examples_to_target = (double)last->examples;
    run.evals[0].wall_s = run.evals[1].wall_s = NAN;
    run.evals[2].wall_s = 1.25;
    run.evals[3].wall_s = 0.5; /* a clock that went back does not */
    MlperfCell cell = {.benchmark = "toys"};
    const char *log = mlperf_log(&cell, &run, arena);
    int n = 0;
    double before_ms = 0;
    for (const char *line = log; *line; line = strchr(line, '\n') + 1, n++) {
        assert_memory_equal(line, ":::MLLOG {", 10);
        double ms = atof(strstr(line, "\"time_ms\": ") + 11);
        assert_true(ms >= before_ms);
        before_ms = ms;
    }
    assert_true(n > run.n_evals + 8);
    assert_non_null(strstr(log, "\"time_ms\": 1795292890000, ")); /* 2026-11-21T20:28:10Z */
    assert_non_null(strstr(log, "\"time_ms\": 1795292891250, \"event_type\": \"POINT_IN_TIME\""));
    int evals = 0;
    for (const char *at = log; (at = strstr(at, "eval_accuracy")); at++)
        evals++;
    assert_int_equal(evals, run.n_evals - 1);
    const char *end = strstr(log, "\"samples_count\":"), *at = end;
    while ((at = strstr(at + 1, "\"samples_count\":")))
        end = at;
    assert_true(atof(end + 16) == (double)last->examples);
    assert_non_null(strstr(end, "\"key\": \"run_stop\", \"value\": null, \"metadata\": "
                                "{\"status\":\"success\"}}\n"));
    arena_end(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mlperf__records_list_what_converged_and_name_the_rest),
        cmocka_unit_test(test_mlperf__nothing_reached_is_no_record),
        cmocka_unit_test(test_mlperf__search_points_are_no_reference),
        cmocka_unit_test(test_mlperf__names_are_unlike),
        cmocka_unit_test(test_mlperf__hyperparams_are_those_that_acted),
        cmocka_unit_test(test_mlperf__log_ends_at_the_target),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
