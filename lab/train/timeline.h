/* The timeline of a trial: batch and learning rate of every update, as functions of examples seen.
 */
#ifndef LAB_TRAIN_TIMELINE_H
#define LAB_TRAIN_TIMELINE_H

#include "lab/train/trial.h"

typedef struct Timeline {
    const TrialSettings *settings;
    int64_t n_train;
    double total_examples; /* horizon of schedules */
    double end_examples;   /* where the trial ends: there, or at the end of its branch */
    int64_t total_steps;
    int64_t least_batch, largest_batch; /* over all updates */
} Timeline;

/* Walks the whole trial when its batch changes. Errors (code 2): a changing batch with a budget in
 * steps alone, which leaves the schedules without a horizon; a branch that outlasts the budget, or
 * off a trial whose rate follows the noise. */
Error *timeline_new(Timeline *out, const TrialSettings *settings, int64_t n_train);

/* Examples of the update that begins after `examples` seen ones. */
int64_t timeline_batch(const Timeline *timeline, int64_t examples);

/* Learning rate of that update, which has `global_batch` examples. `clock` is where the schedule
 * stands: `examples`, or what a scaling rule with a clock of its own makes of them; `gain` is that
 * of a rule that follows the noise, else 1. */
double timeline_lr(const Timeline *timeline, double clock, int64_t global_batch, double gain);

/* Factor k of a scaling rule for an update of `global_batch` examples, and the batch that k is 1
 * for. */
double timeline_k(const Timeline *timeline, int64_t global_batch);
double timeline_base_batch(const Timeline *timeline);

#endif
