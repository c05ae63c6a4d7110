/* The experiment's folder: opened for a campaign, cleared of what dead processes left. */
#include "lab/sweep/campaign.h"

#include "lab/base/io.h"
#include "lab/base/say.h"
#include "lab/store/checkpoints.h"
#include "lab/sweep/claim.h"
#include "lab/sweep/grow.h"

#include <string.h>

/* Its journal steps aside, kept under another name; unless another process was asked the same. */
static Error *set_aside(const Plan *plan, const PlannedRun *run, Arena *arena) {
    const char *journal = arena_print(arena, "%s/journal", plan_run_folder(plan, run, arena));
    const char *aside = NULL;
    IoLock *lock;
    PASS(claim_hold(&lock, plan, run, arena));
    for (int n = 1; !aside || io_exists(aside); n++)
        aside = arena_print(arena, "%s.replaced-%d", journal, n);
    Error *error = lock && io_exists(journal) ? io_publish(IO_DURABLE, journal, aside) : NULL;
    io_unlock(lock);
    return error;
}

Error *campaign_set_aside(Plan *plan) {
    for (int i = 0; i < plan->n_runs; i++) {
        if (!plan->runs[i].rerun)
            continue;
        Arena *arena = arena_new();
        Error *error = set_aside(plan, &plan->runs[i], arena);
        arena_end(arena);
        PASS(error);
        plan->runs[i].rerun = false;
    }
    grow_reset(plan);
    return NULL;
}

static Error *write_config(const Plan *plan, const char *path, Arena *arena) {
    Json *config = json_copy(plan->experiment->resolved, arena);
    json_add_text(config, "sha256", plan->experiment->sha256, arena);
    const char *text = json_pretty(config, arena);
    return io_write(path, text, strlen(text));
}

/* "" when there is no readable config. */
static const char *config_sha256(const char *path, Arena *arena) {
    Json *config = NULL;
    Error *error = io_exists(path) ? json_load(&config, path, arena) : NULL;
    if (error)
        error_end(error);
    const Json *hash = config ? json_find(config, "sha256") : NULL;
    return hash && hash->kind == JSON_TEXT ? hash->text : "";
}

/* Half-written files of a killed process, and checkpoints that it did not come to remove, while
 * nobody else has the folder open. A rank that outlives its driver for a moment still holds its
 * claim. */
static void remove_stale(const Plan *plan, bool leases, Arena *arena) {
    const char *const parts[] = {"", "/tables", "/figures"};
    for (int i = 0; i < 3; i++)
        io_remove_stale(arena_print(arena, "%s%s", plan->folder, parts[i]));
    for (int i = 0; i < plan->n_runs; i++) {
        const PlannedRun *run = &plan->runs[i];
        if (leases)
            io_lock_tidy(claim_path(plan, run, arena));
        if (claim_is_taken(plan, run))
            continue;
        io_remove_asides(plan_run_folder(plan, run, arena));
        if (run->done && run->mode == RUN_FULL)
            checkpoints_tidy(plan->folder, run->trial->id);
    }
}

/* Said by whoever opens the folder first. */
static void say_if_leases(const IoLock *lock, const Plan *plan) {
    if (io_lock_is_lease(lock))
        say("the file system of '%s' has no locks: leases of files stand for them "
            "(results/README.md)",
            plan->folder);
}

Error *campaign_open(IoLock **out, const Plan *plan, Arena *arena) {
    TRY(io_folder(arena_print(arena, "%s/runs", plan->folder)), "cannot start '%s'",
        plan->experiment->name);
    const char *config = arena_print(arena, "%s/experiment.json", plan->folder);
    const char *lock = arena_print(arena, "%s/.lock", plan->folder);
    PASS(io_lock(out, lock, false, 0, arena));
    if (*out) { /* nobody else is alive here */
        say_if_leases(*out, plan);
        remove_stale(plan, io_lock_is_lease(*out), arena);
        if (strcmp(config_sha256(config, arena), plan->experiment->sha256) != 0)
            PASS(write_config(plan, config, arena));
        return io_lock_share(*out);
    }
    PASS(io_lock(out, lock, true, 10, arena));
    if (!*out)
        return error_new(CODE_CLAIMED, "the folder '%s' stays locked by %s", plan->folder,
                         io_lock_owners(lock, arena));
    if (strcmp(config_sha256(config, arena), plan->experiment->sha256) != 0) {
        io_unlock(*out); /* not among the owners */
        *out = NULL;
        return error_hint(
            error_new(CODE_USAGE, "a live process works in '%s' with another config: %s",
                      plan->folder, io_lock_owners(lock, arena)),
            "wait for it, or give this experiment another name (experiment=NAME) or folder "
            "(--results DIR)");
    }
    return NULL;
}
