/* What a plan will cost: time from a short probe of every model, memory and disk from the sizes of what is held. */
#include "lab/sweep/plan.h"

#include "lab/base/clock.h"
#include "lab/base/say.h"

#include <omp.h>
#include <stdio.h>
#include <string.h>

typedef struct Probe {
    const char *key;
    double seconds_per_example;
    double memory_bytes;
    double n_segments;
} Probe;

/* Seconds an example of forward and backward passes on zeros; at least three passes and 20 ms. */
static double time_model(const Model *model, int span, Arena *arena) {
    float *weights = ARENA_ARRAY(arena, float, model->n_weights), *grad = ARENA_ARRAY(arena, float, model->n_weights);
    float *x = ARENA_ARRAY(arena, float, (int64_t)span * model->n_features);
    int32_t *y = ARENA_ARRAY(arena, int32_t, span);
    double *sumsq = ARENA_ARRAY(arena, double, model->n_segments);
    model->type->init(model, 0, weights);
    for (int64_t i = 0; i < (int64_t)span * model->n_features; i++)
        x[i] = (float)(i % 7) - 3;
    Shard shard = {.n = span, .x = x, .y = y};
    ModelPass pass = {.weights = weights, .grad_sum = grad, .workspace = arena_alloc(arena, model->type->workspace_bytes(model, span)),
                      .example_sumsq = model->noise_unit == NOISE_UNIT_EXAMPLE ? sumsq : NULL};
    omp_set_num_threads(1);
    model->type->pass(model, &shard, &pass);
    double start = clock_s(), passed = 0;
    int n = 0;
    for (; n < 3 || passed < 0.02; n++, passed = clock_s() - start)
        model->type->pass(model, &shard, &pass);
    return passed / n / span;
}

static Error *probe_trial(Probe *out, const PlannedTrial *trial) {
    const TrialSettings *settings = &trial->settings;
    const Dataset *data = trial->data;
    ModelInput input = {data->n_features, data->n_classes, {data->shape[0], data->shape[1], data->shape[2]}};
    Arena *scratch = arena_new();
    Model *model;
    Error *error = model_new(&model, settings->model, settings->model_settings, &input, (int)settings->mini_batch, scratch);
    if (!error) {
        out->seconds_per_example = time_model(model, (int)settings->mini_batch, scratch);
        double rows = (double)(data->n[SPLIT_TRAIN] + data->n[SPLIT_VALID] + data->n[SPLIT_TEST]);
        double weights = 4.0 * (double)model->n_weights, levels = 2;
        for (int64_t s = trial_shards(settings); s > 1; s /= 2)
            levels++;
        double process = 60e6; /* program, libraries, MPI: measured about 60 MB */
        out->memory_bytes = process + weights * (1 + settings->optimizer->n_slots + levels) +
                            rows * (data->pixels ? 1.0 : 4.0) * data->n_features + 4 * rows;
        out->n_segments = model->n_segments;
    }
    arena_end(scratch);
    return error;
}

Error *plan_estimate(PlanEstimate *out, const Plan *plan, Arena *arena) {
    enum { MAX_PROBES = 16 };
    Probe probe[MAX_PROBES];
    int n_probes = 0;
    *out = (PlanEstimate){0};
    for (int i = 0; i < plan->n_phases; i++) {
        const Phase *phase = &plan->phases[i];
        double cpu_s = 0;
        for (int j = 0; j < phase->n; j++) {
            const PlannedRun *run = phase->run[j];
            if (run->done)
                continue;
            const TrialSettings *settings = &run->trial->settings;
            const char *key = arena_print(arena, "%s/%lld", json_canonical(kind_write(&settings->model->kind, settings->model_settings, arena), arena),
                                          (long long)settings->mini_batch);
            int k = 0;
            while (k < n_probes && strcmp(probe[k].key, key) != 0)
                k++;
            if (k == n_probes && n_probes < MAX_PROBES) {
                PASS(probe_trial(&probe[n_probes], run->trial));
                probe[n_probes++].key = key;
            }
            k = k < n_probes ? k : 0;
            double examples = (double)run->steps * (double)settings->global_batch;
            cpu_s += 1.25 * examples * probe[k].seconds_per_example; /* evaluation, update, reduction */
            double memory = probe[k].memory_bytes;
            out->memory_bytes = memory > out->memory_bytes ? memory : out->memory_bytes;
            double evals = examples / (double)settings->eval_every_examples + 1;
            out->disk_bytes += 3 * ((double)run->steps * 140 + evals * (160 + 32 * probe[k].n_segments)) + 3e4;
        }
        int wanted = phase->alone ? phase->replicas * phase->threads : plan->cores;
        out->seconds += cpu_s / (wanted < plan->cores ? wanted : plan->cores);
    }
    return NULL;
}

static int phase_done(const Phase *phase) {
    int n = 0;
    for (int i = 0; i < phase->n; i++)
        n += phase->run[i]->done;
    return n;
}

static const char *mode_name(RunMode mode) {
    return mode == RUN_FULL ? "full" : "verify";
}

void plan_print(const Plan *plan, const PlanEstimate *estimate) {
    char duration[SAY_DURATION_ROOM];
    printf("%s: %s\n", plan->experiment->name, plan->experiment->question);
    printf("%d trials, %d runs, %d done, in %s\n\n", plan->experiment->n_trials, plan->n_runs, plan_count_done(plan),
           plan->folder);
    for (int i = 0; i < plan->n_phases; i++) {
        const Phase *phase = &plan->phases[i];
        printf("  %-6s replicas %d, threads %d%s%s: %d runs, %d done%s\n", mode_name(phase->mode), phase->replicas,
               phase->threads, phase->isa ? ", isa " : "", phase->isa ? phase->isa : "", phase->n, phase_done(phase),
               phase->replicas * phase->threads > plan->cores ? ", oversubscribed" : phase->alone ? ", timed" : "");
    }
    if (plan->n_skipped)
        printf("  %d combinations skipped: more replicas than shards\n", plan->n_skipped);
    printf("\n  %-16s %-10s %8s %6s %6s %7s %8s  %s\n", "trial", "optimizer", "B", "b", "seed", "steps", "lr", "run: state");
    for (int i = 0; i < plan->n_runs; i++) {
        const PlannedRun *run = &plan->runs[i];
        const TrialSettings *trial = &run->trial->settings;
        printf("  %-16s %-10s %8lld %6lld %6llu %7lld %8.4g  %s: %s\n", run->trial->id, trial->optimizer->kind.name,
               (long long)trial->global_batch, (long long)trial->mini_batch, (unsigned long long)run->trial->seed,
               (long long)run->steps, lr_at(&trial->lr, run->trial->total_steps / 2, trial->global_batch,
                                            run->trial->data->n[SPLIT_TRAIN], run->trial->total_steps),
               run->id + strlen(run->trial->id) + 1, run->done ? outcome_name(run->outcome) : "to do");
    }
    printf("\nleft: at most %s, %.0f MB of memory a replica, %.1f MB of disk\n",
           say_duration(estimate->seconds, duration), estimate->memory_bytes / 1e6, estimate->disk_bytes / 1e6);
}

Json *plan_json(const Plan *plan, const PlanEstimate *estimate, Arena *arena) {
    Json *object = json_object(arena);
    json_add_text(object, "experiment", plan->experiment->name, arena);
    json_add_text(object, "folder", plan->folder, arena);
    json_add_number(object, "trials", plan->experiment->n_trials, arena);
    json_add_number(object, "done", plan_count_done(plan), arena);
    json_add_number(object, "skipped", plan->n_skipped, arena);
    json_add_number(object, "seconds", estimate->seconds, arena);
    json_add_number(object, "memory_bytes", estimate->memory_bytes, arena);
    json_add_number(object, "disk_bytes", estimate->disk_bytes, arena);
    Json *runs = json_add(object, "runs", json_array(arena), arena);
    for (int i = 0; i < plan->n_runs; i++) {
        const PlannedRun *run = &plan->runs[i];
        Json *one = json_add(runs, NULL, json_object(arena), arena);
        json_add_text(one, "run_id", run->id, arena);
        json_add_text(one, "trial_id", run->trial->id, arena);
        json_add_text(one, "seed", arena_print(arena, "%llu", (unsigned long long)run->trial->seed), arena);
        json_add_number(one, "global_batch", (double)run->trial->settings.global_batch, arena);
        json_add_number(one, "mini_batch", (double)run->trial->settings.mini_batch, arena);
        json_add_text(one, "optimizer", run->trial->settings.optimizer->kind.name, arena);
        json_add_number(one, "replicas", run->replicas, arena);
        json_add_number(one, "threads", run->threads, arena);
        json_add_text(one, "mode", mode_name(run->mode), arena);
        json_add_number(one, "steps", (double)run->steps, arena);
        json_add_flag(one, "done", run->done, arena);
        json_add_text(one, "outcome", run->done ? outcome_name(run->outcome) : NULL, arena);
    }
    return object;
}
