/* A scratch folder and a small run with awkward numbers, for tests of the store. */
#ifndef TESTS_UNIT_FIXTURE_STORE_H
#define TESTS_UNIT_FIXTURE_STORE_H

#include "lab/base/arena.h"
#include "lab/base/io.h"
#include "lab/store/provenance.h"
#include "lab/store/run.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FIXTURE_STEPS 5
#define FIXTURE_LAYERS 2
#define FIXTURE_WEIGHTS 7

/* A folder that scratch_end removes. */
static inline const char *scratch_new(Arena *arena) {
    char *folder = arena_copy(arena, "/tmp/batchlab-test-XXXXXX");
    return mkdtemp(folder);
}

static inline void scratch_end(const char *folder, Arena *arena) {
    if (system(arena_print(arena, "rm -rf '%s'", folder)) != 0)
        abort();
    arena_end(arena);
}

static inline RunHeader fixture_header(Arena *arena) {
    static const char *const layers[FIXTURE_LAYERS] = {"layer1.weight", "gr\xc3\xb6\xc3\x9f"};
    Json *provenance = provenance_make("none", 1, arena);
    json_add_text(provenance, "remark", "an \"abacus\"", arena);
    return (RunHeader){.experiment = "study",
                       .question = "how far?",
                       .run_id = "0123456789abcdef-r1t1",
                       .trial_id = "0123456789abcdef",
                       .config = "{\"global_batch\":32,\"lr\":{\"base\":0.1}}",
                       .model = "mlp",
                       .dataset = "glyphs",
                       .optimizer = "lamb",
                       .collective = "tree",
                       .noise_unit = "example",
                       .global_batch = 32,
                       .mini_batch = 8,
                       .n_weights = FIXTURE_WEIGHTS,
                       .n_train = 1000,
                       .total_steps = FIXTURE_STEPS,
                       .flops_per_example = 12.5,
                       .seed = 18446744073709551615u,
                       .replicas = 2,
                       .threads = 3,
                       .hosts = 1,
                       .label = "net_1",
                       .mode = RUN_VERIFY,
                       .verify_steps = 4,
                       .alone = true,
                       .canonical = true,
                       .target = 0.75,
                       .metric = "valid_accuracy",
                       .n_layers = FIXTURE_LAYERS,
                       .layer_names = layers,
                       .provenance = provenance};
}

static inline StepRow fixture_step(int i) {
    static const int64_t awkward[] = {1, INT64_MAX, INT64_MIN, -1, 5};
    return (StepRow){.step = i + 1,
                     .examples = awkward[i % 5],
                     .global_batch = 32,
                     .lr = 0.1 / (i + 1),
                     .train_loss = i % 2 ? -0.0 : 5e-324,
                     .grad_norm = 1.0 / 3 + i,
                     .noise_trace = NAN,
                     .noise_sqnorm = -1.5,
                     .noise_scale = INFINITY,
                     .sample_s = 1e-6,
                     .step_s = 1e-3};
}

/* Row `i` is written after step 2 i + 2. */
static inline EvalRow fixture_eval(int i) {
    return (EvalRow){.step = 2 * i + 2,
                     .examples = 64 * (i + 1),
                     .valid_loss = 2.0 - i,
                     .valid_accuracy = 0.5 + 0.25 * i,
                     .test_loss = NAN,
                     .test_accuracy = 0.5 + 0.125 * i,
                     .wall_s = 0.5 * (i + 1)};
}

static inline LayerRow fixture_layer(int eval, int layer) {
    return (LayerRow){1 + eval,           10 + layer, layer ? NAN : 0.001,
                      100 * eval + layer, 7 + layer,  1 - eval};
}

static inline CurvatureRow fixture_curvature(int eval) {
    return (CurvatureRow){.step = 2 * eval + 2,
                          .examples = 64 * (eval + 1),
                          .ghg = -0.0,
                          .trace_h_sigma = 1.0 / 3,
                          .top_eigenvalue = 5e-324,
                          .grad_sqnorm = eval,
                          .noise_scale = NAN,
                          .lr_max = INFINITY};
}

/* Step rows 1..n_steps, an evaluation with its curvature and digest after every second step. */
static inline Error *fixture_record(RunWriter *writer, int n_steps) {
    static const float weights[FIXTURE_WEIGHTS] = {1, -0.0f, 3, 4, 5, 6, 7};
    Recorder recorder = run_recorder(writer);
    for (int i = 0; i < n_steps; i++) {
        StepRow step = fixture_step(i);
        PASS(recorder.step(recorder.self, &step));
        if (i % 2 == 0)
            continue;
        EvalRow eval = fixture_eval(i / 2);
        LayerRow layers[FIXTURE_LAYERS] = {fixture_layer(i / 2, 0), fixture_layer(i / 2, 1)};
        PASS(recorder.eval(recorder.self, &eval, layers, FIXTURE_LAYERS));
        CurvatureRow curvature = fixture_curvature(i / 2);
        PASS(recorder.curvature(recorder.self, &curvature));
        PASS(recorder.digest(recorder.self, i + 1, weights, FIXTURE_WEIGHTS));
    }
    return NULL;
}

static inline RunSummary fixture_summary(void) {
    return (RunSummary){.outcome = OUTCOME_DIVERGED,
                        .steps_run = FIXTURE_STEPS,
                        .steps_to_target = NAN,
                        .examples_to_target = NAN,
                        .seconds_to_target = NAN,
                        .final_valid_accuracy = 0.1,
                        .best_valid_accuracy = 1.0 / 3,
                        .final_test_accuracy = 5e-324,
                        .test_accuracy_at_best_valid = -0.0,
                        .final_valid_loss = INFINITY};
}

/* A run in FOLDER/runs/ID: finished, or left open as a killed writer leaves it. Returns its folder.
 */
static inline const char *fixture_run(const char *folder, const char *run_id, bool finish,
                                      Arena *arena) {
    RunHeader header = fixture_header(arena);
    header.run_id = run_id;
    RunWriter *writer;
    Error *error = run_begin(&writer, folder, &header, arena);
    error = error ? error : fixture_record(writer, FIXTURE_STEPS);
    RunSummary summary = fixture_summary();
    if (!error && finish)
        error = run_finish(writer, &summary);
    else if (!error)
        run_abandon(writer);
    if (error) {
        error_print(error, stderr);
        abort();
    }
    return arena_print(arena, "%s/runs/%s", folder, run_id);
}

/* ---- checks */

static inline void assert_ok(Error *error) {
    if (error) {
        error_print(error, stderr);
        fail();
    }
}

static inline RunRecord fixture_load(const char *folder, bool *found, Arena *arena) {
    RunRecord run;
    assert_ok(run_load(&run, found, folder, arena));
    return run;
}

/* The bytes of a run's journal. */
static inline char *journal_of(const char *run_folder, size_t *n, Arena *arena) {
    char *bytes;
    assert_ok(io_read(&bytes, n, arena_print(arena, "%s/journal", run_folder), arena));
    return bytes;
}

/* The first rows of `run` are the rows that were recorded, bit for bit. */
static inline void assert_rows(const RunRecord *run) {
    for (int i = 0; i < run->n_steps; i++) {
        StepRow expected = fixture_step(i);
        assert_memory_equal(&run->steps[i], &expected, sizeof expected);
    }
    for (int i = 0; i < run->n_evals; i++) {
        EvalRow expected = fixture_eval(i);
        assert_memory_equal(&run->evals[i], &expected, sizeof expected);
        for (int j = 0; j < FIXTURE_LAYERS; j++) {
            LayerRow layer = fixture_layer(i, j);
            assert_memory_equal(&run->layers[i * FIXTURE_LAYERS + j], &layer, sizeof layer);
        }
    }
    assert_true(run->n_curvatures <= run->n_evals);
    for (int i = 0; i < run->n_curvatures; i++) {
        CurvatureRow expected = fixture_curvature(i);
        assert_memory_equal(&run->curvatures[i], &expected, sizeof expected);
    }
}

#endif
