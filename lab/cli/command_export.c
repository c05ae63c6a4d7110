#include "lab/cli/command.h"

#include "lab/analyze/analyze.h"
#include "lab/analyze/jsonl.h"
#include "lab/analyze/mlperf.h"
#include "lab/base/say.h"
#include "lab/cli/folder.h"

#include <stdio.h>
#include <string.h>

static const char *const forms[] = {"--json", "--jsonl", "--rcp", "--mllog"};
enum { N_FORMS = 4 };

/* *out is one of `forms`, NULL: the text. */
static Error *form_of(const char **out, const CommandLine *line) {
    *out = NULL;
    for (int i = 0; i < N_FORMS; i++) {
        if (!command_option(line, forms[i]))
            continue;
        if (*out)
            return error_hint(
                error_new(CODE_USAGE, "%s and %s are two forms of export", *out, forms[i]),
                "run the command twice");
        *out = forms[i];
    }
    bool records = *out && (strcmp(*out, "--rcp") == 0 || strcmp(*out, "--mllog") == 0);
    const char *series = command_option(line, "--series"),
               *benchmark = command_option(line, "--benchmark");
    if (!records && (series || benchmark))
        return error_hint(error_new(CODE_USAGE, "%s is about reference records",
                                    series ? "--series" : "--benchmark"),
                          "add --rcp or --mllog DIR");
    return NULL;
}

static Error *export_list(const char *folder, bool json, Arena *arena) {
    const char *text;
    Json *list;
    if (json) {
        PASS(analyze_list(&list, folder, arena));
        text = json_pretty(list, arena);
    } else {
        PASS(analyze_list_tsv(&text, folder, arena));
    }
    printf("%s", text);
    return NULL;
}

static Error *export_logs(const Mlperf *mlperf, const char *folder, Arena *arena) {
    int n;
    PASS(mlperf_write_logs(&n, mlperf, folder, arena));
    say("%d run%s of %d cell%s", n, n == 1 ? "" : "s", mlperf->n, mlperf->n == 1 ? "" : "s");
    printf("%s\n", folder);
    return NULL;
}

static Error *export_lines(const char *folder, const char *to, Arena *arena) {
    RunRecord *runs;
    int n_runs, n;
    PASS(run_load_all(&runs, &n_runs, folder, arena));
    PASS(jsonl_write(&n, runs, n_runs, to));
    say("%d run%s", n, n == 1 ? "" : "s");
    printf("%s\n", to);
    return NULL;
}

static Error *export_mlperf(const char *folder, const CommandLine *line, Arena *arena) {
    const char *logs = command_option(line, "--mllog");
    Results *results;
    Mlperf mlperf;
    Json *records = NULL;
    PASS(results_load(&results, folder, arena));
    PASS(mlperf_make(&mlperf, results, command_option(line, "--series"),
                     command_option(line, "--benchmark"), arena));
    if (!logs)
        PASS(mlperf_records(&records, &mlperf, arena));
    for (int i = 0; i < mlperf.n_notes; i++)
        say("%s", mlperf.note[i]);
    if (logs)
        return export_logs(&mlperf, logs, arena);
    printf("%s", json_pretty(records, arena));
    return NULL;
}

static Error *run_export(const CommandLine *line, int *code, Arena *arena) {
    (void)code;
    const char *word, *folder, *form, *results = command_option(line, "--results");
    PASS(command_one_word(&word, line, &command_export, "results folder or experiment file"));
    PASS(form_of(&form, line));
    PASS(folder_find(&folder, word, results ? results : "results", arena));
    if (form && strcmp(form, "--jsonl") == 0)
        return export_lines(folder, command_option(line, form), arena);
    if (form && strcmp(form, "--json") != 0)
        return export_mlperf(folder, line, arena);
    return export_list(folder, form != NULL, arena);
}

static const Option options[] = {
    {"--json", NULL, "every run as a JSON object, for machines"},
    {"--jsonl", "DIR",
     "the steps and evaluations of each run: DIR/RUN_ID.jsonl, as import reads them"},
    {"--rcp", NULL, "a reference record per cell, as MLPerf's rcps_*.json files have them"},
    {"--mllog", "DIR", "the runs of each cell as MLPerf logs: DIR/RECORD/result_0.txt, ..."},
    {"--series", "LABEL", "--rcp, --mllog: this line of the report alone, as \"lars\""},
    {"--benchmark", "NAME", "--rcp, --mllog: call it so (default: the experiment's name)"},
    {"--results", "DIR", "where results are when an experiment file is given (default: results)"},
    OPTION_END,
};

COMMAND_TYPE(export) = {
    .kind =
        {.name = "export",
         .summary =
             "every run with its summary, as text or JSON; its rows as JSON lines; reference "
             "records for MLPerf",
         .detail =
             "A reference record holds the epochs to the target of every seed of a cell. Those "
             "that "
             "missed it,\n"
             "diverged or did not end are named in the record and on stderr. A searched cell is "
             "represented by\n"
             "the reruns of its winner; points of a search are in no record. What each key means: "
             "notebooks/howto/\n"
             "mlperf_records.md."},
    .usage = "RESULTS | EXPERIMENT.json",
    .options = options,
    .run = run_export,
};
