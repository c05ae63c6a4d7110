#include "lab/sweep/plan.h"

#include "lab/store/provenance.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *run_id(const PlannedTrial *trial, int replicas, int threads,
                          const char *collective, RunMode mode, int64_t steps, Arena *arena) {
    bool standard = strcmp(collective, "tree") == 0;
    const char *id = arena_print(arena, "%s-r%dt%d%s%s", trial->id, replicas, threads,
                                 standard ? "" : "-c", standard ? "" : collective);
    return mode == RUN_VERIFY ? arena_print(arena, "%s-v%lld", id, (long long)steps) : id;
}

const char *plan_run_folder(const Plan *plan, const PlannedRun *run, Arena *arena) {
    return arena_print(arena, "%s/runs/%s", plan->folder, run->id);
}

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static bool same_isa(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* Distinct instruction sets of the trials, in order of appearance. */
static int distinct_isas(const Experiment *experiment, const char *isas[8]) {
    int n = 0;
    for (int i = 0; i < experiment->n_trials && n < 8; i++) {
        bool seen = false;
        for (int j = 0; j < n; j++)
            seen = seen || same_isa(isas[j], experiment->trials[i].settings.isa);
        if (!seen)
            isas[n++] = experiment->trials[i].settings.isa;
    }
    return n;
}

static void add_phase(Plan *plan, Phase phase, Arena *arena) {
    const Experiment *experiment = plan->experiment;
    phase.run = ARENA_ARRAY(arena, PlannedRun *, experiment->n_trials);
    for (int i = 0; i < experiment->n_trials; i++) {
        const PlannedTrial *trial = &experiment->trials[i];
        if (!same_isa(trial->settings.isa, phase.isa))
            continue;
        if (phase.replicas > trial->least_shards) {
            plan->skipped[plan->n_skipped++] = (SkippedRun){trial, phase.replicas, phase.threads};
            continue;
        }
        PlannedRun *run = &plan->runs[plan->n_runs++];
        run->trial = trial;
        run->replicas = phase.replicas;
        run->threads = phase.threads;
        run->mode = phase.mode;
        run->steps = phase.mode == RUN_VERIFY ? least(experiment->layouts.steps, trial->total_steps)
                                              : trial->total_steps;
        run->id = run_id(trial, phase.replicas, phase.threads,
                         experiment->layouts.collective->kind.name, phase.mode, run->steps, arena);
        phase.run[phase.n++] = run;
    }
    if (phase.n > 0)
        plan->phases[plan->n_phases++] = phase;
}

/* Mode verify: train every trial once, side by side, then verify every layout, one run at a time.
 * Mode full: train on every layout; side by side only when there is nothing to compare. */
static void add_phases(Plan *plan, Arena *arena) {
    const LayoutSettings *layouts = &plan->experiment->layouts;
    const char *isas[8];
    int n_isas = distinct_isas(plan->experiment, isas),
        n_layouts = layouts->replicas.n * layouts->threads.n;
    bool verify = layouts->mode == RUN_VERIFY;
    size_t n_phases = (size_t)(n_isas * (n_layouts + 1));
    plan->phases = ARENA_ARRAY(arena, Phase, n_phases);
    plan->skipped = ARENA_ARRAY(arena, SkippedRun, n_phases * (size_t)plan->experiment->n_trials);
    plan->runs = ARENA_ARRAY(arena, PlannedRun, n_phases * (size_t)plan->experiment->n_trials);
    for (int i = 0; i < n_isas && verify; i++)
        add_phase(plan,
                  (Phase){.replicas = 1,
                          .threads = (int)layouts->threads.value[0],
                          .mode = RUN_FULL,
                          .isa = isas[i]},
                  arena);
    for (int i = 0; i < n_isas; i++)
        for (int r = 0; r < layouts->replicas.n; r++)
            for (int t = 0; t < layouts->threads.n; t++) {
                int replicas = (int)layouts->replicas.value[r];
                bool alone = verify || n_layouts > 1 || replicas > 1;
                add_phase(plan,
                          (Phase){.replicas = replicas,
                                  .threads = (int)layouts->threads.value[t],
                                  .mode = verify ? RUN_VERIFY : RUN_FULL,
                                  .alone = alone,
                                  .isa = isas[i]},
                          arena);
            }
}

Error *plan_refresh(Plan *plan) {
    for (int i = 0; i < plan->n_runs; i++) {
        PlannedRun *run = &plan->runs[i];
        Arena *scratch = arena_new();
        bool finished = false;
        Error *error =
            run_is_finished(&finished, &run->outcome, plan_run_folder(plan, run, scratch), scratch);
        run->done = !error && finished && run->outcome != OUTCOME_INTERRUPTED;
        arena_end(scratch);
        PASS(error);
    }
    return NULL;
}

/* ---- --rerun */

static bool is_stale(const Plan *plan, const PlannedRun *run) {
    Arena *scratch = arena_new();
    RunRecord record;
    bool found = false, stale = true;
    Error *error = run_load(&record, &found, plan_run_folder(plan, run, scratch), scratch);
    if (!error && found) {
        const Json *build = json_find(record.header.provenance, "build");
        stale = !build || build->kind != JSON_TEXT || strcmp(build->text, provenance_build()) != 0;
    }
    if (error)
        error_end(error);
    arena_end(scratch);
    return stale;
}

static bool matches_rerun(const Plan *plan, const PlannedRun *run, const char *rerun) {
    if (strcmp(rerun, "failed") == 0)
        return run->outcome == OUTCOME_FAILED;
    if (strcmp(rerun, "diverged") == 0)
        return run->outcome == OUTCOME_DIVERGED;
    if (strcmp(rerun, "stale") == 0)
        return is_stale(plan, run);
    return strcmp(rerun, run->id) == 0 || strcmp(rerun, run->trial->id) == 0;
}

static Error *apply_rerun(Plan *plan, const char *rerun) {
    static const char *const words[] = {"failed", "diverged", "stale"};
    bool word = false, known = false;
    for (int i = 0; i < 3; i++)
        word = word || strcmp(rerun, words[i]) == 0;
    for (int i = 0; i < plan->n_runs; i++) {
        PlannedRun *run = &plan->runs[i];
        known = known || strcmp(rerun, run->id) == 0 || strcmp(rerun, run->trial->id) == 0;
        run->rerun = run->done && matches_rerun(plan, run, rerun);
        run->done = run->done && !run->rerun;
    }
    if (!word && !known)
        return error_hint(
            error_new(CODE_USAGE, "--rerun '%s' is no run or trial of this experiment", rerun),
            "failed, diverged, stale, or an id that `batchlab plan` shows");
    return NULL;
}

Error *plan_new(Plan *out, const Experiment *experiment, const char *results, const char *rerun,
                Arena *arena) {
    *out = (Plan){.experiment = experiment,
                  .folder = arena_print(arena, "%s/%s", results, experiment->name),
                  .cores = (int)sysconf(_SC_NPROCESSORS_ONLN)};
    add_phases(out, arena);
    PASS(plan_refresh(out));
    return rerun ? apply_rerun(out, rerun) : NULL;
}

int plan_count_done(const Plan *plan) {
    int n = 0;
    for (int i = 0; i < plan->n_runs; i++)
        n += plan->runs[i].done;
    return n;
}

int plan_count_failed(const Plan *plan) {
    int n = 0;
    for (int i = 0; i < plan->n_runs; i++)
        n += plan->runs[i].done && plan->runs[i].outcome == OUTCOME_FAILED;
    return n;
}

double plan_run_work(const PlannedRun *run) {
    const PlannedTrial *trial = run->trial;
    return trial->total_examples * (double)run->steps / (double)trial->total_steps;
}

double plan_work(const Plan *plan) {
    double examples = 0;
    for (int i = 0; i < plan->n_runs; i++)
        if (!plan->runs[i].done)
            examples += plan_run_work(&plan->runs[i]);
    return examples;
}
