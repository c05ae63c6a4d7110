#include "lab/cli/command.h"

#include "lab/analyze/analyze.h"
#include "lab/cli/folder.h"
#include "lab/cli/numbers.h"

#include <stdio.h>
#include <string.h>

static Error *check_format(const char **format) {
    static const char *const formats[] = {"svg", "png", "pdf"};
    if (!*format)
        *format = formats[0];
    for (int i = 0; i < 3; i++)
        if (strcmp(*format, formats[i]) == 0)
            return NULL;
    return error_hint(error_new(CODE_USAGE, "figures cannot be drawn as '%s'", *format),
                      "--format svg, png or pdf");
}

static Error *run_plot(const CommandLine *line, int *code, Arena *arena) {
    (void)code;
    const char *word, *folder, *results = command_option(line, "--results");
    const char *format = command_option(line, "--format");
    const TargetsAsked *asked;
    PASS(check_format(&format));
    PASS(numbers_targets(&asked, line, arena));
    PASS(command_one_word(&word, line, &command_plot, "results folder or experiment file"));
    PASS(folder_find(&folder, word, results ? results : "results", arena));
    PASS(analyze_figures(folder, format, asked, arena));
    printf("%s/figures\n", folder_relative(folder, arena));
    return NULL;
}

static const Option options[] = {
    {"--format", "svg|png|pdf", "kind of the files (default: svg)"},
    NUMBERS_TARGETS_OPTION,
    {"--results", "DIR", "where results are when an experiment file is given (default: results)"},
    OPTION_END,
};

COMMAND_TYPE(plot) = {
    .kind = {.name = "plot", .summary = "writes tables and draws the figures"},
    .usage = "RESULTS | EXPERIMENT.json",
    .options = options,
    .run = run_plot,
};
