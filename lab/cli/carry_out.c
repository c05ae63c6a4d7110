#include "lab/cli/carry_out.h"

#include "lab/base/say.h"
#include "lab/cli/folder.h"
#include "lab/cli/hooks.h"
#include "lab/cli/own_path.h"
#include "lab/cli/share.h"
#include "lab/cli/show_plan.h"
#include "lab/cli/tell.h"
#include "lab/sweep/hosts.h"
#include "lab/sweep/launch.h"
#include "lab/sweep/together.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const Option carry_out_options[] = {
    {"--results", "DIR", "where results go (default: results)"},
    {"--rerun", "WHAT",
     "do finished runs again: failed, diverged, stale (measured by another build), or an id"},
    {"--start-limit", "SECONDS", "end workers that do not start in this long (default: 120)"},
    {"--share", "K/N",
     "only every N-th trial, from number K on (0 to N-1): one element of a job array"},
    {"--config", "SHA256", "refuse an experiment that resolves to anything else (see `submit`)"},
    {"--tell", "METRIC", "of one trial: tell a tuning service what came out (see `submit`)"},
    {"--pull", "COMMAND",
     "sh command that brings earlier results before the run ($BATCHLAB_FOLDER)"},
    {"--push", "COMMAND", "sh command that takes them away after it, also when it was stopped"},
    {"--dry-run", NULL, "show the plan and run nothing"},
    {"--json", NULL, "with --dry-run: for machines"},
    OPTION_END,
};

static const char *results_of(const CommandLine *line) {
    const char *results = command_option(line, "--results");
    return results ? results : "results";
}

static void say_outcomes(const Plan *plan) {
    int count[OUTCOME_N] = {0}, n = 0;
    for (int i = 0; i < plan->n_runs; i++)
        if (plan->runs[i].done && plan->runs[i].mode == RUN_FULL) {
            count[plan->runs[i].outcome]++;
            n++;
        }
    char pruned[32] = "";
    if (count[OUTCOME_INTERRUPTED]) /* done all the same */
        snprintf(pruned, sizeof pruned, ", %d were pruned", count[OUTCOME_INTERRUPTED]);
    say("%d trials in %d full runs: %d reached the target, %d spent the budget, %d diverged, %d "
        "failed%s",
        plan_count_trials(plan), n, count[OUTCOME_REACHED], count[OUTCOME_BUDGET_SPENT],
        count[OUTCOME_DIVERGED], count[OUTCOME_FAILED], pruned);
}

static Error *gather_and_report(const Plan *plan, Gathering *gathering, Arena *arena) {
    char *path = NULL;
    PASS(folder_report_with(gathering, plan->folder, NULL, &path, arena));
    printf("%s\n", folder_relative(path, arena));
    fflush(stdout);
    return NULL;
}

/* A job carries out what was submitted, also when it starts again days later. */
static Error *check_config(const Experiment *experiment, const CommandLine *line) {
    const char *wanted = command_option(line, "--config");
    if (!wanted || strcmp(wanted, experiment->sha256) == 0)
        return NULL;
    return error_hint(error_new(CODE_USAGE,
                                "'%s' is not what was submitted: it resolves to %.16s, "
                                "not %.16s",
                                experiment->file, experiment->sha256, wanted),
                      "submit it again, or bring the old file back; --config is the hash of the "
                      "resolved experiment");
}

/* Runs of all shares that are not done. */
static Error *count_others(int *out, const Experiment *experiment, const CommandLine *line,
                           Arena *arena) {
    Experiment whole;
    Plan plan;
    PASS(experiment_load_shared(&whole, experiment->file, line->override, line->n_overrides,
                                experiment->shelf, arena));
    PASS(plan_new(&plan, &whole, results_of(line), NULL, NULL, arena));
    *out = plan.n_runs - plan_count_done(&plan);
    return NULL;
}

/* Of several shares the one that ends last gathers and reports: it finds nothing left. */
static Error *conclude(const Plan *plan, const CommandLine *line, Gathering *gathering,
                       Arena *arena) {
    int left = 0;
    PASS(tell_metric(plan, command_option(line, "--tell"), arena));
    if (command_option(line, "--share"))
        PASS(count_others(&left, plan->experiment, line, arena));
    if (left == 0)
        return gather_and_report(plan, gathering, arena);
    say("this share is done; %d runs are left to others, the last of which reports", left);
    return NULL;
}

static Error *load(Experiment *out, const char *file, const CommandLine *line, Shelf *shelf,
                   Arena *arena) {
    PASS(experiment_load_shared(out, file, line->override, line->n_overrides, shelf, arena));
    return check_config(out, line);
}

/* What stands in between is the pull. */
static Error *prepare(Plan *plan, Experiment *experiment, const char *file, const CommandLine *line,
                      const char *rerun, const PlanRanks *ranks, const Hooks *hooks, Shelf *shelf,
                      Arena *arena) {
    PASS(load(experiment, file, line, shelf, arena));
    PASS(share_take(experiment, line, arena));
    PASS(hooks ? hooks_pull(hooks, experiment->name, arena) : NULL);
    PASS(plan_new(plan, experiment, results_of(line), rerun, ranks, arena));
    return tell_check(plan, command_option(line, "--tell"));
}

static Error *read_start_limit(double *out, const CommandLine *line) {
    const char *text = command_option(line, "--start-limit");
    char *end = NULL;
    double seconds = text ? strtod(text, &end) : *out;
    if (text && (*end || !(seconds > 0) || seconds > 1e6))
        return error_hint(error_new(CODE_USAGE, "--start-limit is '%s'", text),
                          "legal: seconds above 0 up to 1e6");
    *out = seconds;
    return NULL;
}

/* The ranks that it starts will tell where they are. */
static bool asks_for_hosts(const Plan *plan) {
    bool unknown = false;
    for (int i = 0; i < plan->n_phases; i++)
        unknown |= plan->phases[i].hosts == 0 && plan->phases[i].n > 0;
    return unknown && hosts_may_be_several();
}

static void see_end(void *self, const char *run_id) {
    gathering_see(self, run_id);
}

static void see_alone(void *self) {
    gathering_pause(self);
}

/* The driver: a process of its own, no MPI. `gathering` may be NULL. */
static Error *drive(Plan *plan, const char *file, const CommandLine *line, Hooks *hooks,
                    Gathering *gathering, Arena *arena) {
    LaunchOptions options = {
        .program = own_path(line->program, arena),
        .file = file,
        .overrides = line->override,
        .n_overrides = line->n_overrides,
        .results = results_of(line),
        .share = command_option(line, "--share"),
        .start_limit_s = 120,
        .ended = gathering ? see_end : NULL,
        .alone = gathering ? see_alone : NULL,
        .self = gathering,
    };
    IoLock *lock;
    char session[PLAN_SESSION_ROOM], data[SHELF_PLACE_ROOM];
    plan_session(session);
    plan->session = arena_copy(arena, session);
    shelf_place(plan->experiment->shelf, data);
    options.data = data;
    PASS(read_start_limit(&options.start_limit_s, line));
    experiment_note_overrides(plan->experiment, line->override, line->n_overrides, arena);
    PASS(campaign_open(&lock, plan, arena));
    hooks->begun = plan->experiment->name;
    PASS(campaign_set_aside(plan));
    PASS(plan_refresh(plan));
    launch_catch_signals();
    int left = plan->n_runs - plan_count_done(plan), pending = plan_count_pending(plan);
    if (left == 0 && pending == 0)
        say("%s: all %d runs are done already%s", plan->experiment->name, plan->n_runs,
            asks_for_hosts(plan) ? "; are they on the hosts that replicas have here?" : "");
    else if (pending == 0)
        say("%s: %d trials, %d runs, %d to do", plan->experiment->name, plan_count_trials(plan),
            plan->n_runs, left);
    else
        say("%s: %d trials, %d runs, %d to do, then up to %d of the search's best points",
            plan->experiment->name, plan_count_trials(plan), plan->n_runs, left, pending);
    PASS(launch_plan(plan, &options));
    say_outcomes(plan);
    return NULL;
}

Error *carry_out_runs(Plan *plan, Experiment *experiment, const char *file, const CommandLine *line,
                      const char *rerun, Arena *arena) {
    if (comm_launched())
        return error_hint(
            error_new(CODE_USAGE, "this command starts MPI itself"),
            "call it outside mpirun or srun; `batchlab run` uses the ranks it is started with");
    Hooks none = {0};
    PASS(prepare(plan, experiment, file, line, rerun, NULL, NULL, shelf_new(NULL, arena), arena));
    return drive(plan, file, line, &none, NULL, arena);
}

/* Rank 0 of a job that somebody else started opens, gathers and reports. */
static Error *carry_out_ranks(Plan *plan, Comm *world, const CommandLine *line, int *code,
                              Hooks *hooks, Arena *arena) {
    bool root = comm_rank(world) == 0;
    IoLock *lock = NULL;
    char *session = arena_alloc(arena, PLAN_SESSION_ROOM);
    plan_session(session);
    comm_bcast(world, session, PLAN_SESSION_ROOM); /* one for all ranks */
    plan->session = session;
    PASS(comm_agree(world, root ? campaign_open(&lock, plan, arena) : NULL));
    hooks->begun = root ? plan->experiment->name : NULL;
    PASS(comm_agree(world, root ? campaign_set_aside(plan) : NULL));
    PASS(launch_in_place(plan, world, arena));
    if (!root)
        return NULL;
    PASS(plan_refresh(plan));
    say_outcomes(plan);
    Gathering *gathering = gathering_new(plan->folder, plan->experiment->name, arena);
    Error *error = conclude(plan, line, gathering, arena);
    gathering_end(gathering);
    PASS(error);
    if (plan_count_failed(plan) > 0)
        *code = CODE_SOME_FAILED;
    return NULL;
}

typedef struct Launched {
    Experiment experiment;
    Plan plan;
    PlanRanks ranks;
    const char *file;
    const CommandLine *line;
    Arena *arena;
} Launched;

static Error *prepare_launched(void *self, Shelf *shelf) {
    Launched *job = self;
    return prepare(&job->plan, &job->experiment, job->file, job->line,
                   command_option(job->line, "--rerun"), &job->ranks, NULL, shelf, job->arena);
}

/* On rank 0, before any rank reads the folder. The experiment is read twice then. */
static Error *pull_first(const Hooks *hooks, const char *file, const CommandLine *line) {
    Experiment early;
    Arena *scratch = arena_new();
    Error *error = hooks->pull ? load(&early, file, line, NULL, scratch) : NULL;
    if (!error && hooks->pull)
        error = hooks_pull(hooks, early.name, scratch);
    arena_end(scratch);
    return error;
}

static Error *carry_out_launched(const char *file, const CommandLine *line, int *code,
                                 Arena *arena) {
    Comm *world;
    launch_hear_signals(); /* a job near its end may be asked to stop before it begins */
    PASS(comm_begin(&world, arena));
    int *hosts = ARENA_ARRAY(arena, int, comm_size(world));
    comm_spans(hosts, world);
    Launched job = {.ranks = {comm_size(world), hosts}, .file = file, .line = line, .arena = arena};
    Hooks hooks = hooks_of(line, results_of(line), launch_stop_flag());
    bool root = comm_rank(world) == 0;
    Error *error = comm_agree(world, root ? pull_first(&hooks, file, line) : NULL);
    if (!error)
        error = together_prepare(world, NULL, prepare_launched, &job, arena);
    if (!error)
        error = carry_out_ranks(&job.plan, world, line, code, &hooks, arena);
    error = hooks_push(&hooks, error, *code, arena); /* it has begun on rank 0 only */
    if (error && !root) {                            /* said once */
        *code = error_code(error);
        error_end(error);
        error = NULL;
    }
    comm_finish(world);
    return error;
}

static Error *drive_and_conclude(Plan *plan, const char *file, const CommandLine *line, int *code,
                                 Hooks *hooks, Arena *arena) {
    Gathering *gathering = gathering_new(plan->folder, plan->experiment->name, arena);
    Error *undone = drive(plan, file, line, hooks, gathering, arena);
    Error *error = undone ? NULL : conclude(plan, line, gathering, arena);
    gathering_end(gathering);
    PASS(undone);
    if (error && *launch_catch_signals()) { /* Ctrl-C ends gnuplot too */
        error_end(error);
        return error_hint(error_new(CODE_STOPPED, "stopped on request"),
                          "every run is done; the same command reports");
    }
    PASS(error);
    if (plan_count_failed(plan) > 0)
        *code = CODE_SOME_FAILED;
    return NULL;
}

Error *carry_out_file(const char *file, const CommandLine *line, int *code, Arena *arena) {
    if (comm_launched() && !command_option(line, "--dry-run"))
        return carry_out_launched(file, line, code, arena);
    Experiment experiment;
    Plan plan;
    const char *rerun = command_option(line, "--rerun");
    if (command_option(line, "--dry-run")) {
        PASS(prepare(&plan, &experiment, file, line, rerun, NULL, NULL, NULL, arena));
        return show_plan(&plan, command_option(line, "--json"), arena);
    }
    Hooks hooks = hooks_of(line, results_of(line), launch_stop_flag());
    if (hooks.pull)
        launch_catch_signals();
    PASS(prepare(&plan, &experiment, file, line, rerun, NULL, &hooks, shelf_new(NULL, arena),
                 arena));
    Error *error = drive_and_conclude(&plan, file, line, code, &hooks, arena);
    return hooks_push(&hooks, error, *code, arena);
}
