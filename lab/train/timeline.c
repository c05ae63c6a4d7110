#include "lab/train/timeline.h"

#include <math.h>

static bool is_constant(const TrialSettings *settings) {
    return settings->batch_schedule ==
           (const BatchScheduleType *)batch_schedule_table[BATCH_SCHEDULE_ID_constant];
}

/* The trial's nominal batch stands for the first one: lengths in steps and k refer to it. */
static LrTime time_at(const Timeline *timeline, double clock, int64_t global_batch, double gain) {
    return (LrTime){
        .now = clock,
        .global_batch = (double)global_batch,
        .first_batch = (double)timeline->settings->global_batch,
        .n_train = (double)timeline->n_train,
        .total = timeline->total_examples,
        .gain = gain,
    };
}

/* What the schedule, without warmup, multiplies the rate with. */
static double decay_factor(const Timeline *timeline, int64_t examples) {
    LrTime time = time_at(timeline, (double)examples, timeline->settings->global_batch, 1);
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

double timeline_k(const Timeline *timeline, int64_t global_batch) {
    return lr_k(&timeline->settings->lr, (double)global_batch,
                (double)timeline->settings->global_batch);
}

double timeline_base_batch(const Timeline *timeline) {
    return (double)timeline->settings->global_batch /
           timeline_k(timeline, timeline->settings->global_batch);
}

double timeline_lr(const Timeline *timeline, double clock, int64_t global_batch, double gain) {
    const TrialSettings *settings = timeline->settings;
    bool replaces = settings->batch_schedule->replaces_lr;
    LrTime time = time_at(timeline, clock, replaces ? settings->global_batch : global_batch, gain);
    double rate = lr_now(&settings->lr, &time);
    return replaces ? rate * (double)global_batch / (double)settings->global_batch : rate;
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
