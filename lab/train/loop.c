/* One trial on one layout. */
#include "lab/train/state.h"

#include "lab/base/clock.h"
#include "lab/base/say.h"
#include "lab/base/vec.h"
#include "lab/train/exchange.h"
#include "lab/train/team.h"

#include <math.h>

/* Running statistics move towards the mean over the step's shards, summed in tree order: one move a
 * step, so a batch of any size forgets at the same rate a step (optimizers.md 9, rule b). */
static void update_running(Trainer *trainer) {
    const Model *model = trainer->model;
    const double *stats = trainer->sums + SUM_SQNORMS + model->n_segments;
    for (int64_t i = 0; i < model->n_stats; i++) {
        double now = stats[i] / (double)trainer->n_shards, was = (double)trainer->running[i];
        trainer->running[i] = (float)(was + model->stats_share * (now - was));
    }
}

double trainer_lr(const Trainer *trainer) {
    return timeline_lr(&trainer->timeline, trainer->clock, trainer->global_batch, trainer->gain);
}

void whole_update(Trainer *trainer) {
    optim_step(trainer->optim, trainer->row.lr, trainer->weights, trainer->grad, trainer->layers,
               trainer->threads);
    team_wait(trainer->team);
}

void stage_update(Trainer *trainer) {
    const TrialSettings *settings = trainer->settings;
    StepRow *row = &trainer->row;
    bool own_clock = ((const ScalingType *)settings->lr.scaling)->own_clock;
    row->lr = trainer_lr(trainer);
    row->lr_gain = trainer->gain;
    trainer->method->update(trainer);
    update_running(trainer);
    if (trainer->averaged) {
        double keep = exp2(-(double)trainer->global_batch / settings->ema.half_life_examples);
        vec_toward(trainer->averaged, trainer->weights, (float)(1 - keep),
                   trainer->model->n_weights);
    }
    trainer->step++;
    trainer->examples += trainer->global_batch;
    trainer->clock += own_clock ? trainer->gain * timeline_base_batch(&trainer->timeline)
                                : (double)trainer->global_batch;
    row->step = trainer->step;
    row->examples = trainer->examples;
    row->global_batch = trainer->global_batch;
    trainer->worker_bytes += row->worker_bytes;
}

/* The recorder's first failure stops all ranks: rank 0 asks for it with the next step's sums. */
static void keep_failure(Trainer *trainer, Error *error) {
    if (!error)
        return;
    if (trainer->failure)
        error_end(error);
    else
        trainer->failure = error;
    trainer->wanted |= WANT_STOP;
}

/* Rank 0 decides by its clock and its signals; the others hear of it with the next step's sums. */
static int decide(const Trainer *trainer) {
    const TrialLayout *layout = trainer->layout;
    bool late = layout->max_seconds > 0 && trainer->now_s - trainer->began_s > layout->max_seconds;
    bool due =
        layout->checkpoint_s > 0 && trainer->now_s - trainer->checkpoint_s > layout->checkpoint_s;
    bool asked = layout->stop_flag && *layout->stop_flag;
    return (asked ? WANT_STOP : 0) | (late ? WANT_TIME : 0) | (due ? WANT_CHECKPOINT : 0);
}

static void record_step(Trainer *trainer) {
    const Recorder *recorder = trainer->recorder;
    trainer->wanted = comm_rank(trainer->layout->comm) == 0 ? decide(trainer) : 0;
    if (trainer->failure)
        trainer->wanted |= WANT_STOP;
    else if (recorder && recorder->step)
        keep_failure(trainer, recorder->step(recorder->self, &trainer->row));
}

static void record_eval(Trainer *trainer) {
    const Recorder *recorder = trainer->recorder;
    const Model *model = trainer->model;
    for (int i = 0; i < model->n_segments; i++) {
        const Segment *segment = &model->segments[i];
        NoiseEstimate mean = noise_take(&trainer->layer_sum[i]);
        trainer->layer_rows[i] = (LayerRow){
            .weight_norm = sqrt(vec_sumsq(trainer->weights + segment->offset, segment->n)),
            .grad_norm = sqrt(trainer->layers[i].grad_sumsq),
            .trust_ratio = trainer->layers[i].trust,
            .noise_scale = noise_scale(&trainer->layer_noise[i]),
            .noise_trace = mean.trace,
            .noise_sqnorm = mean.sqnorm,
        };
    }
    if (recorder && recorder->eval && !trainer->failure)
        keep_failure(trainer, recorder->eval(recorder->self, &trainer->eval, trainer->layer_rows,
                                             model->n_segments));
}

static void record_curvature(Trainer *trainer) {
    const Recorder *recorder = trainer->recorder;
    keep_failure(trainer, curvature_measure(trainer));
    if (recorder && recorder->curvature && !trainer->failure)
        keep_failure(trainer, recorder->curvature(recorder->self, &trainer->curvature_row));
}

static void settle(Trainer *trainer) {
    if (trainer->method->settle)
        trainer->method->settle(trainer);
}

static void record_digest(Trainer *trainer) {
    const Recorder *recorder = trainer->recorder;
    settle(trainer);
    if (recorder && recorder->digest && !trainer->failure)
        keep_failure(trainer,
                     recorder->digest(recorder->self, trainer->step, trainer->weights,
                                      trainer->model->n_weights + trainer->model->n_stats));
}

/* A checkpoint that fails is no reason to stop, as long as nobody leaves because of it: the one
 * before is still there. */
static void record_checkpoint(Trainer *trainer, bool leaving) {
    const Recorder *recorder = trainer->recorder;
    StateArray arrays[CHECKPOINT_MAX_ARRAYS];
    exchange_collect(trainer);
    if (recorder && recorder->checkpoint && !trainer->failure) {
        trainer->wall_s = clock_s() - trainer->start_s;
        int common, n = trainer_state(trainer, &common, arrays);
        Error *error = recorder->checkpoint(recorder->self, trainer->step, arrays, n);
        if (leaving) {
            keep_failure(trainer, error);
        } else {
            if (error && !trainer->checkpoint_failed)
                say("no checkpoint at step %lld, but the run goes on: %s", (long long)trainer->step,
                    error_root(error));
            trainer->checkpoint_failed = error != NULL;
            error_end(error);
        }
    }
    trainer->wanted &= ~WANT_CHECKPOINT;
    trainer->checkpoint_s = clock_s();
}

/* ---- stop rule */

static bool has_diverged(Trainer *trainer) {
    double loss = trainer->row.train_loss;
    if (trainer->step == 1)
        trainer->start_loss = loss;
    return !isfinite(loss) || !isfinite(trainer->row.grad_norm) ||
           fabs(loss) > trainer->settings->stop.diverge_factor * fabs(trainer->start_loss);
}

static bool has_reached(const StopSettings *stop, const EvalRow *row) {
    Metric metric = (Metric)stop->metric;
    return stop->has_target && metric_reaches(metric, metric_value(row, metric), stop->target);
}

/* At the first step at or past each multiple of the interval, and at the full run's last step. */
static bool eval_is_due(const Trainer *trainer) {
    int64_t every = trainer->settings->eval.every_examples, now = trainer->examples;
    if (every == 0)
        every = trainer->data->n[SPLIT_TRAIN];
    return now / every > (now - trainer->global_batch) / every ||
           trainer->step == trainer->timeline.total_steps;
}

static void summarize(Trainer *trainer, RunSummary *summary) {
    const EvalRow *row = &trainer->eval;
    summary->final_valid_accuracy = row->valid_accuracy;
    summary->final_valid_loss = row->valid_loss;
    summary->final_test_accuracy = row->test_accuracy;
    summary->best_valid_loss = fmin(summary->best_valid_loss, row->valid_loss);
    if (isnan(summary->best_valid_accuracy) || row->valid_accuracy > summary->best_valid_accuracy) {
        summary->best_valid_accuracy = row->valid_accuracy;
        summary->test_accuracy_at_best_valid = row->test_accuracy;
    }
}

/* What an evaluation says: has the trial reached its target? */
static bool evaluate_and_judge(Trainer *trainer, bool *diverged) {
    RunSummary *summary = trainer->summary;
    settle(trainer);
    evaluate(trainer);
    record_eval(trainer);
    if (curvature_is_due(trainer))
        record_curvature(trainer);
    summarize(trainer, summary);
    *diverged = *diverged || !isfinite(trainer->eval.valid_loss);
    bool reached = !*diverged && has_reached(&trainer->settings->stop, &trainer->eval);
    if (reached) {
        summary->steps_to_target = (double)trainer->step;
        summary->examples_to_target = (double)trainer->eval.examples;
        summary->seconds_to_target = trainer->eval.wall_s;
    }
    return reached;
}

/* After an update: evaluation, digest, checkpoint, and whether the trial ends here. The checkpoint
 * of a run that is interrupted comes before its last digest, which no run that goes on has. */
static bool finish_step(Trainer *trainer) {
    RunSummary *summary = trainer->summary;
    int wanted = (int)trainer->sums[SUM_WANTED];
    bool diverged = has_diverged(trainer), reached = false;
    bool due = eval_is_due(trainer) || diverged;
    if (due)
        reached = evaluate_and_judge(trainer, &diverged);
    bool ended = reached || diverged || trainer->step == trainer->stop_at;
    int64_t pause = trainer->layout->pause_after_steps; /* a run that goes on may be past it */
    bool paused = pause > 0 && trainer->step >= pause;
    bool leaving = !ended && (wanted & (WANT_STOP | WANT_TIME) || paused);
    bool digested = due || ended || trainer->step == trainer->layout->digest_step;
    if (digested)
        record_digest(trainer);
    if (!ended && (leaving || wanted & WANT_CHECKPOINT))
        record_checkpoint(trainer, leaving);
    if (leaving && !digested)
        record_digest(trainer);
    summary->steps_run = trainer->step;
    summary->timed_out = leaving && !paused && !(wanted & WANT_STOP);
    summary->outcome = diverged  ? OUTCOME_DIVERGED
                       : reached ? OUTCOME_REACHED
                       : leaving ? OUTCOME_INTERRUPTED
                                 : OUTCOME_BUDGET_SPENT;
    return !ended && !leaving;
}

#define TIMED(column, call)                                                                        \
    do {                                                                                           \
        double timed_start_ = clock_s();                                                           \
        call;                                                                                      \
        trainer->row.column = clock_s() - timed_start_;                                            \
    } while (0)

/* The page. Gathering examples happens inside the compute stage, shard by shard; its time is booked
 * where it belongs. */
static Error *train(Trainer *trainer) {
    bool going = true;
    while (going) {
        double start_s = clock_s();
        Error *error = NULL;
        TIMED(sample_s, stage_sample(trainer));
        TIMED(compute_s, stage_compute(trainer));
        trainer->row.sample_s += trainer->thread[0].sample_s;
        trainer->row.compute_s -= trainer->thread[0].sample_s;
        TIMED(reduce_s, error = stage_reduce(trainer));
        if (error)
            return error;
        TIMED(noise_s, stage_noise(trainer); stage_clip(trainer));
        TIMED(update_s, stage_update(trainer));
        trainer->now_s = clock_s();
        trainer->row.step_s = trainer->now_s - start_s;
        record_step(trainer);
        going = finish_step(trainer);
    }
    return NULL;
}

static Error *begin_and_train(RunSummary *out, const TrialSettings *settings, uint64_t seed,
                              const Dataset *data, const TrialLayout *layout,
                              const Recorder *recorder, Arena *arena) {
    Trainer *trainer = NULL;
    Error *error = trainer_new(&trainer, settings, seed, data, layout, recorder, arena);
    PASS(comm_agree(layout->comm, error));
    trainer->summary = out;
    PASS(trainer_connect(trainer));
    trainer->start_s = trainer->began_s = trainer->checkpoint_s = clock_s();
    error = trainer_resume(trainer);
    if (!error)
        error = team_new(trainer);
    error = comm_agree(layout->comm, error ? error : train(trainer));
    team_end(trainer->team);
    buckets_end(trainer->buckets);
    trainer->reduction.type->close(&trainer->reduction);
    return error ? error : comm_agree(layout->comm, trainer->failure);
}

Error *trial_run(RunSummary *out, const TrialSettings *settings, uint64_t seed, const Dataset *data,
                 const TrialLayout *layout, const Recorder *recorder) {
    *out = run_summary_new(OUTCOME_FAILED);
    Arena *arena = arena_new();
    Error *error = begin_and_train(out, settings, seed, data, layout, recorder, arena);
    arena_end(arena);
    return error;
}
