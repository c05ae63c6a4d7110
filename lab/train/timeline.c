#include "lab/train/timeline.h"

#include "lab/train/state.h"

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

/* Without a branch. */
static int64_t trunk_batch(const Timeline *timeline, int64_t examples) {
    const TrialSettings *settings = timeline->settings;
    BatchTime time = {
        .examples = examples,
        .n_train = timeline->n_train,
        .global_batch = settings->global_batch,
        .mini_batch = settings->mini_batch * settings->workers, /* whole shards a worker */
        .lr_factor = settings->batch_schedule->replaces_lr ? decay_factor(timeline, examples) : 1};
    return batch_at(settings->batch_schedule, settings->batch_schedule_settings, &time);
}

int64_t timeline_batch(const Timeline *timeline, int64_t examples) {
    return branch_factor(&timeline->settings->branch, (double)examples) *
           trunk_batch(timeline, examples);
}

double timeline_k(const Timeline *timeline, int64_t global_batch) {
    return lr_k(&timeline->settings->lr, (double)global_batch,
                (double)timeline->settings->global_batch);
}

double timeline_base_batch(const Timeline *timeline) {
    return (double)timeline->settings->global_batch /
           timeline_k(timeline, timeline->settings->global_batch);
}

/* A branch multiplies the rate that the trunk would have there. (Its clock counts examples: others
 * are refused.) */
double timeline_lr(const Timeline *timeline, double clock, int64_t global_batch, double gain) {
    const TrialSettings *settings = timeline->settings;
    bool replaces = settings->batch_schedule->replaces_lr;
    int64_t batch = global_batch / branch_factor(&settings->branch, clock);
    LrTime time = time_at(timeline, clock, replaces ? settings->global_batch : batch, gain);
    double rate = lr_now(&settings->lr, &time) * branch_lr_factor(&settings->branch, clock);
    return replaces ? rate * (double)batch / (double)settings->global_batch : rate;
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

/* Appends updates while fewer than `most` are there and `examples` seen ones stay below `end`;
 * returns the examples seen then. */
static int64_t walk(Timeline *timeline, int64_t examples, double end, int64_t most) {
    while (timeline->total_steps < most && (double)examples < end) {
        int64_t batch = timeline_batch(timeline, examples);
        timeline->least_batch = batch < timeline->least_batch ? batch : timeline->least_batch;
        timeline->largest_batch = batch > timeline->largest_batch ? batch : timeline->largest_batch;
        examples += batch;
        timeline->total_steps++;
    }
    return examples;
}

static void forget_steps(Timeline *timeline) {
    timeline->total_steps = 0;
    timeline->least_batch = INT64_MAX;
    timeline->largest_batch = 0;
}

/* The trunk's updates, then the branch's. Its length counts from where it really begins. */
static Error *walk_branch(Timeline *timeline) {
    const TrialSettings *settings = timeline->settings;
    const BranchSettings *branch = &settings->branch;
    const ScalingType *scaling = (const ScalingType *)settings->lr.scaling;
    if (scaling->gain || scaling->own_clock)
        return error_hint(error_new(CODE_USAGE,
                                    "trial.branch multiplies the rate, which trial.lr.scaling '%s' "
                                    "takes from the noise",
                                    scaling->kind.name),
                          "branch off a trial with scaling none, linear or sqrt");
    forget_steps(timeline);
    int64_t begin = walk(timeline, 0, (double)branch->at_examples, INT64_MAX);
    timeline->end_examples = (double)(begin + branch->examples);
    if (timeline->end_examples > timeline->total_examples)
        return error_hint(error_new(CODE_USAGE,
                                    "trial.branch ends after %.0f examples, but trial.stop "
                                    "allows the trunk %.0f",
                                    timeline->end_examples, timeline->total_examples),
                          "branch off earlier, for fewer examples, or raise the budget in "
                          "trial.stop");
    walk(timeline, begin, timeline->end_examples, INT64_MAX);
    return NULL;
}

/* Its subset is dealt to ranks and threads like a batch. */
static Error *make_room_for_curvature(Timeline *timeline) {
    const TrialSettings *settings = timeline->settings;
    int64_t m = curvature_examples(settings, timeline->n_train);
    if (m < 2 * settings->mini_batch)
        return error_hint(error_new(CODE_USAGE,
                                    "trial.curvature has %lld of %lld training examples for "
                                    "mini-batches of %lld, but needs two of them",
                                    (long long)settings->curvature.examples,
                                    (long long)timeline->n_train, (long long)settings->mini_batch),
                          "raise trial.curvature.examples or lower trial.mini_batch");
    timeline->least_batch = m < timeline->least_batch ? m : timeline->least_batch;
    timeline->largest_batch = m > timeline->largest_batch ? m : timeline->largest_batch;
    return NULL;
}

Error *timeline_new(Timeline *out, const TrialSettings *settings, int64_t n_train) {
    *out = (Timeline){.settings = settings,
                      .n_train = n_train,
                      .total_steps = trial_total_steps(settings, n_train),
                      .least_batch = settings->global_batch,
                      .largest_batch = settings->global_batch};
    out->total_examples = (double)out->total_steps * (double)settings->global_batch;
    if (!is_constant(settings)) {
        double budget = budget_examples(&settings->stop, n_train);
        if (!isfinite(budget))
            return error_hint(
                error_new(CODE_USAGE,
                          "trial.stop has a budget in steps alone, but trial.batch_schedule "
                          "changes the batch"),
                "give trial.stop.epochs or trial.stop.examples: schedules need a horizon");
        out->total_examples = budget;
        forget_steps(out);
        walk(out, 0, budget, settings->stop.steps > 0 ? settings->stop.steps : INT64_MAX);
    }
    out->end_examples = out->total_examples;
    if (settings->branch.examples > 0)
        PASS(walk_branch(out));
    return settings->curvature.every_examples > 0 ? make_room_for_curvature(out) : NULL;
}
