#include "lab/cli/carry_out.h"

static Error *run_run(const CommandLine *line, int *code, Arena *arena) {
    const char *file;
    PASS(command_one_word(&file, line, &command_run, "experiment file"));
    return carry_out_file(file, line, code, arena);
}

COMMAND_TYPE(run) = {
    .kind =
        {.name = "run",
         .summary =
             "carries an experiment out: starts MPI itself, or uses the ranks it was started with",
         .detail = "What is done already is not done again: the same command resumes after Ctrl-C, "
                   "a crash or a\n"
                   "full disk. key.path=value changes a setting, e.g. trial.lr.base=0.05 seeds=1\n"
                   "'layouts.replicas=[1,2]'. The last line of stdout is the report's path."},
    .usage = "EXPERIMENT.json [key.path=value ...]",
    .options = carry_out_options,
    .run = run_run,
};
