/* Inside somebody else's allocation: the ranks are there already. */
#include "lab/sweep/launch.h"

#include "lab/base/say.h"

#include <string.h>

static void say_end(void *self, const PlannedRun *run, Outcome outcome) {
    (void)self;
    say("%s: %s", run->id, outcome_name(outcome));
}

/* Groups of phase->replicas ranks; one group only where time is measured. */
static Error *phase_in_place(Plan *plan, const Phase *phase, Comm *world, Arena *arena) {
    int size = comm_size(world), rank = comm_rank(world);
    if (phase->replicas > size) {
        if (rank == 0)
            say("%d replicas need more than the %d ranks of this job: left out", phase->replicas,
                size);
        return NULL;
    }
    int n_groups = phase->alone ? 1 : size / phase->replicas, mine = rank / phase->replicas;
    Comm *group;
    PASS(comm_split(&group, world, mine < n_groups ? mine : -1, arena));
    CampaignWatch watch = {.end = say_end};
    Error *error =
        group ? campaign_phase(plan, phase, group, mine, n_groups, launch_stop_flag(), &watch)
              : NULL;
    return comm_agree(world, error);
}

/* Every rank gets the root's plan: who won, then what is done. */
static Error *agree_on_plan(Plan *plan, Comm *world) {
    bool root = comm_rank(world) == 0;
    int n = plan->experiment->n_cells;
    PASS(comm_agree(world, root ? plan_refresh(plan) : NULL));
    if (n > 0) {
        Arena *scratch = arena_new();
        int *winner = ARENA_ARRAY(scratch, int, n);
        memcpy(winner, plan->winner, (size_t)n * sizeof winner[0]);
        comm_bcast(world, winner, (size_t)n * sizeof winner[0]);
        plan_take_winners(plan, winner); /* in the same order on all ranks */
        arena_end(scratch);
        PASS(comm_agree(world, root ? plan_refresh_runs(plan) : NULL));
    }
    PASS(comm_agree(world, root ? campaign_mark_pruned(plan) : NULL));
    for (int i = 0; i < plan->n_runs; i++) {
        PlannedRun *run = &plan->runs[i];
        struct {
            int64_t reached_steps;
            int32_t n_passed, done;
        } state = {run->reached_steps, run->n_passed, run->done};
        comm_bcast(world, &state, sizeof state);
        run->reached_steps = state.reached_steps;
        run->n_passed = state.n_passed;
        run->done = state.done;
    }
    return NULL;
}

Error *launch_in_place(Plan *plan, Comm *world, Arena *arena) {
    for (int i = 0; i < plan->n_phases; i++) {
        PASS(agree_on_plan(plan, world));
        PASS(phase_in_place(plan, &plan->phases[i], world, arena));
    }
    return NULL;
}
