#include "lab/cli/command.h"

#include "lab/analyze/compare.h"
#include "lab/base/io.h"
#include "lab/cli/folder.h"
#include "lab/cli/numbers.h"

#include <stdio.h>

/* An experiment file stands for its results folder. */
static Error *load_side(CompareSide *out, const char *word, const char *results, Arena *arena) {
    if (io_exists(word) && !io_is_folder(word)) {
        Json *root;
        TRY(json_load(&root, word, arena), "taking '%s' for an experiment or a reference", word);
        if (root->kind == JSON_OBJECT && json_find(root, "trial") && !json_find(root, "cells"))
            PASS(folder_find(&word, word, results, arena));
    }
    return compare_load(out, word, arena);
}

static Error *run_compare(const CommandLine *line, int *code, Arena *arena) {
    (void)code;
    CompareSide a, b;
    double margin;
    const char *results = command_option(line, "--results");
    if (line->n_words != 2)
        return error_hint(error_new(CODE_USAGE,
                                    "`batchlab compare` takes two results folders or references, "
                                    "not %d",
                                    line->n_words),
                          "batchlab compare %s", command_compare.usage);
    PASS(numbers_margin(&margin, line));
    PASS(load_side(&a, line->word[0], results ? results : "results", arena));
    PASS(load_side(&b, line->word[1], results ? results : "results", arena));
    Compare compare = compare_make(&a.reference, &b.reference, margin, arena);
    if (command_option(line, "--json"))
        printf("%s", json_pretty(compare_json(&compare, &a, &b, arena), arena));
    else
        printf("%s", compare_text(&compare, &a, &b, arena));
    return NULL;
}

static const Option options[] = {
    {"--margin", "FRACTION", "difference in examples that does not matter (default: 0.02)"},
    {"--json", NULL, "for machines"},
    {"--results", "DIR", "where results are when an experiment file is given (default: results)"},
    OPTION_END,
};

COMMAND_TYPE(compare) = {
    .kind = {.name = "compare",
             .summary = "two results folders or references, cell by cell, with intervals",
             .detail =
                 "Examples to the target of the second against those of the first, which stands as "
                 "the reference:\n"
                 "their ratio with its interval, and the verdict of `batchlab check` (same, "
                 "slower, faster, missed,\n"
                 "unknown) by the same rules. Nothing is run. Cells pair up by their settings, "
                 "those left over by\n"
                 "series and batch size. A verdict is an answer here, so the exit code is 0 for "
                 "all of them."},
    .usage = "RESULTS|REFERENCE.json RESULTS|REFERENCE.json",
    .options = options,
    .run = run_compare,
};
