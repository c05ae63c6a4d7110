/* _work: what the driver starts; not for people. */
#include "lab/cli/command.h"

#include "lab/cli/share.h"
#include "lab/sweep/launch.h"
#include "lab/sweep/together.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

typedef struct Work {
    Experiment experiment;
    Plan plan;
    PlanRanks ranks;
    const CommandLine *line;
    Arena *arena;
} Work;

static Error *prepare(void *self, Shelf *shelf) {
    Work *work = self;
    const CommandLine *line = work->line;
    Arena *arena = work->arena;
    Experiment *experiment = &work->experiment;
    Plan *plan = &work->plan;
    PASS(experiment_load_shared(experiment, line->word[0], line->override, line->n_overrides, shelf,
                                arena));
    if (strcmp(experiment->sha256, command_option(line, "--config")) != 0)
        return error_hint(
            error_new(CODE_USAGE, "'%s' changed while its runs were starting", line->word[0]),
            "run the command again");
    PASS(share_take(experiment, line, arena));
    PASS(plan_new(plan, experiment, command_option(line, "--results"), NULL, &work->ranks, arena));
    plan->session = command_option(line, "--session");
    int phase = atoi(command_option(line, "--phase"));
    if (phase < 0 || phase >= plan->n_phases)
        return error_new(CODE_USAGE, "there is no phase %d", phase);
    return NULL;
}

static Error *carry_out(Comm *group, const CommandLine *line, Arena *arena) {
    int *hosts = ARENA_ARRAY(arena, int, comm_size(group));
    comm_spans(hosts, group);
    Work work = {.line = line, .arena = arena, .ranks = {comm_size(group), hosts}};
    PASS(together_prepare(group, command_option(line, "--data"), prepare, &work, arena));
    const Phase *phase = &work.plan.phases[atoi(command_option(line, "--phase"))];
    CampaignWatch watch = launch_worker_watch();
    return campaign_phase(&work.plan, phase, group, 0, 1, launch_stop_flag(), &watch);
}

static Error *run_work(const CommandLine *line, int *code, Arena *arena) {
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* no rank outlives its launcher */
    launch_hear_signals();
    if (line->n_words != 1 || !command_option(line, "--results") ||
        !command_option(line, "--phase") || !command_option(line, "--config") ||
        !command_option(line, "--session"))
        return error_hint(error_new(CODE_USAGE, "`_work` is started by `batchlab run`"),
                          "batchlab run EXPERIMENT.json");
    Comm *group = NULL;
    if (comm_launched())
        PASS(comm_begin(&group, arena));
    else
        group = comm_alone(arena);
    if (comm_rank(group) == 0)
        launch_tell_ready(comm_hosts(group));
    Error *error = carry_out(group, line, arena);
    if (error && (comm_rank(group) > 0 ||
                  error_code(error) == CODE_STOPPED)) { /* said once, or by the driver */
        *code = error_code(error);
        error_end(error);
        error = NULL;
    }
    comm_finish(group);
    return error;
}

static const Option options[] = {
    {"--results", "DIR", "results root"},
    {"--phase", "N", "phase of the plan"},
    {"--config", "SHA256", "hash of the resolved config"},
    {"--session", "TEXT", "names the `run` that started it"},
    {"--share", "K/N", "as `run` was told"},
    {"--data", "PLACE", "where the datasets are in memory already"},
    OPTION_END,
};

COMMAND_TYPE(_work) = {
    .kind = {.name = "_work", .summary = "a worker process of `run`"},
    .usage = "EXPERIMENT.json --results DIR --phase N --config SHA256 --session TEXT",
    .options = options,
    .run = run_work,
};
