#include "lab/cli/command.h"

#include "lab/analyze/analyze.h"
#include "lab/cli/folder.h"

#include <stdio.h>

static Error *run_collect(const CommandLine *line, int *code, Arena *arena) {
    (void)code;
    const char *word, *folder, *results = command_option(line, "--results");
    PASS(command_one_word(&word, line, &command_collect, "results folder or experiment file"));
    PASS(folder_find(&folder, word, results ? results : "results", arena));
    PASS(folder_gather(folder, true, arena));
    printf("%s\n", folder_relative(folder, arena));
    return NULL;
}

static const Option options[] = {
    {"--results", "DIR", "where results are when an experiment file is given (default: results)"},
    OPTION_END,
};

COMMAND_TYPE(collect) = {
    .kind = {.name = "collect", .summary = "rebuilds every HDF5 file from the journals"},
    .usage = "RESULTS | EXPERIMENT.json",
    .options = options,
    .run = run_collect,
};
