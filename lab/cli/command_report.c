#include "lab/cli/command.h"

#include "lab/cli/folder.h"
#include "lab/cli/numbers.h"

#include <stdio.h>

static Error *run_report(const CommandLine *line, int *code, Arena *arena) {
    (void)code;
    const char *word, *folder, *results = command_option(line, "--results");
    const TargetsAsked *asked;
    PASS(numbers_targets(&asked, line, arena));
    PASS(command_one_word(&word, line, &command_report, "results folder or experiment file"));
    PASS(folder_find(&folder, word, results ? results : "results", arena));
    char *path = NULL;
    PASS(folder_report(folder, asked, &path, arena));
    printf("%s\n", folder_relative(path, arena));
    return NULL;
}

static const Option options[] = {
    NUMBERS_TARGETS_OPTION,
    {"--results", "DIR", "where results are when an experiment file is given (default: results)"},
    OPTION_END,
};

COMMAND_TYPE(report) = {
    .kind = {.name = "report",
             .summary = "writes tables, figures and report.html",
             .detail =
                 "Beside the target at which the runs stopped, the page looks at lesser ones, read "
                 "off the same runs:\n"
                 "those of --targets (up to six values of the runs' metric, none harder than their "
                 "own), else up to\n"
                 "three that the lab chooses. The next report without the option is the lab's "
                 "choice again."},
    .usage = "RESULTS | EXPERIMENT.json",
    .options = options,
    .run = run_report,
};
