#include "lab/train/timeline.h"

#include <math.h>

static bool is_constant(const TrialSettings *settings) {
    return settings->batch_schedule ==
           (const BatchScheduleType *)batch_schedule_table[BATCH_SCHEDULE_ID_constant];
}

/* Updates of the trial's own batch that `examples` are worth: the schedules count in them. */
static double own_steps(const Timeline *timeline, double examples) {
    return examples / (double)timeline->settings->global_batch;
}

/* What the schedule, without warmup, multiplies the rate with. */
static double decay_factor(const Timeline *timeline, int64_t examples) {
    double own = (double)timeline->settings->global_batch;
    LrTime time = {.now = (double)examples,
                   .global_batch = own,
                   .first_batch = own,
                   .n_train = (double)timeline->n_train,
                   .total = timeline->total_examples,
                   .gain = 1};
    return lr_decay(&timeline->settings->lr, &time);
}

int64_t timeline_batch(const Timeline *timeline, int64_t examples) {
    const TrialSettings *settings = timeline->settings;
    BatchTime time = {
        .examples = examples,
        .n_train = timeline->n_train,
        .global_batch = settings->global_batch,
        .mini_batch = settings->mini_batch,
        .lr_factor = settings->batch_schedule->replaces_lr ? decay_factor(timeline, examples) : 1};
    return batch_at(settings->batch_schedule, settings->batch_schedule_settings, &time);
}

static double scaling_at(const LrSettings *lr, int64_t base_batch, int64_t global_batch) {
    return ((const ScalingType *)lr->scaling)
        ->factor(lr->scaling_settings, (double)global_batch / (double)base_batch);
}

double timeline_lr(const Timeline *timeline, int64_t examples, int64_t global_batch) {
    const TrialSettings *settings = timeline->settings;
    int64_t own = settings->global_batch,
            base_batch = settings->lr.base_batch ? settings->lr.base_batch : own;
    double rate = lr_at(&settings->lr, examples / own, own, timeline->n_train,
                        (int64_t)ceil(own_steps(timeline, timeline->total_examples)));
    if (global_batch == own)
        return rate;
    if (settings->batch_schedule->replaces_lr)
        return rate * (double)global_batch / (double)own;
    return rate * scaling_at(&settings->lr, base_batch, global_batch) /
           scaling_at(&settings->lr, base_batch, own);
}

/* Examples that the budgets in epochs and examples allow; infinite when there are none. */
static double budget_examples(const StopSettings *stop, int64_t n_train) {
    double examples = INFINITY;
    if (stop->epochs > 0)
        examples = fmin(examples, stop->epochs * (double)n_train);
    if (stop->examples > 0)
        examples = fmin(examples, (double)stop->examples);
    return examples;
}

static void walk(Timeline *timeline, double budget) {
    int64_t examples = 0,
            most = timeline->settings->stop.steps > 0 ? timeline->settings->stop.steps : INT64_MAX;
    timeline->least_batch = INT64_MAX;
    for (timeline->total_steps = 0; timeline->total_steps < most && (double)examples < budget;
         timeline->total_steps++) {
        int64_t batch = timeline_batch(timeline, examples);
        timeline->least_batch = batch < timeline->least_batch ? batch : timeline->least_batch;
        timeline->largest_batch = batch > timeline->largest_batch ? batch : timeline->largest_batch;
        examples += batch;
    }
}

Error *timeline_new(Timeline *out, const TrialSettings *settings, int64_t n_train) {
    *out = (Timeline){.settings = settings,
                      .n_train = n_train,
                      .total_steps = trial_total_steps(settings, n_train),
                      .least_batch = settings->global_batch,
                      .largest_batch = settings->global_batch};
    out->total_examples = (double)out->total_steps * (double)settings->global_batch;
    if (is_constant(settings))
        return NULL;
    double budget = budget_examples(&settings->stop, n_train);
    if (!isfinite(budget))
        return error_hint(
            error_new(CODE_USAGE,
                      "trial.stop has a budget in steps alone, but trial.batch_schedule changes "
                      "the batch"),
            "give trial.stop.epochs or trial.stop.examples: schedules need a horizon");
    out->total_examples = budget;
    walk(out, budget);
    return NULL;
}
