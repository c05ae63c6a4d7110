#include "lab/cli/command.h"

#include "lab/analyze/analyze.h"
#include "lab/cli/folder.h"

#include <stdio.h>

static Error *run_export(const CommandLine *line, int *code, Arena *arena) {
    (void)code;
    const char *word, *folder, *results = command_option(line, "--results");
    PASS(command_one_word(&word, line, &command_export, "results folder or experiment file"));
    PASS(folder_find(&folder, word, results ? results : "results", arena));
    if (command_option(line, "--json")) {
        Json *list;
        PASS(analyze_list(&list, folder, arena));
        printf("%s", json_pretty(list, arena));
        return NULL;
    }
    const char *text;
    PASS(analyze_list_tsv(&text, folder, arena));
    printf("%s", text);
    return NULL;
}

static const Option options[] = {
    {"--results", "DIR", "where results are when an experiment file is given (default: results)"},
    {"--json", NULL, "for machines"},
    OPTION_END,
};

COMMAND_TYPE(export) = {
    .kind = {.name = "export", .summary = "every run with its summary, as text or JSON"},
    .usage = "RESULTS | EXPERIMENT.json",
    .options = options,
    .run = run_export,
};
