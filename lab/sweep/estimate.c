/* What a plan will cost: time from a short probe of every model, memory and disk from the sizes of
 * what is held. */
#include "lab/sweep/plan.h"

#include "lab/base/clock.h"

#include <omp.h>
#include <string.h>

typedef struct Probe {
    const char *key;
    double seconds_per_example;
    int64_t n_weights;
    double thread_bytes; /* of one thread: workspace and gathered examples */
    double n_segments;
} Probe;

/* Seconds an example of forward and backward passes on a pattern; at least three passes and 20 ms.
 */
static double time_model(const Model *model, int span, Arena *arena) {
    float *weights = ARENA_ARRAY(arena, float, model->n_weights),
          *grad = ARENA_ARRAY(arena, float, model->n_weights);
    float *x = ARENA_ARRAY(arena, float, (int64_t)span * model->n_features);
    int32_t *y = ARENA_ARRAY(arena, int32_t, (int64_t)span * model->n_labels);
    double *sumsq = ARENA_ARRAY(arena, double, model->n_segments);
    model->type->init(model, 0, weights);
    for (int64_t i = 0; i < (int64_t)span * model->n_features; i++)
        x[i] = model->n_labels > 1 ? (float)(i % model->n_classes) : (float)(i % 7) - 3;
    Shard shard = {.n = span, .x = x, .y = y};
    ModelPass pass = {.weights = weights,
                      .grad_sum = grad,
                      .workspace = model_workspace(model, span, arena),
                      .example_sumsq = model->noise_unit == NOISE_UNIT_EXAMPLE ? sumsq : NULL};
    omp_set_num_threads(1);
    model->type->pass(model, &shard, &pass);
    double start = clock_s(), passed = 0;
    int n = 0;
    for (; n < 3 || passed < 0.02; n++, passed = clock_s() - start)
        model->type->pass(model, &shard, &pass);
    return passed / n / span;
}

/* Program and libraries of a rank: what softmax regression on a few glyphs peaks at. */
#define PROCESS_BYTES 35e6
/* MPI's share, where there are several ranks. */
#define MPI_BYTES 4e6

/* Weight-long vectors beside gradients: the weights, what is measured on request, averages. */
static double vectors(const TrialSettings *settings) {
    return 1 + (settings->noise.preconditioned ? 1 : 0) +
           (settings->curvature.every_examples > 0 ? 4 : 0) +
           (settings->ema.half_life_examples > 0 ? 1 : 0);
}

static int64_t share(int64_t n, int64_t of) {
    return (n + of - 1) / of;
}

/* Peak of one rank without the data. A thread holds the sums of its shards that wait for their
 * siblings: one for each level of the tree over its own part, and the new one. */
static double rank_bytes(const Probe *probe, const PlannedTrial *trial, int replicas, int threads) {
    const TrialSettings *settings = &trial->settings;
    int64_t own = share(trial_shards(settings), replicas);
    double working = (double)(threads < own ? threads : own), sums = 1;
    for (int64_t left = share(own, threads); left > 1; left /= 2)
        sums++;
    double weight_bytes = 4.0 * (double)probe->n_weights;
    return PROCESS_BYTES + (replicas > 1 ? MPI_BYTES + weight_bytes : 0) +
           weight_bytes * (vectors(settings) + working * sums) +
           (double)optim_slot_bytes(settings->optimizer, probe->n_weights) +
           threads * probe->thread_bytes;
}

/* Trials of equal settings have one dataset. */
static double data_bytes(const Experiment *experiment) {
    const Dataset *seen[EXPERIMENT_MAX_DATASETS];
    double bytes = 0;
    int n = 0;
    for (int i = 0; i < experiment->n_trials; i++) {
        int k = 0;
        while (k < n && seen[k] != experiment->trials[i].data)
            k++;
        if (k < n)
            continue;
        seen[n++] = experiment->trials[i].data;
        bytes += dataset_bytes(experiment->trials[i].data);
    }
    return bytes;
}

static Error *probe_trial(Probe *out, const PlannedTrial *trial) {
    const TrialSettings *settings = &trial->settings;
    const Dataset *data = trial->data;
    ModelInput input = trial_input(data);
    Arena *scratch = arena_new();
    Model *model;
    Error *error = model_new(&model, settings->model, settings->model_settings, &input,
                             (int)settings->mini_batch, scratch);
    if (!error) {
        out->seconds_per_example = time_model(model, (int)settings->mini_batch, scratch);
        int examples = settings->mini_batch > MODEL_EVAL_EXAMPLES ? (int)settings->mini_batch
                                                                  : MODEL_EVAL_EXAMPLES;
        out->n_weights = model->n_weights;
        out->thread_bytes = (double)model->type->workspace_bytes(model, examples) +
                            4.0 * examples * (model->n_features + model->n_labels);
        out->n_segments = model->n_segments;
    }
    arena_end(scratch);
    return error;
}

enum { MAX_PROBES = 16 };

typedef struct Estimator {
    PlanEstimate *out;
    Probe probe[MAX_PROBES];
    int n_probes;
    double *trial_s; /* (experiment->n_trials) */
    Arena *arena;
} Estimator;

/* The probe of a trial's model and mini-batch; the first one when there are too many of them. */
static Error *find_probe(const Probe **out, Estimator *estimator, const PlannedTrial *trial) {
    const TrialSettings *settings = &trial->settings;
    Arena *arena = estimator->arena;
    Json *model = kind_write(&settings->model->kind, settings->model_settings, arena);
    const char *key = arena_print(arena, "%s/%lld", json_canonical(model, arena),
                                  (long long)settings->mini_batch);
    int k = 0;
    while (k < estimator->n_probes && strcmp(estimator->probe[k].key, key) != 0)
        k++;
    if (k == estimator->n_probes && k < MAX_PROBES) {
        PASS(probe_trial(&estimator->probe[k], trial));
        estimator->probe[k].key = key;
        estimator->n_probes++;
    }
    *out = &estimator->probe[k < estimator->n_probes ? k : 0];
    return NULL;
}

/* Adds `times` runs of `steps` steps and `examples` examples. */
static Error *add_runs(double *cpu_s, Estimator *estimator, const Phase *phase,
                       const PlannedTrial *trial, int64_t steps, double examples, double times) {
    const Probe *probe;
    PlanEstimate *out = estimator->out;
    PASS(find_probe(&probe, estimator, trial));
    /* a quarter more: evaluation, update, reduction */
    *cpu_s += times * 1.25 * examples * probe->seconds_per_example;
    const OptimType *optimizer = trial->settings.optimizer;
    double memory = rank_bytes(probe, trial, phase->replicas, phase->threads) + out->data_bytes;
    double checkpoint =
        4.0 * (double)probe->n_weights + (double)optim_slot_bytes(optimizer, probe->n_weights);
    if (memory > out->memory_bytes)
        out->memory_bytes = memory;
    if (checkpoint > out->checkpoint_bytes)
        out->checkpoint_bytes = checkpoint;
    double evals = examples / (double)trial->settings.eval.every_examples + 1;
    out->disk_bytes +=
        times * (3 * ((double)steps * 140 + evals * (160 + 32 * probe->n_segments)) + 3e4);
    return NULL;
}

/* Runs that a search will add to a phase, at most. */
static Error *add_pending(double *cpu_s, Estimator *estimator, const Plan *plan,
                          const Phase *phase) {
    const Experiment *experiment = plan->experiment;
    for (int i = 0; i < experiment->n_cells && phase->role == SEARCH_RERUN; i++) {
        const PlannedTrial *first = &experiment->trials[experiment->cells[i].trial[0]];
        if (plan->winner[i] != WINNER_UNKNOWN || phase->replicas > first->most_replicas)
            continue;
        int64_t steps = plan_phase_steps(plan, phase, first);
        double part = (double)steps / (double)first->total_steps;
        PASS(add_runs(cpu_s, estimator, phase, first, steps, part * first->total_examples,
                      (double)experiment->search->rerun_seeds));
    }
    return NULL;
}

/* One run that has R T cores to itself. */
static void see_longest(Estimator *estimator, const Plan *plan, const PlannedRun *run,
                        double cpu_s) {
    PlanEstimate *out = estimator->out;
    const PlannedTrial *trials = plan->experiment->trials;
    double seconds = cpu_s / (run->replicas * run->threads), step_s = seconds / (double)run->steps;
    out->step_seconds = step_s > out->step_seconds ? step_s : out->step_seconds;
    if (run->trial < trials || run->trial >= trials + plan->experiment->n_trials)
        return; /* a search's best point once more */
    double *trial_s = &estimator->trial_s[run->trial - trials];
    *trial_s += seconds;
    out->trial_seconds = *trial_s > out->trial_seconds ? *trial_s : out->trial_seconds;
}

static Error *add_phase(Estimator *estimator, const Plan *plan, const Phase *phase) {
    double cpu_s = 0;
    for (int i = 0; i < phase->n; i++) {
        const PlannedRun *run = phase->run[i];
        if (run->done || phase->rung) /* a run of several phases is counted once */
            continue;
        double before = cpu_s;
        PASS(add_runs(&cpu_s, estimator, phase, run->trial, run->steps, plan_run_work(run), 1));
        see_longest(estimator, plan, run, cpu_s - before);
    }
    PASS(add_pending(&cpu_s, estimator, plan, phase));
    int wanted = phase->alone      ? phase->replicas * phase->threads
                 : phase->parallel ? phase->parallel * phase->threads
                                   : plan->cores;
    estimator->out->cpu_seconds += cpu_s;
    estimator->out->seconds += cpu_s / (wanted < plan->cores ? wanted : plan->cores);
    return NULL;
}

Error *plan_estimate(PlanEstimate *out, const Plan *plan, Arena *arena) {
    *out = (PlanEstimate){.data_bytes = data_bytes(plan->experiment)};
    Estimator *estimator = ARENA_NEW(arena, Estimator);
    estimator->out = out;
    estimator->arena = arena;
    estimator->trial_s = ARENA_ARRAY(arena, double, plan->experiment->n_trials);
    for (int i = 0; i < plan->n_phases; i++)
        PASS(add_phase(estimator, plan, &plan->phases[i]));
    return NULL;
}
