#include "lab/cli/command.h"

#include "lab/analyze/analyze.h"
#include "lab/cli/folder.h"

#include <stdio.h>

static Error *run_fit(const CommandLine *line, int *code, Arena *arena) {
    (void)code;
    const char *word, *folder, *results = command_option(line, "--results");
    PASS(command_one_word(&word, line, &command_fit, "results folder or experiment file"));
    PASS(folder_find(&folder, word, results ? results : "results", arena));
    PASS(analyze_tables(folder, arena));
    printf("%s/tables\n", folder_relative(folder, arena));
    return NULL;
}

static const Option options[] = {
    {"--results", "DIR", "where results are when an experiment file is given (default: results)"},
    OPTION_END,
};

COMMAND_TYPE(fit) = {
    .kind = {.name = "fit", .summary = "writes the tables of a results folder"},
    .usage = "RESULTS | EXPERIMENT.json",
    .options = options,
    .run = run_fit,
};
