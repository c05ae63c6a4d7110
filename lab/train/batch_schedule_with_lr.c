#include "lab/train/batch_schedule.h"

#include <math.h>

typedef struct WithLrSettings {
    int64_t max;
} WithLrSettings;

/* The noise of a step goes with lr / B: instead of lr * f, B / f (shared/specs/optimizers.md 8.4).
 */
static double with_lr_batch(const void *settings, const BatchTime *time) {
    const WithLrSettings *with_lr = settings;
    double largest = fmax((double)with_lr->max, (double)time->global_batch);
    return fmin(largest, (double)time->global_batch / fmax(time->lr_factor, 1e-9));
}

static const Param rows[] = {
    PARAM(COUNT, WithLrSettings, max, NULL, 1, 1 << 24, "examples",
          "largest batch; from there on the learning rate decays"),
    PARAM_END,
};

BATCH_SCHEDULE_TYPE(with_lr) = {
    .kind = {.name = "with_lr",
             .summary = "the batch grows where the learning rate would have dropped",
             .detail = "Where the schedule multiplies the learning rate by f, B = global_batch / f "
                       "up to max, and the rate\n"
                       "keeps lr f B / global_batch: unchanged until max is reached.",
             .reference = "Smith, Kindermans, Ying, Le 2018, arXiv 1711.00489",
             .settings_bytes = sizeof(WithLrSettings),
             .params = rows},
    .replaces_lr = true,
    .batch = with_lr_batch,
};
