#include "lab/cli/command.h"

#include "lab/analyze/analyze.h"
#include "lab/analyze/fit_table.h"
#include "lab/cli/folder.h"
#include "lab/cli/numbers.h"

#include <stdio.h>
#include <string.h>

static Error *weights_of(HyperbolaWeights *out, const char *word) {
    *out = HYPERBOLA_LOG;
    if (!word || strcmp(word, "log") == 0)
        return NULL;
    *out = HYPERBOLA_NONE;
    if (strcmp(word, "none") == 0)
        return NULL;
    return error_hint(error_new(CODE_USAGE, "there are no weights '%s'", word),
                      "--weights log (noise in proportion, the default) or --weights none "
                      "(ordinary least squares)");
}

static Error *run_table(const CommandLine *line, const char *path, Arena *arena) {
    HyperbolaWeights weights;
    Hyperbola fit;
    if (line->n_words)
        return error_hint(
            error_new(CODE_USAGE,
                      "`batchlab fit` takes a results folder or a table, not both ('%s' and '%s')",
                      line->word[0], path),
            "batchlab fit --table FILE.tsv");
    if (command_option(line, "--targets"))
        return error_hint(error_new(CODE_USAGE, "--targets does not go with --table: a table holds "
                                                "the examples to one target"),
                          "batchlab fit RESULTS --targets 0.9,0.95");
    PASS(weights_of(&weights, command_option(line, "--weights")));
    PASS(fit_table(&fit, path, weights, arena));
    printf("%s", command_option(line, "--json") ? json_pretty(fit_json(&fit, arena), arena)
                                                : fit_text(&fit, arena));
    return NULL;
}

static Error *run_fit(const CommandLine *line, int *code, Arena *arena) {
    (void)code;
    const char *word, *folder, *results = command_option(line, "--results"),
                               *table = command_option(line, "--table");
    if (table)
        return run_table(line, table, arena);
    if (command_option(line, "--weights") || command_option(line, "--json"))
        return error_hint(error_new(CODE_USAGE, "--weights and --json go with --table"),
                          "batchlab fit %s", command_fit.usage);
    const TargetsAsked *asked;
    PASS(numbers_targets(&asked, line, arena));
    PASS(command_one_word(&word, line, &command_fit, "results folder or experiment file"));
    PASS(folder_find(&folder, word, results ? results : "results", arena));
    PASS(analyze_tables(folder, asked, arena));
    printf("%s/tables\n", folder_relative(folder, arena));
    return NULL;
}

static const Option options[] = {
    {"--table", "FILE", "fits the columns global_batch and examples_to_target of a table instead"},
    {"--weights", "log|none", "with --table: residuals of log examples (default), or of examples"},
    {"--json", NULL, "with --table: one object for machines"},
    NUMBERS_TARGETS_OPTION,
    {"--results", "DIR", "where results are when an experiment file is given (default: results)"},
    OPTION_END,
};

COMMAND_TYPE(fit) = {
    .kind =
        {.name = "fit",
         .summary =
             "writes the tables of a results folder, or fits the critical batch size of any table",
         .detail =
             "E(B) = E_min (1 + B / B_crit), B_crit = E_min / S_min, with 90 % intervals. B_crit "
             "is\n"
             "`unidentified` when the measured batches cannot tell E_min or S_min from zero."},
    .usage = "RESULTS | EXPERIMENT.json | --table FILE.tsv",
    .options = options,
    .run = run_fit,
};
