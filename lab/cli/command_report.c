#include "lab/cli/command.h"

#include "lab/cli/folder.h"

#include <stdio.h>

static Error *run_report(const CommandLine *line, int *code, Arena *arena) {
    (void)code;
    const char *word, *folder, *results = command_option(line, "--results");
    PASS(command_one_word(&word, line, &command_report, "results folder or experiment file"));
    PASS(folder_find(&folder, word, results ? results : "results", arena));
    char *path = NULL;
    PASS(folder_report(folder, &path, arena));
    printf("%s\n", folder_relative(path, arena));
    return NULL;
}

static const Option options[] = {
    {"--results", "DIR", "where results are when an experiment file is given (default: results)"},
    OPTION_END,
};

COMMAND_TYPE(report) = {
    .kind = {.name = "report", .summary = "writes tables, figures and report.html"},
    .usage = "RESULTS | EXPERIMENT.json",
    .options = options,
    .run = run_report,
};
