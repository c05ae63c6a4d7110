#include "lab/train/batch_schedule.h"

#include <math.h>

typedef struct WarmupSettings {
    int64_t start;
    double epochs;
} WarmupSettings;

/* Powers of two of the start, each for an equal share of the warmup in examples. */
static double warmup_batch(const void *settings, const BatchTime *time) {
    const WarmupSettings *warmup = settings;
    double full = (double)time->global_batch, start = (double)warmup->start;
    double length = warmup->epochs * (double)time->n_train, seen = (double)time->examples;
    if (seen >= length || start >= full)
        return full;
    double doublings = ceil(log2(full / start));
    return start * exp2(floor(doublings * seen / length));
}

static const Param rows[] = {
    PARAM(COUNT, WarmupSettings, start, NULL, 1, 1 << 24, "examples", "the first global batch"),
    PARAM(NUMBER, WarmupSettings, epochs, NULL, 0, 1e9, "epochs",
          "after this long the batch is global_batch"),
    PARAM_END,
};

BATCH_SCHEDULE_TYPE(warmup) = {
    .kind = {.name = "warmup",
             .summary = "the batch doubles from a small start to global_batch",
             .detail =
                 "B = start * 2^floor(n x / length) for x examples seen, n = "
                 "ceil(log2(global_batch / start)),\n"
                 "then global_batch. The scaling rule of the learning rate follows the batch.",
             .settings_bytes = sizeof(WarmupSettings),
             .params = rows},
    .batch = warmup_batch,
};
