#include "lab/sweep/claim.h"

#include "lab/base/clock.h"
#include "lab/base/say.h"
#include "lab/sweep/rungs.h"

#include <string.h>

#define PATIENCE_S 10

const char *claim_path(const Plan *plan, const PlannedRun *run, Arena *arena) {
    return arena_print(arena, "%s/trials/%s/lock", plan->folder, run->trial->id);
}

bool claim_is_taken(const Plan *plan, const PlannedRun *run) {
    Arena *scratch = arena_new();
    bool taken = io_lock_is_held(claim_path(plan, run, scratch));
    arena_end(scratch);
    return taken;
}

/* An interrupted run that is not to be continued now: another process of this session ended it at
 * layouts.max_seconds. */
static Error *has_had_its_turn(bool *out, const Plan *plan, const PlannedRun *run) {
    Arena *scratch = arena_new();
    RunRecord record;
    bool found = false;
    *out = false;
    Error *error = run_load(&record, &found, plan_run_folder(plan, run, scratch), scratch);
    if (!error && found && record.finished) {
        const Json *session = json_find(record.header.provenance, "session");
        *out = session && session->kind == JSON_TEXT && plan->session &&
               strcmp(session->text, plan->session) == 0;
    }
    arena_end(scratch);
    return error;
}

static Error *look_again(bool *leave, const Plan *plan, const Phase *phase, PlannedRun *run,
                         Arena *arena) {
    bool finished;
    RunSummary summary;
    PASS(run_final(&finished, &summary, plan_run_folder(plan, run, arena), arena));
    int64_t pause = rungs_pause(plan, phase, run);
    if (finished && summary.outcome != OUTCOME_INTERRUPTED) {
        run->done = true;
        run->outcome = summary.outcome;
        run->summary = summary;
    } else if (finished && summary.timed_out) {
        PASS(has_had_its_turn(&run->timed_out, plan, run));
    }
    if (finished && pause > 0)
        run->reached_steps = summary.steps_run;
    *leave = run->done || run->timed_out || (finished && pause > 0 && summary.steps_run >= pause);
    return NULL;
}

Error *claim_look(const Plan *plan, const Phase *phase) {
    for (int i = 0; i < phase->n; i++) {
        Arena *scratch = arena_new();
        bool leave = false;
        Error *error = phase->run[i]->done || phase->run[i]->timed_out
                           ? NULL
                           : look_again(&leave, plan, phase, phase->run[i], scratch);
        arena_end(scratch);
        PASS(error);
    }
    return NULL;
}

Error *claim_hold(IoLock **lock, const Plan *plan, const PlannedRun *run, Arena *arena) {
    PASS(io_folder(arena_print(arena, "%s/trials/%s", plan->folder, run->trial->id)));
    PASS(io_lock(lock, claim_path(plan, run, arena), false, 0, arena));
    if (*lock) { /* what its last owner left there, on another host */
        io_look_again(arena_print(arena, "%s/runs", plan->folder));
        io_look_again(plan_run_folder(plan, run, arena));
    }
    return NULL;
}

Error *claim_take(IoLock **lock, const Plan *plan, const Phase *phase, PlannedRun *run,
                  Arena *arena) {
    PASS(claim_hold(lock, plan, run, arena));
    if (!*lock)
        return NULL;
    bool leave = false;
    Error *error = look_again(&leave, plan, phase, run, arena);
    if (leave || error) {
        io_unlock(*lock);
        *lock = NULL;
    } else { /* what is half-written here is nobody's any more */
        io_remove_asides(plan_run_folder(plan, run, arena));
    }
    return error;
}

static bool is_left(const Plan *plan, const Phase *phase, const PlannedRun *run) {
    return plan_run_is_left(plan, phase, run) && !run->timed_out;
}

int claim_count_left(const Plan *plan, const Phase *phase) {
    int n = 0;
    for (int i = 0; i < phase->n; i++)
        n += is_left(plan, phase, phase->run[i]);
    return n;
}

int claim_count_taken(const Plan *plan, const Phase *phase) {
    int n = 0;
    for (int i = 0; i < phase->n; i++)
        n += is_left(plan, phase, phase->run[i]) && claim_is_taken(plan, phase->run[i]);
    return n;
}

/* Of the first run that is left and taken. */
static const char *first_owner(const Plan *plan, const Phase *phase, Arena *arena) {
    for (int i = 0; i < phase->n; i++)
        if (is_left(plan, phase, phase->run[i]) && claim_is_taken(plan, phase->run[i]))
            return io_lock_owners(claim_path(plan, phase->run[i], arena), arena);
    return "somebody";
}

Error *claim_wait(double *since_s, const Plan *plan, const Phase *phase) {
    if (*since_s == 0)
        *since_s = clock_s();
    if (clock_s() - *since_s <= PATIENCE_S)
        return NULL;
    Arena *scratch = arena_new();
    Error *error = error_new(CODE_CLAIMED,
                             "all %d runs that remain of %d replicas are claimed by other live "
                             "processes, the first by %s",
                             claim_count_left(plan, phase), phase->replicas,
                             first_owner(plan, phase, scratch));
    arena_end(scratch);
    return error_hint(error, "wait for them, then run the same command again");
}

void claim_say_left(const Plan *plan) {
    int n = 0;
    for (int i = 0; i < plan->n_runs; i++)
        n += !plan->runs[i].done && plan->runs[i].timed_out;
    if (n)
        say("%d runs ended as interrupted at layouts.max_seconds; the same command continues them",
            n);
}
