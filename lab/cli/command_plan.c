#include "lab/cli/carry_out.h"
#include "lab/cli/share.h"
#include "lab/cli/show_plan.h"

#include <stdio.h>

Error *show_plan(const Plan *plan, const char *json, Arena *arena) {
    PlanEstimate estimate;
    PASS(plan_estimate(&estimate, plan, arena));
    if (json)
        printf("%s", json_pretty(plan_json(plan, &estimate, arena), arena));
    else
        plan_print(plan, &estimate);
    return NULL;
}

static Error *run_plan(const CommandLine *line, int *code, Arena *arena) {
    (void)code;
    const char *file, *results = command_option(line, "--results");
    PASS(command_one_word(&file, line, &command_plan, "experiment file"));
    Experiment experiment;
    Plan plan;
    PASS(experiment_load(&experiment, file, line->override, line->n_overrides, arena));
    PASS(share_take(&experiment, line, arena));
    PASS(plan_new(&plan, &experiment, results ? results : "results",
                  command_option(line, "--rerun"), NULL, arena));
    experiment_note_overrides(&experiment, line->override, line->n_overrides, arena);
    return show_plan(&plan, command_option(line, "--json"), arena);
}

COMMAND_TYPE(plan) = {
    .kind = {.name = "plan",
             .summary =
                 "trials, layouts, what is done, estimated time, memory and disk; runs nothing"},
    .usage = "EXPERIMENT.json [key.path=value ...]",
    .options = carry_out_options,
    .run = run_plan,
};
