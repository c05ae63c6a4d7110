/* A `trial` object in a file of its own, for programs around the tests. */
#ifndef TESTS_TOOLS_TRIAL_FILE_H
#define TESTS_TOOLS_TRIAL_FILE_H

#include "lab/train/trial.h"

#include <stdlib.h>

typedef struct TrialFile {
    TrialSettings settings;
    Dataset data;
    Model *model;
} TrialFile;

static inline Error *trial_file_load(TrialFile *out, const char *path, Arena *arena) {
    Json *json;
    const char *const paths[] = {".", getenv("BATCHLAB_DATA"), NULL};
    PASS(json_load(&json, path, arena));
    PASS(trial_read(&out->settings, json, arena));
    PASS(dataset_load(&out->data, out->settings.dataset, out->settings.dataset_settings, paths,
                      arena));
    ModelInput input = trial_input(&out->data);
    return model_new(&out->model, out->settings.model, out->settings.model_settings, &input,
                     (int)out->settings.mini_batch, arena);
}

/* Seed 0, canonical sums. */
static inline Error *trial_file_train(TrialFile *file, Comm *comm, int threads, int64_t steps,
                                      const volatile sig_atomic_t *stop, Recorder *recorder) {
    RunSummary summary;
    TrialLayout layout = {.comm = comm,
                          .threads = threads,
                          .collective =
                              (const CollectiveType *)collective_table[COLLECTIVE_ID_tree],
                          .stop_after_steps = steps,
                          .stop_flag = stop};
    return trial_run(&summary, &file->settings, 0, &file->data, &layout, recorder);
}

#endif
