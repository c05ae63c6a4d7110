#include "lab/sweep/grow.h"

#include "lab/sweep/rungs.h"
#include "lab/sweep/trials.h"

#include <string.h>

int grow_max_reruns(const Experiment *experiment) {
    return experiment->search ? experiment->n_cells * (int)experiment->search->rerun_seeds : 0;
}

void grow_begin(Plan *plan) {
    const Experiment *experiment = plan->experiment;
    plan->n_first_runs = plan->n_runs;
    plan->n_first_skipped = plan->n_skipped;
    plan->n_decided = ARENA_ARRAY(plan->arena, int, experiment->n_cells);
    plan->winner = ARENA_ARRAY(plan->arena, int, experiment->n_cells);
    plan->reruns = ARENA_ARRAY(plan->arena, PlannedTrial, grow_max_reruns(experiment));
    grow_reset(plan);
}

static void reset_reruns(Plan *plan) {
    plan->n_runs = plan->n_first_runs;
    plan->n_skipped = plan->n_first_skipped;
    plan->n_reruns = 0;
    for (int i = 0; i < plan->n_phases; i++)
        if (plan->phases[i].role == SEARCH_RERUN)
            plan->phases[i].n = 0;
    for (int i = 0; i < plan->experiment->n_cells; i++)
        plan->winner[i] = WINNER_UNKNOWN;
}

void grow_reset(Plan *plan) {
    rungs_reset(plan);
    reset_reruns(plan);
}

/* The runs of a cell's second stage, behind all others. */
static void add_reruns(Plan *plan, const SweepCell *cell, int point) {
    const Experiment *experiment = plan->experiment;
    for (int i = 0; i < experiment->search->rerun_seeds; i++) {
        PlannedTrial *trial = &plan->reruns[plan->n_reruns++];
        *trial = trials_reseed(&experiment->trials[cell->trial[point]], experiment->rerun_seed[i],
                               plan->arena);
        trial->role = SEARCH_RERUN;
        for (int j = 0; j < plan->n_phases; j++)
            if (plan->phases[j].role == SEARCH_RERUN)
                grow_add_run(plan, &plan->phases[j], trial);
    }
}

static int find_winner(const Plan *plan, const SweepCell *cell) {
    const RunSummary *best = NULL;
    int winner = WINNER_NONE;
    for (int i = 0; i < cell->n_points; i++) {
        const PlannedRun *run = plan->point_run[cell->trial[i]];
        if (!run->done)
            return WINNER_UNKNOWN;
        if (!best || search_is_better((SearchResult){i, &run->summary},
                                      (SearchResult){winner, best}, &cell->goal)) {
            best = &run->summary;
            winner = i;
        }
    }
    return search_can_win(best) ? winner : WINNER_NONE;
}

/* Cells whose points all ended since the last look get their second stage. */
void grow_plan(Plan *plan) {
    for (int i = 0; i < plan->experiment->n_cells; i++) {
        if (plan->winner[i] != WINNER_UNKNOWN)
            continue;
        const SweepCell *cell = &plan->experiment->cells[i];
        plan->winner[i] = find_winner(plan, cell);
        if (plan->winner[i] >= 0)
            add_reruns(plan, cell, plan->winner[i]);
    }
}

void plan_take_winners(Plan *plan, const int *winner) {
    reset_reruns(plan);
    for (int i = 0; i < plan->experiment->n_cells; i++) {
        plan->winner[i] = winner[i];
        if (winner[i] >= 0)
            add_reruns(plan, &plan->experiment->cells[i], winner[i]);
    }
}

/* ---- what may still come */

/* The runs that one more seed of a point's trial makes. */
static int runs_of(const Plan *plan, const PlannedTrial *trial, double *work) {
    int n = 0;
    for (int i = 0; i < plan->n_phases; i++) {
        const Phase *phase = &plan->phases[i];
        if (phase->role != SEARCH_RERUN || phase->replicas > trial->most_replicas)
            continue;
        double steps = (double)plan_phase_steps(plan, phase, trial);
        *work += trial->total_examples * steps / (double)trial->total_steps;
        n++;
    }
    return n;
}

static int pending(const Plan *plan, double *work) {
    const Experiment *experiment = plan->experiment;
    int n = 0;
    *work = 0;
    for (int i = 0; i < experiment->n_cells; i++) {
        const PlannedTrial *first = &experiment->trials[experiment->cells[i].trial[0]];
        if (plan->winner[i] == WINNER_UNKNOWN)
            for (int seed = 0; seed < experiment->search->rerun_seeds; seed++)
                n += runs_of(plan, first, work);
    }
    return n;
}

int plan_count_pending(const Plan *plan) {
    double work;
    return pending(plan, &work);
}

double plan_pending_work(const Plan *plan) {
    double work;
    pending(plan, &work);
    return work;
}

int plan_count_trials(const Plan *plan) {
    return plan->experiment->n_trials + plan->n_reruns;
}
