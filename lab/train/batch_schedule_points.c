#include "lab/train/batch_schedule.h"

typedef struct PointsSettings {
    ParamCounts at_epochs;
    ParamCounts global_batch;
} PointsSettings;

static double points_batch(const void *settings, const BatchTime *time) {
    const PointsSettings *points = settings;
    double batch = (double)time->global_batch;
    for (int i = 0; i < points->at_epochs.n; i++)
        if (time->examples >= points->at_epochs.value[i] * time->n_train)
            batch = (double)points->global_batch.value[i];
    return batch;
}

static Error *points_check(const void *settings, const Json *where) {
    const PointsSettings *points = settings;
    if (points->at_epochs.n != points->global_batch.n)
        return error_hint(json_error(where, "has %d epochs for %d batches", points->at_epochs.n,
                                     points->global_batch.n),
                          "at_epochs and global_batch are lists of the same length");
    for (int i = 1; i < points->at_epochs.n; i++)
        if (points->at_epochs.value[i] <= points->at_epochs.value[i - 1])
            return error_hint(json_error(where, "has epochs that do not grow"),
                              "for example [5, 10]");
    return NULL;
}

static const Param rows[] = {
    PARAM(COUNTS, PointsSettings, at_epochs, NULL, 1, 1e9, "epochs",
          "when the batch changes, counted from the start"),
    PARAM(COUNTS, PointsSettings, global_batch, NULL, 1, 1 << 24, "examples",
          "the batch from each of these points on"),
    PARAM_END,
};

BATCH_SCHEDULE_TYPE(points) = {
    .kind = {.name = "points",
             .summary = "another global batch from given epochs on",
             .detail = "B = global_batch[i] from epoch at_epochs[i] on, rounded down to a multiple "
                       "of mini_batch. The\n"
                       "scaling rule of the learning rate follows the batch.",
             .settings_bytes = sizeof(PointsSettings),
             .params = rows},
    .batch = points_batch,
    .check = points_check,
};
