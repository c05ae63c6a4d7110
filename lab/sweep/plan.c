#include "lab/sweep/plan.h"

#include "lab/base/clock.h"
#include "lab/store/provenance.h"
#include "lab/sweep/grow.h"
#include "lab/sweep/run_id.h"
#include "lab/sweep/rungs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

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

int64_t plan_phase_steps(const Plan *plan, const Phase *phase, const PlannedTrial *trial) {
    int64_t verify = plan->experiment->layouts.steps;
    return phase->mode == RUN_VERIFY ? least(verify, trial->total_steps) : trial->total_steps;
}

void grow_add_run(Plan *plan, Phase *phase, const PlannedTrial *trial) {
    const LayoutSettings *layouts = &plan->experiment->layouts;
    if (!same_isa(trial->settings.isa, phase->isa))
        return;
    if (phase->replicas > trial->most_replicas) {
        plan->skipped[plan->n_skipped++] = (SkippedRun){trial, phase->replicas, phase->threads};
        return;
    }
    /* one replica has nothing to sum, and workers sum what they make of their gradients */
    bool no_sums = phase->replicas == 1 || trial_by_worker(&trial->settings);
    PlannedRun *run = &plan->runs[plan->n_runs++];
    *run = (PlannedRun){.trial = trial,
                        .replicas = phase->replicas,
                        .threads = phase->threads,
                        .hosts = phase->hosts,
                        .mode = phase->mode,
                        .label = phase->label,
                        .steps = plan_phase_steps(plan, phase, trial),
                        .bucket_kib = no_sums ? 0 : layouts->bucket_kib};
    run->id = run_id(plan, run, run->hosts, plan->arena);
    phase->run[phase->n++] = run;
}

/* A phase of the experiment's trials, or (role SEARCH_RERUN) one that is filled later. */
static void add_phase(Plan *plan, Phase phase) {
    const Experiment *experiment = plan->experiment;
    const PlanRanks *ranks = plan->ranks;
    bool later = phase.role == SEARCH_RERUN;
    phase.hosts = phase.replicas == 1                   ? 1
                  : ranks && phase.replicas <= ranks->n ? ranks->hosts[phase.replicas - 1]
                                                        : 0;
    phase.run = ARENA_ARRAY(plan->arena, PlannedRun *,
                            later ? grow_max_reruns(experiment) : experiment->n_trials);
    for (int i = 0; i < experiment->n_trials && !later; i++) {
        int before = phase.n;
        grow_add_run(plan, &phase, &experiment->trials[i]);
        if (phase.role == SEARCH_POINT && phase.n > before)
            plan->point_run[i] = phase.run[before];
    }
    if (phase.n > 0 || later)
        plan->phases[plan->n_phases++] = phase;
}

/* The label belongs to what is measured; what trains a trial once, at whatever pace, has none.
 * Mode verify: train every trial once, side by side, then verify every layout, one run at a time.
 * Mode full: train on every layout; side by side only when there is nothing to compare. */
static void add_layouts(Plan *plan, const char *const *isas, int n_isas, SearchRole role) {
    const LayoutSettings *layouts = &plan->experiment->layouts;
    int n_layouts = layouts->replicas.n * layouts->threads.n;
    bool verify = layouts->mode == RUN_VERIFY;
    for (int i = 0; i < n_isas && verify; i++)
        add_phase(plan, (Phase){.replicas = 1,
                                .threads = (int)layouts->threads.value[0],
                                .mode = RUN_FULL,
                                .role = role,
                                .isa = isas[i]});
    for (int i = 0; i < n_isas; i++)
        for (int r = 0; r < layouts->replicas.n; r++)
            for (int t = 0; t < layouts->threads.n; t++) {
                int replicas = (int)layouts->replicas.value[r];
                bool alone = verify || n_layouts > 1 || replicas > 1;
                add_phase(plan, (Phase){.replicas = replicas,
                                        .threads = (int)layouts->threads.value[t],
                                        .mode = verify ? RUN_VERIFY : RUN_FULL,
                                        .label = layouts->label,
                                        .alone = alone,
                                        .role = role,
                                        .isa = isas[i]});
            }
}

/* The points of a search: one replica each, whatever the layouts, because a trial's numbers are the
 * same on all of them and hundreds of points are worth packing. With rungs the same runs stand in a
 * phase for each, then in one to the end. */
static void add_points(Plan *plan, const char *const *isas, int n_isas) {
    const Experiment *experiment = plan->experiment;
    int n_rungs = rungs_count(experiment);
    for (int i = 0; i < n_isas; i++) {
        add_phase(plan, (Phase){.replicas = 1,
                                .threads = (int)experiment->layouts.threads.value[0],
                                .mode = RUN_FULL,
                                .role = SEARCH_POINT,
                                .parallel = (int)experiment->search->parallel,
                                .rung = n_rungs > 0,
                                .isa = isas[i]});
        const Phase *first = &plan->phases[plan->n_phases - 1];
        for (int rung = 1; rung <= n_rungs; rung++) {
            Phase next = *first;
            next.rung = (rung + 1) % (n_rungs + 1);
            plan->phases[plan->n_phases++] = next;
        }
    }
}

static void add_phases(Plan *plan) {
    const Experiment *experiment = plan->experiment;
    const LayoutSettings *layouts = &experiment->layouts;
    const char *isas[8];
    int n_isas = distinct_isas(experiment, isas);
    int most = n_isas * (layouts->replicas.n * layouts->threads.n + 2 + rungs_count(experiment));
    size_t n_trials = (size_t)(experiment->n_trials + grow_max_reruns(experiment));
    plan->phases = ARENA_ARRAY(plan->arena, Phase, most);
    plan->max_runs = most * (int)n_trials;
    plan->skipped = ARENA_ARRAY(plan->arena, SkippedRun, plan->max_runs);
    plan->runs = ARENA_ARRAY(plan->arena, PlannedRun, plan->max_runs);
    plan->point_run = ARENA_ARRAY(plan->arena, PlannedRun *, experiment->n_trials);
    if (experiment->search)
        add_points(plan, isas, n_isas);
    if (!experiment->search || experiment->search->rerun_seeds > 0)
        add_layouts(plan, isas, n_isas, experiment->search ? SEARCH_RERUN : SEARCH_POINT);
}

/* ---- what is done */

/* A trial that was trained before it became a point of a search is the same trial, but its journal
 * does not say so, and who reads the search would miss it. It is trained once more, to the same
 * bits. */
static Error *take_in(const Plan *plan, PlannedRun *run) {
    Arena *scratch = arena_new();
    bool searched = false;
    Error *error = run_is_searched(&searched, plan_run_folder(plan, run, scratch));
    arena_end(scratch);
    run->rerun = !error && !searched;
    run->reached_steps = searched ? run->reached_steps : 0;
    run->done = run->done && searched;
    return error;
}

Error *plan_refresh_run(const Plan *plan, PlannedRun *run) {
    Arena *scratch = arena_new();
    bool finished = false;
    Error *error =
        run_final(&finished, &run->summary, plan_run_folder(plan, run, scratch), scratch);
    run->outcome = run->summary.outcome;
    run->done = !error && finished && run->outcome != OUTCOME_INTERRUPTED;
    run->reached_steps = run->summary.steps_run;
    run->marked = run->summary.pruned_at_step > 0;
    arena_end(scratch);
    if (run->done && run->trial->cell && run->mode == RUN_FULL)
        error = take_in(plan, run);
    bool point = run->trial->cell && run->trial->role == SEARCH_POINT;
    if (!error && !finished && point && rungs_count(plan->experiment) > 0)
        error = rungs_see_unfinished(plan, run);
    return error;
}

static Error *refresh_from(Plan *plan, int first) {
    for (int i = first; i < plan->n_runs; i++)
        if (!plan->runs[i].done)
            PASS(plan_refresh_run(plan, &plan->runs[i]));
    return run_id_find_done(plan, first);
}

Error *plan_refresh_runs(Plan *plan) {
    return refresh_from(plan, 0);
}

Error *plan_refresh(Plan *plan) {
    PASS(refresh_from(plan, 0));
    PASS(rungs_decide(plan));
    int before = plan->n_runs;
    grow_plan(plan);
    return refresh_from(plan, before);
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
        run->rerun = run->rerun || (run->done && matches_rerun(plan, run, rerun));
        run->done = run->done && !run->rerun;
    }
    if (!word && !known)
        return error_hint(
            error_new(CODE_USAGE, "--rerun '%s' is no run or trial of this experiment", rerun),
            plan->ranks ? "failed, diverged, stale, or an id; here the last run is %s"
                        : "failed, diverged, stale, or an id that `batchlab plan` shows (%s)",
            plan->n_runs ? plan->runs[plan->n_runs - 1].id : "none");
    return NULL;
}

Error *plan_new(Plan *out, const Experiment *experiment, const char *results, const char *rerun,
                const PlanRanks *ranks, Arena *arena) {
    *out = (Plan){.experiment = experiment,
                  .ranks = ranks,
                  .folder = arena_print(arena, "%s/%s", results, experiment->name),
                  .cores = (int)sysconf(_SC_NPROCESSORS_ONLN),
                  .arena = arena};
    add_phases(out);
    grow_begin(out);
    PASS(plan_refresh(out));
    return rerun ? apply_rerun(out, rerun) : NULL;
}

void plan_session(char out[PLAN_SESSION_ROOM]) {
    char now[CLOCK_UTC_ROOM];
    struct utsname system = {0};
    clock_utc(now);
    uname(&system);
    snprintf(out, PLAN_SESSION_ROOM, "%s %.64s %ld", now, system.nodename, (long)getpid());
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
