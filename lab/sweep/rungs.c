#include "lab/sweep/rungs.h"

#include <math.h>
#include <stdlib.h>

int rungs_count(const Experiment *experiment) {
    return experiment->search ? experiment->search->prune.rungs.n : 0;
}

static int64_t step_of(const Plan *plan, const PlannedRun *run, int rung) {
    return prune_step(&plan->experiment->search->prune, rung, run->trial->total_steps,
                      run->trial->total_examples);
}

int64_t rungs_pause(const Plan *plan, const Phase *phase, const PlannedRun *run) {
    return phase->rung ? step_of(plan, run, phase->rung - 1) : 0;
}

bool plan_run_is_left(const Plan *plan, const Phase *phase, const PlannedRun *run) {
    if (run->done)
        return false;
    if (!run->trial->cell || run->trial->role != SEARCH_POINT || rungs_count(plan->experiment) == 0)
        return true;
    int rung = phase->rung ? phase->rung - 1 : rungs_count(plan->experiment);
    if (run->n_passed < rung) /* whether it goes on that far is not known yet */
        return false;
    return !phase->rung || run->reached_steps < rungs_pause(plan, phase, run);
}

void rungs_reset(Plan *plan) {
    for (int i = 0; i < plan->n_first_runs; i++) {
        PlannedRun *run = &plan->runs[i];
        run->done = run->done && !run->pruned;
        run->pruned = false;
        run->n_passed = 0;
    }
    for (int i = 0; i < plan->experiment->n_cells; i++)
        plan->n_decided[i] = 0;
}

/* A run whose writer died at the rung's very step has not paused there: its last digest is missing,
 * and its rows count up to the step before. */
Error *rungs_see_unfinished(const Plan *plan, PlannedRun *run) {
    Arena *scratch = arena_new();
    RunRecord record;
    bool found = false;
    Error *error = run_load(&record, &found, plan_run_folder(plan, run, scratch), scratch);
    run->reached_steps =
        !error && found && record.n_steps ? record.steps[record.n_steps - 1].step - 1 : 0;
    arena_end(scratch);
    return error;
}

/* ---- what a point was at a rung */

/* From the rows up to `step` alone, whatever the run did later. */
static void summary_at(RunSummary *out, const RunRecord *record, int64_t step) {
    const RunSummary *whole = &record->summary;
    *out = run_summary_new(OUTCOME_BUDGET_SPENT);
    for (int i = 0; i < record->n_evals && record->evals[i].step <= step; i++) {
        out->best_valid_accuracy = fmax(out->best_valid_accuracy, record->evals[i].valid_accuracy);
        out->best_valid_loss = fmin(out->best_valid_loss, record->evals[i].valid_loss);
    }
    if (whole->outcome == OUTCOME_FAILED)
        out->outcome = OUTCOME_FAILED;
    if (whole->outcome == OUTCOME_DIVERGED && whole->steps_run <= step)
        out->outcome = OUTCOME_DIVERGED;
    if (whole->steps_to_target <= (double)step) {
        out->outcome = OUTCOME_REACHED;
        out->examples_to_target = whole->examples_to_target;
    }
}

typedef struct Standing {
    PlannedRun *run;
    int point;
    RunSummary summary;
    const SearchGoal *goal;
} Standing;

static int by_rank(const void *a, const void *b) {
    const Standing *x = a, *y = b;
    return search_is_better((SearchResult){x->point, &x->summary},
                            (SearchResult){y->point, &y->summary}, x->goal)
               ? -1
               : 1;
}

/* Every distinct trial of the cell once. */
static Error *stand(Standing *out, int *n, const Plan *plan, const SweepCell *cell, int rung) {
    *n = 0;
    for (int i = 0; i < cell->n_points; i++) {
        PlannedRun *run = plan->point_run[cell->trial[i]];
        if (run->trial->point != i) /* equal to an earlier point */
            continue;
        Arena *scratch = arena_new();
        RunRecord record;
        bool found = false;
        Error *error = run_load(&record, &found, plan_run_folder(plan, run, scratch), scratch);
        Standing *one = &out[(*n)++];
        *one = (Standing){run, i, run_summary_new(OUTCOME_FAILED), &cell->goal};
        if (!error && found)
            summary_at(&one->summary, &record, step_of(plan, run, rung));
        arena_end(scratch);
        PASS(error);
    }
    qsort(out, (size_t)*n, sizeof out[0], by_rank);
    return NULL;
}

/* ---- decisions */

static bool all_are_there(const Plan *plan, const SweepCell *cell, int rung) {
    for (int i = 0; i < cell->n_points; i++) {
        const PlannedRun *run = plan->point_run[cell->trial[i]];
        if (!run->done && run->reached_steps < step_of(plan, run, rung))
            return false;
    }
    return true;
}

static void stop_there(PlannedRun *run, const Standing *standing, int64_t step) {
    if (standing->summary.outcome != OUTCOME_BUDGET_SPENT) /* it ended by itself before */
        return;
    run->pruned = run->done = true;
    run->outcome = OUTCOME_INTERRUPTED;
    run->summary = standing->summary;
    run->summary.outcome = OUTCOME_INTERRUPTED;
    run->summary.pruned_at_step = step;
}

static Error *decide(Plan *plan, const SweepCell *cell, int rung) {
    const Prune *prune = &plan->experiment->search->prune;
    Arena *scratch = arena_new();
    Standing *standing = ARENA_ARRAY(scratch, Standing, cell->n_points);
    int n, n_alive = 0, place = 0;
    Error *error = stand(standing, &n, plan, cell, rung);
    for (int i = 0; i < n && !error; i++)
        n_alive += !standing[i].run->pruned;
    int n_keep = prune_keeps(prune, n, n_alive);
    for (int i = 0; i < n && !error; i++) {
        PlannedRun *run = standing[i].run;
        bool counts = prune->rule == PRUNE_MEDIAN || !run->pruned;
        if (!run->pruned && place >= n_keep)
            stop_there(run, &standing[i], step_of(plan, run, rung));
        if (!run->pruned)
            run->n_passed = rung + 1;
        place += counts;
    }
    arena_end(scratch);
    return error;
}

Error *rungs_decide(Plan *plan) {
    int n = rungs_count(plan->experiment);
    for (int i = 0; i < plan->experiment->n_cells && n > 0; i++) {
        const SweepCell *cell = &plan->experiment->cells[i];
        for (int *rung = &plan->n_decided[i]; *rung < n && all_are_there(plan, cell, *rung);
             (*rung)++)
            PASS(decide(plan, cell, *rung));
    }
    return NULL;
}
