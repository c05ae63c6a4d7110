/* Runs a trial in this process and keeps its rows; for tests of the training loop. */
#ifndef TESTS_UNIT_TRIAL_HELPER_H
#define TESTS_UNIT_TRIAL_HELPER_H

#include "lab/train/timeline.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct KeptRun {
    StepRow *steps; /* (n_steps) */
    int n_steps, room;
    EvalRow *evals;
    CurvatureRow *curvatures;
    int n_curvatures;
    LayerRow **layers; /* (n_evals) of each evaluation, n_layers */
    int n_evals, n_layers;
    float *weights; /* (n_weights) at the end */
    int64_t n_weights;
    const char *checkpoint; /* where checkpoints go, or NULL */
    bool lose_each;         /* and once more for each of their arrays, without it */
    int n_arrays;           /* of the last checkpoint */
    const char *array_names[CHECKPOINT_MAX_ARRAYS];
    Arena *arena;
    RunSummary summary;
} KeptRun;

static inline void must(Error *error) {
    if (!error)
        return;
    error_print(error, stderr);
    abort();
}

static inline Error *keep_step(void *self, const StepRow *row) {
    KeptRun *kept = self;
    assert(kept->n_steps < kept->room);
    kept->steps[kept->n_steps++] = *row;
    return NULL;
}

static inline Error *keep_eval(void *self, const EvalRow *row, const LayerRow *layers,
                               int n_layers) {
    KeptRun *kept = self;
    assert(kept->n_evals < kept->room);
    LayerRow *own = ARENA_ARRAY(kept->arena, LayerRow, n_layers + 1);
    memcpy(own, layers, sizeof *layers * (size_t)n_layers);
    kept->layers[kept->n_evals] = own;
    kept->evals[kept->n_evals++] = *row;
    kept->n_layers = n_layers;
    return NULL;
}

static inline Error *keep_curvature(void *self, const CurvatureRow *row) {
    KeptRun *kept = self;
    assert(kept->n_curvatures < kept->room);
    kept->curvatures[kept->n_curvatures++] = *row;
    return NULL;
}

static inline Error *keep_weights(void *self, int64_t step, const float *weights,
                                  int64_t n_weights) {
    KeptRun *kept = self;
    (void)step;
    if (!kept->weights)
        kept->weights = ARENA_ARRAY(kept->arena, float, n_weights);
    memcpy(kept->weights, weights, sizeof *weights * (size_t)n_weights);
    kept->n_weights = n_weights;
    return NULL;
}

/* The checkpoint in which array i is zeros. */
static inline const char *without_array(const char *checkpoint, int i, Arena *arena) {
    return arena_print(arena, "%s.%d", checkpoint, i);
}

static inline Error *keep_checkpoint(void *self, int64_t step, const StateArray *arrays, int n) {
    KeptRun *kept = self;
    StateArray written[CHECKPOINT_MAX_ARRAYS];
    memcpy(written, arrays, sizeof *arrays * (size_t)n);
    kept->n_arrays = n;
    for (int i = 0; i < n; i++) {
        kept->array_names[i] = arena_copy(kept->arena, arrays[i].name);
        if (!kept->lose_each)
            continue;
        written[i].data = arena_alloc(kept->arena, state_bytes(&arrays[i]));
        must(checkpoint_write(without_array(kept->checkpoint, i, kept->arena), step, "{}", written,
                              n));
        written[i].data = arrays[i].data;
    }
    return checkpoint_write(kept->checkpoint, step, "{}", arrays, n);
}

typedef struct ReadTrial {
    TrialSettings settings;
    Dataset data;
} ReadTrial;

static inline ReadTrial *read_trial(const char *text, Arena *arena) {
    ReadTrial *trial = ARENA_NEW(arena, ReadTrial);
    Json *json;
    must(json_parse(&json, text, strlen(text), "test", arena));
    must(trial_read(&trial->settings, json, arena));
    must(dataset_load(&trial->data, trial->settings.dataset, trial->settings.dataset_settings, NULL,
                      arena));
    return trial;
}

/* Where a run begins and where it is interrupted. */
typedef struct Continued {
    int64_t pause;          /* after this step; 0: never */
    const char *checkpoint; /* written there, or NULL */
    const char *resume;     /* from this one, or NULL */
    bool lose_each;         /* see KeptRun */
    int room;               /* for more rows than the trial should have */
    double checkpoint_s;
} Continued;

static inline KeptRun continue_trial(const ReadTrial *trial, uint64_t seed, int threads,
                                     const Continued *how, Arena *arena) {
    Timeline timeline;
    must(timeline_new(&timeline, &trial->settings, trial->data.n[SPLIT_TRAIN]));
    KeptRun kept = {.arena = arena,
                    .room = (int)timeline.total_steps + 1 + how->room,
                    .checkpoint = how->checkpoint,
                    .lose_each = how->lose_each};
    kept.steps = ARENA_ARRAY(arena, StepRow, kept.room);
    kept.evals = ARENA_ARRAY(arena, EvalRow, kept.room);
    kept.layers = ARENA_ARRAY(arena, LayerRow *, kept.room);
    kept.curvatures = ARENA_ARRAY(arena, CurvatureRow, kept.room);
    Recorder recorder = {.self = &kept,
                         .step = keep_step,
                         .eval = keep_eval,
                         .curvature = keep_curvature,
                         .digest = keep_weights};
    if (how->checkpoint)
        recorder.checkpoint = keep_checkpoint;
    TrialLayout layout = {.comm = comm_alone(arena),
                          .threads = threads,
                          .pause_after_steps = how->pause,
                          .resume = how->resume,
                          .checkpoint_s = how->checkpoint_s,
                          .collective =
                              (const CollectiveType *)collective_table[COLLECTIVE_ID_tree]};
    must(trial_run(&kept.summary, &trial->settings, seed, &trial->data, &layout, &recorder));
    return kept;
}

/* One replica, `threads` threads. */
static inline KeptRun run_trial(const ReadTrial *trial, uint64_t seed, int threads, Arena *arena) {
    const Continued from_start = {0};
    return continue_trial(trial, seed, threads, &from_start, arena);
}

#endif
