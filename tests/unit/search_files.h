/* Experiments with a search in a scratch folder, and finished runs of their points. */
#ifndef TESTS_UNIT_SEARCH_FILES_H
#define TESTS_UNIT_SEARCH_FILES_H

#include "lab/sweep/plan.h"
#include "tests/unit/fixture_store.h"

/* Loads an experiment on blobs with these lines beside its trial ("sweep": ..., "search": ...). */
static inline Error *search_load(Experiment *out, const char *folder, const char *lines,
                                 Arena *arena) {
    const char *path = arena_print(arena, "%s/study.json", folder);
    const char *text = arena_print(
        arena,
        "{\"experiment\": \"study\", \"question\": \"?\", \"trial\": {"
        "\"dataset\": {\"name\": \"blobs\", \"train\": 64, \"valid\": 16, \"test\": 16},"
        "\"model\": {\"name\": \"mlp\", \"hidden\": [4]}, \"global_batch\": 16,"
        "\"optimizer\": {\"name\": \"momentum\"}, \"lr\": {\"base\": 0.1},"
        "\"stop\": {\"metric\": \"valid_accuracy\", \"target\": 0.9, \"epochs\": 4}}, %s}",
        lines);
    PASS(io_write(path, text, strlen(text)));
    return experiment_load(out, path, NULL, 0, arena);
}

/* Writes a finished run, as if it had been carried out. */
static inline void search_finish_as(const Plan *plan, const PlannedRun *run, Outcome outcome,
                                    double examples, bool plain) {
    Arena *arena = arena_new();
    const PlannedTrial *trial = run->trial;
    RunHeader header = fixture_header(arena);
    header.run_id = run->id;
    if (trial->cell && !plain)
        header.search = search_entry(trial->cell, trial->point, trial->role, arena);
    RunWriter *writer;
    assert_ok(run_begin(&writer, plan->folder, &header, arena));
    RunSummary summary = run_summary_new(outcome);
    summary.examples_to_target = examples;
    summary.best_valid_accuracy = 0.5;
    assert_ok(run_finish(writer, &summary));
    arena_end(arena);
}

static inline void search_finish(const Plan *plan, const PlannedRun *run, Outcome outcome,
                                 double examples) {
    search_finish_as(plan, run, outcome, examples, false);
}

/* Writes a run's first `steps` steps with an evaluation at every fourth, good up to
 * `eval_step`, and how it ended. */
static inline void search_run_to(const Plan *plan, const PlannedRun *run, int64_t steps,
                                 int64_t eval_step, double accuracy, Outcome outcome) {
    Arena *arena = arena_new();
    RunHeader header = fixture_header(arena);
    header.run_id = run->id;
    header.trial_id = run->trial->id;
    if (run->trial->cell)
        header.search = search_entry(run->trial->cell, run->trial->point, run->trial->role, arena);
    RunWriter *writer;
    assert_ok(run_begin(&writer, plan->folder, &header, arena));
    Recorder recorder = run_recorder(writer);
    RunSummary summary = run_summary_new(outcome);
    for (int64_t i = 1; i <= steps; i++) {
        StepRow step = {.step = i, .examples = 16 * i, .global_batch = 16};
        assert_ok(recorder.step(recorder.self, &step));
        if (i % 4 != 0 && i != steps)
            continue;
        /* what comes later than the evaluation says the opposite: nobody may look at it */
        EvalRow eval = {.step = i,
                        .examples = 16 * i,
                        .valid_loss = 1,
                        .valid_accuracy = i <= eval_step ? accuracy : 1 - accuracy};
        LayerRow layers[FIXTURE_LAYERS] = {{0}};
        assert_ok(recorder.eval(recorder.self, &eval, layers, FIXTURE_LAYERS));
    }
    summary.steps_run = steps;
    if (outcome == OUTCOME_REACHED) {
        summary.steps_to_target = (double)steps;
        summary.examples_to_target = 16 * (double)steps;
    }
    assert_ok(run_finish(writer, &summary));
    arena_end(arena);
}

#endif
