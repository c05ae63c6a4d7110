/* A plan for people and for machines. */
#include "lab/sweep/plan.h"

#include "lab/base/say.h"

#include <stdio.h>
#include <string.h>

static int phase_done(const Plan *plan, const Phase *phase) {
    int n = 0;
    for (int i = 0; i < phase->n; i++)
        n += phase->rung ? !plan_run_is_left(plan, phase, phase->run[i]) : phase->run[i]->done;
    return n;
}

static const char *mode_name(RunMode mode) {
    return mode == RUN_FULL ? "full" : "verify";
}

/* ", point 3": what the run is to its search. */
static const char *part_text(const PlannedTrial *trial, char room[32]) {
    *room = '\0';
    if (trial->cell)
        snprintf(room, 32, ", %s %d", trial->role == SEARCH_RERUN ? "rerun of" : "point",
                 trial->point);
    return room;
}

static void print_runs(const Plan *plan) {
    char part[32];
    printf("\n  %-16s %-10s %8s %6s %6s %7s %8s  %s\n", "trial", "optimizer", "B", "b", "seed",
           "steps", "lr", "run: state");
    for (int i = 0; i < plan->n_runs; i++) {
        const PlannedRun *run = &plan->runs[i];
        const TrialSettings *trial = &run->trial->settings;
        double lr = lr_at(&trial->lr, run->trial->total_steps / 2, trial->global_batch,
                          run->trial->data->n[SPLIT_TRAIN], run->trial->total_steps);
        char batch[48];
        snprintf(batch, sizeof batch, trial->branch.examples ? "%lldx%lld" : "%lld",
                 (long long)trial->global_batch, (long long)trial->branch.factor);
        printf("  %-16s %-10s %8s %6lld %6llu %7lld %8.4g  %s: %s%s\n", run->trial->id,
               trial->optimizer->kind.name, batch, (long long)trial->mini_batch,
               (unsigned long long)run->trial->seed, (long long)run->steps, lr,
               run->id + strlen(run->trial->id) + 1,
               run->pruned ? "pruned"
               : run->done ? outcome_name(run->outcome)
                           : "to do",
               part_text(run->trial, part));
    }
}

static void print_skipped(const Plan *plan) {
    if (plan->n_skipped)
        printf("\n  skipped, because a replica needs at least one shard, or worker:\n");
    for (int i = 0; i < plan->n_skipped; i++) {
        const SkippedRun *run = &plan->skipped[i];
        printf("  %-16s replicas %d, threads %d: only %lld %s\n", run->trial->id, run->replicas,
               run->threads, (long long)run->trial->most_replicas,
               trial_by_worker(&run->trial->settings) ? "workers" : "shards");
    }
}

static int count_winners(const Plan *plan, int winner) {
    int n = 0;
    for (int i = 0; i < plan->experiment->n_cells; i++)
        n += plan->winner[i] == winner;
    return n;
}

static void print_search(const Plan *plan) {
    const Experiment *experiment = plan->experiment;
    const Search *search = experiment->search;
    int pending = plan_count_pending(plan), none = count_winners(plan, WINNER_NONE),
        unknown = count_winners(plan, WINNER_UNKNOWN);
    printf("search: %s, %d points in %d cells at one seed; then the best point of each cell with "
           "%lld fresh seeds\n",
           search->algorithm->kind.name, experiment->n_trials, experiment->n_cells,
           (long long)search->rerun_seeds);
    if (unknown)
        printf("        %d cells have points left; then up to %d runs more\n", unknown, pending);
    if (none)
        printf("        %d cells without a best point: all of them diverged or failed\n", none);
}

void plan_print(const Plan *plan, const PlanEstimate *estimate) {
    char duration[SAY_DURATION_ROOM];
    printf("%s: %s\n", plan->experiment->name, plan->experiment->question);
    printf("%d trials, %d runs, %d done, in %s\n", plan_count_trials(plan), plan->n_runs,
           plan_count_done(plan), plan->folder);
    if (plan->experiment->search)
        print_search(plan);
    printf("\n");
    for (int i = 0; i < plan->n_phases; i++) {
        const Phase *phase = &plan->phases[i];
        const char *stage = !plan->experiment->search     ? ""
                            : phase->role == SEARCH_RERUN ? ", best points again"
                            : phase->rung                 ? ", points up to a rung"
                                                          : ", points";
        printf("  %-6s replicas %d, threads %d%s%s%s%s: %d runs, %d done%s%s\n",
               mode_name(phase->mode), phase->replicas, phase->threads,
               phase->label ? ", label " : "", phase->label ? phase->label : "",
               phase->isa ? ", isa " : "", phase->isa ? phase->isa : "", phase->n,
               phase_done(plan, phase),
               phase->replicas * phase->threads > plan->cores ? ", oversubscribed"
               : phase->alone                                 ? ", timed"
                                                              : "",
               stage);
    }
    print_runs(plan);
    print_skipped(plan);
    printf("\nleft: at most %s, %.0f MB of memory a replica (%.0f MB of it data, held once by a "
           "host), %.1f MB of disk\n",
           say_duration(estimate->seconds, duration), estimate->memory_bytes / 1e6,
           estimate->data_bytes / 1e6, estimate->disk_bytes / 1e6);
}

static Json *skipped_json(const Plan *plan, Arena *arena) {
    Json *list = json_array(arena);
    for (int i = 0; i < plan->n_skipped; i++) {
        const SkippedRun *run = &plan->skipped[i];
        Json *one = json_add(list, NULL, json_object(arena), arena);
        json_add_text(one, "trial_id", run->trial->id, arena);
        json_add_number(one, "replicas", run->replicas, arena);
        json_add_number(one, "threads", run->threads, arena);
        json_add_number(one, "shards", (double)run->trial->most_replicas, arena);
    }
    return list;
}

Json *plan_json(const Plan *plan, const PlanEstimate *estimate, Arena *arena) {
    Json *object = json_object(arena);
    json_add_text(object, "experiment", plan->experiment->name, arena);
    json_add_text(object, "folder", plan->folder, arena);
    json_add_number(object, "trials", plan_count_trials(plan), arena);
    json_add_number(object, "done", plan_count_done(plan), arena);
    json_add_number(object, "pending", plan_count_pending(plan), arena);
    json_add_number(object, "seconds", estimate->seconds, arena);
    json_add_number(object, "memory_bytes", estimate->memory_bytes, arena);
    json_add_number(object, "data_bytes", estimate->data_bytes, arena);
    json_add_number(object, "disk_bytes", estimate->disk_bytes, arena);
    Json *runs = json_add(object, "runs", json_array(arena), arena);
    for (int i = 0; i < plan->n_runs; i++) {
        const PlannedRun *run = &plan->runs[i];
        Json *one = json_add(runs, NULL, json_object(arena), arena);
        json_add_text(one, "run_id", run->id, arena);
        json_add_text(one, "trial_id", run->trial->id, arena);
        json_add_text(one, "seed", arena_print(arena, "%llu", (unsigned long long)run->trial->seed),
                      arena);
        json_add_number(one, "global_batch", (double)run->trial->settings.global_batch, arena);
        json_add_number(one, "mini_batch", (double)run->trial->settings.mini_batch, arena);
        json_add_text(one, "optimizer", run->trial->settings.optimizer->kind.name, arena);
        json_add_number(one, "replicas", run->replicas, arena);
        json_add_number(one, "threads", run->threads, arena);
        json_add_text(one, "label", run->label, arena);
        json_add_text(one, "mode", mode_name(run->mode), arena);
        json_add_number(one, "steps", (double)run->steps, arena);
        json_add_flag(one, "done", run->done, arena);
        json_add_text(one, "outcome", run->done ? outcome_name(run->outcome) : NULL, arena);
        if (run->trial->cell) {
            bool rerun = run->trial->role == SEARCH_RERUN;
            json_add_text(one, "cell", run->trial->cell->id, arena);
            json_add_number(one, "point", run->trial->point, arena);
            json_add_text(one, "role", rerun ? "rerun" : "point", arena);
            json_add_flag(one, "pruned", run->pruned, arena);
        }
    }
    json_add(object, "skipped", skipped_json(plan, arena), arena);
    return object;
}
