#include "lab/cli/command.h"

#include "lab/analyze/compare.h"
#include "lab/analyze/listing.h"
#include "lab/cli/folder.h"

#include <stdio.h>
#include <stdlib.h>

static Error *margin_of(double *out, const char *word) {
    *out = GATE_MARGIN;
    if (!word)
        return NULL;
    char *end;
    *out = strtod(word, &end);
    if (end != word && *end == '\0' && *out >= 0 && *out < 1)
        return NULL;
    return error_hint(
        error_new(CODE_USAGE, "the margin '%s' is not a fraction from 0 to below 1", word),
        "--margin 0.02: two percent more or fewer examples do not matter");
}

static Error *run_compare(const CommandLine *line, int *code, Arena *arena) {
    (void)code;
    const char *a, *b, *results = command_option(line, "--results");
    double margin;
    Compare compare;
    if (line->n_words != 2)
        return error_hint(error_new(CODE_USAGE,
                                    "`batchlab compare` takes two results folders, not %d",
                                    line->n_words),
                          "batchlab compare %s", command_compare.usage);
    PASS(margin_of(&margin, command_option(line, "--margin")));
    PASS(folder_find(&a, line->word[0], results ? results : "results", arena));
    PASS(folder_find(&b, line->word[1], results ? results : "results", arena));
    PASS(compare_folders(&compare, a, b, margin, arena));
    if (command_option(line, "--json"))
        printf("%s", json_pretty(listing_json(compare_table(&compare, arena), arena), arena));
    else
        printf("%s", compare_text(&compare, arena));
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
             .summary = "two results folders, cell by cell, with intervals",
             .detail = "Examples to the target of the second against the first: same bits, same, "
                       "slower, faster, missed\n"
                       "or unknown, with a 95 % interval and the slowdown that so many seeds see."},
    .usage = "RESULTS RESULTS",
    .options = options,
    .run = run_compare,
};
