#include "lab/sweep/run_id.h"

#include "lab/base/io.h"
#include "lab/base/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* What stands before the hosts, and behind them. */
static const char *head_of(const PlannedRun *run, Arena *arena) {
    return arena_print(arena, "%s-r%dt%d", run->trial->id, run->replicas, run->threads);
}

static const char *tail_of(const Plan *plan, const PlannedRun *run, Arena *arena) {
    const char *collective = plan->experiment->layouts.collective->kind.name;
    Text text = text_new(arena);
    if (strcmp(collective, "tree") != 0)
        text_add(&text, "-c%s", collective);
    if (run->label)
        text_add(&text, "-l%s", run->label);
    if (run->bucket_kib)
        text_add(&text, "-b%lld", (long long)run->bucket_kib);
    if (run->mode == RUN_VERIFY)
        text_add(&text, "-v%lld", (long long)run->steps);
    return text.data;
}

const char *run_id(const Plan *plan, const PlannedRun *run, int hosts, Arena *arena) {
    const char *spread = hosts > 1 ? arena_print(arena, "-h%d", hosts) : "";
    return arena_print(arena, "%s%s%s", head_of(run, arena), spread, tail_of(plan, run, arena));
}

const char *plan_id_anywhere(const char *id, Arena *arena) {
    const char *layout = strchr(id, '-');
    const char *hosts = layout ? strchr(layout + 1, '-') : NULL; /* behind replicas and threads */
    if (!hosts || hosts[1] != 'h')
        return arena_copy(arena, id);
    size_t digits = strspn(hosts + 2, "0123456789");
    const char *rest = hosts + 2 + digits;
    if (digits == 0 || (*rest && *rest != '-'))
        return arena_copy(arena, id);
    return arena_print(arena, "%.*s%s", (int)(hosts - id), id, rest);
}

/* How many hosts the run `name` had, if it is this run on two and more of them; else 0. */
static int hosts_of(const PlannedRun *run, const char *head, const char *tail, const char *name) {
    size_t n = strlen(head);
    if (strncmp(name, head, n) != 0 || strncmp(name + n, "-h", 2) != 0 ||
        !isdigit((unsigned char)name[n + 2]))
        return 0;
    char *rest;
    long hosts = strtol(name + n + 2, &rest, 10);
    return hosts > 1 && hosts <= run->replicas && strcmp(rest, tail) == 0 ? (int)hosts : 0;
}

/* Of the ids in `names` (n) the one with the fewest hosts that is done. */
static Error *find_one(const Plan *plan, PlannedRun *run, char *const *names, int n,
                       Arena *scratch) {
    const char *head = head_of(run, scratch), *tail = tail_of(plan, run, scratch);
    const char *alone = run_id(plan, run, 1, scratch);
    int best = 0;
    if (strcmp(run->id, alone) != 0) /* what it took over is set aside */
        run->id = arena_copy(plan->arena, alone);
    for (int i = 0; i < n; i++) {
        int hosts = hosts_of(run, head, tail, names[i]);
        if (hosts == 0 || (best && hosts > best))
            continue;
        PlannedRun there = *run;
        there.id = names[i];
        PASS(plan_refresh_run(plan, &there));
        if (!there.done)
            continue;
        best = hosts;
        *run = there;
        run->id = arena_copy(plan->arena, names[i]);
    }
    return NULL;
}

static bool is_sought(const PlannedRun *run) {
    return !run->done && run->hosts == 0;
}

Error *run_id_find_done(const Plan *plan, int first) {
    int n_sought = 0, n = 0;
    for (int i = first; i < plan->n_runs; i++)
        n_sought += is_sought(&plan->runs[i]);
    if (n_sought == 0)
        return NULL;
    Arena *scratch = arena_new();
    char **names = NULL;
    const char *folder = arena_print(scratch, "%s/runs", plan->folder);
    Error *error = io_is_folder(folder) ? io_list(&names, &n, folder, scratch) : NULL;
    for (int i = first; i < plan->n_runs && !error; i++) {
        Arena *one = arena_new();
        if (is_sought(&plan->runs[i]))
            error = find_one(plan, &plan->runs[i], names, n, one);
        arena_end(one);
    }
    arena_end(scratch);
    return error;
}

void plan_know_hosts(Plan *plan, int index, int hosts) {
    Phase *phase = &plan->phases[index];
    phase->hosts = hosts;
    for (int i = 0; i < phase->n; i++) {
        PlannedRun *run = phase->run[i];
        const char *id = run_id(plan, run, hosts, plan->arena);
        run->hosts = hosts;
        if (strcmp(run->id, id) == 0)
            continue;
        run->id = id;
        run->done = run->timed_out = false;
    }
}
