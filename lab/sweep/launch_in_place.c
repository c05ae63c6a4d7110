/* Inside somebody else's allocation: the ranks are there already. */
#include "lab/sweep/launch.h"

#include "lab/base/say.h"

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

Error *launch_in_place(Plan *plan, Comm *world, Arena *arena) {
    for (int i = 0; i < plan->n_phases; i++) {
        PASS(comm_agree(world, comm_rank(world) == 0 ? plan_refresh(plan) : NULL));
        for (int j = 0; j < plan->n_runs; j++) {
            char done = plan->runs[j].done;
            comm_bcast(world, &done, 1);
            plan->runs[j].done = done;
        }
        PASS(phase_in_place(plan, &plan->phases[i], world, arena));
    }
    return NULL;
}
