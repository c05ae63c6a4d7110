/* Inside somebody else's allocation: the ranks are there already. */
#include "lab/sweep/launch.h"

#include "lab/base/say.h"
#include "lab/sweep/claim.h"

#include <string.h>
#include <unistd.h>

/* When a rank dies its launcher says which, and this line says what it was doing. */
static void say_start(void *self, const PlannedRun *run, int64_t resumed_from) {
    (void)self;
    if (resumed_from)
        say("%s: goes on after step %lld", run->id, (long long)resumed_from);
    else
        say("%s: starts", run->id);
}

static void say_end(void *self, const PlannedRun *run, Outcome outcome) {
    (void)self;
    say("%s: %s", run->id, outcome_name(outcome));
}

/* Groups of phase->replicas ranks; one group only where time is measured. */
static Error *phase_in_place(Plan *plan, const Phase *phase, Comm *world, Arena *arena) {
    int size = comm_size(world), rank = comm_rank(world);
    int n_groups = phase->alone ? 1 : size / phase->replicas, mine = rank / phase->replicas;
    Comm *group;
    PASS(comm_split(&group, world, mine < n_groups ? mine : -1, arena));
    CampaignWatch watch = {.start = say_start, .end = say_end};
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

typedef enum { PHASE_OVER, PHASE_WAIT, PHASE_WORK } NextMove;

/* The root's view of a phase: what is left may be somebody else's. */
static Error *look(NextMove *next, double *since_s, const Plan *plan, const Phase *phase,
                   int n_ranks) {
    PASS(claim_look(plan, phase));
    int left = phase->replicas <= n_ranks ? claim_count_left(plan, phase) : 0;
    *next = left == 0                               ? PHASE_OVER
            : claim_count_taken(plan, phase) < left ? PHASE_WORK
                                                    : PHASE_WAIT;
    if (*next == PHASE_WAIT)
        return claim_wait(since_s, plan, phase);
    *since_s = 0;
    return NULL;
}

/* Until nothing of the phase is left, also when another process did some of it. */
static Error *phase_to_its_end(Plan *plan, const Phase *phase, Comm *world, Arena *arena) {
    double since_s = 0;
    for (;;) {
        NextMove next = PHASE_OVER;
        PASS(agree_on_plan(plan, world));
        PASS(comm_agree(world, comm_rank(world) == 0
                                   ? look(&next, &since_s, plan, phase, comm_size(world))
                                   : NULL));
        comm_bcast(world, &next, sizeof next);
        if (next == PHASE_OVER)
            return NULL;
        if (next == PHASE_WORK)
            PASS(phase_in_place(plan, phase, world, arena));
        else
            usleep(200000);
    }
}

Error *launch_in_place(Plan *plan, Comm *world, Arena *arena) {
    for (int i = 0; i < plan->n_phases; i++) {
        if (plan->phases[i].replicas > comm_size(world) && comm_rank(world) == 0)
            say("%d replicas need more than the %d ranks of this job: left out",
                plan->phases[i].replicas, comm_size(world));
        PASS(phase_to_its_end(plan, &plan->phases[i], world, arena));
    }
    if (comm_rank(world) == 0)
        claim_say_left(plan);
    return NULL;
}
