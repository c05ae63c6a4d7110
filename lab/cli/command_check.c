#include "lab/cli/carry_out.h"

#include "lab/analyze/format.h"
#include "lab/analyze/verdict.h"
#include "lab/base/io.h"
#include "lab/base/say.h"
#include "lab/cli/folder.h"
#include "lab/cli/numbers.h"
#include "lab/comm/comm.h"
#include "lab/store/provenance.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is judged, and by what. */
typedef struct Check {
    const char *name;    /* of the experiment, or of the import */
    const char *path;    /* of the reference */
    bool updating;       /* the reference is written instead */
    Reference reference; /* when it is not */
    const Cells *cells;
    const Json *provenance; /* of this machine; NULL: the runs say it */
} Check;

/* Before anything starts: is there something to compare with? */
static Error *load_reference(Check *check, const char *path, Arena *arena) {
    check->path = path;
    return check->updating ? NULL : reference_load(&check->reference, path, arena);
}

/* experiments/reference/NAME.json beside the experiment file. */
static const char *reference_path(const CommandLine *line, const char *file, const char *name,
                                  Arena *arena) {
    const char *given = command_option(line, "--reference");
    if (given)
        return given;
    const char *slash = strrchr(file, '/');
    int n = slash ? (int)(slash - file) + 1 : 0;
    return arena_print(arena, "%.*sreference/%s.json", n, file, name);
}

/* Cells of the full runs of this plan alone: older runs in the folder say nothing about this build.
 */
static Error *load_cells(const Cells **out, const Plan *plan, Arena *arena) {
    RunRecord *runs = ARENA_ARRAY(arena, RunRecord, plan->n_runs + 1);
    int n = 0;
    for (int i = 0; i < plan->n_runs; i++) {
        bool found = false;
        if (plan->runs[i].mode != RUN_FULL)
            continue;
        PASS(run_load(&runs[n], &found, plan_run_folder(plan, &plan->runs[i], arena), arena));
        n += found;
    }
    *out = cells_make(runs, n, arena);
    return NULL;
}

static Error *refuse_loose(const Experiment *experiment) {
    const CollectiveType *collective = experiment->layouts.collective;
    if (collective->canonical)
        return NULL;
    return error_hint(error_new(CODE_USAGE,
                                "the collective '%s' does not keep the one-trajectory contract",
                                collective->kind.name),
                      "check with layouts.collective=tree");
}

static Error *refuse_without_target(const Cells *cells, const char *file, bool imported) {
    for (int i = 0; i < cells->n_cells; i++)
        if (cells->cells[i].has_target)
            return NULL;
    return error_hint(
        error_new(CODE_USAGE, "'%s' has no target, so there is nothing to compare", file),
        imported ? "import the runs with --metric and --target"
                 : "give trial.stop a metric and a target");
}

static const char *median_text(const double *examples, int n, Arena *arena) {
    double median = spread_make(examples, n, arena).median;
    return isnan(median) ? "missed" : format_count(median, arena);
}

static const char *cell_text(const ReferenceCell *cell, Arena *arena) {
    return arena_print(arena, "%s (%s)", median_text(cell->examples, cell->n, arena),
                       format_plural(cell->n, "run", arena));
}

static const ReferenceCell *same_place(const Reference *reference, const ReferenceCell *cell) {
    for (int i = 0; i < reference->n_cells; i++)
        if (reference->cells[i].global_batch == cell->global_batch &&
            strcmp(reference->cells[i].label, cell->label) == 0)
            return &reference->cells[i];
    return NULL;
}

static const char *commit_of(const Reference *reference) {
    const Json *commit =
        reference->provenance ? json_find(reference->provenance, "git_commit") : NULL;
    return commit && commit->kind == JSON_TEXT ? commit->text : "unknown";
}

/* What changes by the new reference: a line a cell, median examples before and after. */
static void say_change(const char *path, const Reference *before, const Reference *after,
                       const Verdict *verdicts, Arena *arena) {
    say("%s is written, commit %s -> %s; median examples to the target:", path, commit_of(before),
        commit_of(after));
    for (int i = 0; i < after->n_cells; i++) { /* in the order of the verdicts */
        const ReferenceCell *cell = &after->cells[i], *old = same_place(before, cell);
        say("  %s, B = %lld: %s -> %s; %s", cell->label, (long long)cell->global_batch,
            old ? cell_text(old, arena) : "nothing", cell_text(cell, arena), verdicts[i].sentence);
    }
    for (int i = 0; i < before->n_cells; i++)
        if (!same_place(after, &before->cells[i]))
            say("  %s, B = %lld: %s -> gone", before->cells[i].label,
                (long long)before->cells[i].global_batch, cell_text(&before->cells[i], arena));
}

/* A reference that cannot be read is about to be replaced: said, and no error. */
static bool load_before(Reference *before, const char *path, Arena *arena) {
    if (!io_exists(path))
        return false;
    Error *error = reference_load(before, path, arena);
    if (!error)
        return true;
    error_print(error, stderr);
    error_end(error);
    return false;
}

static int count_unfinished(const Cells *cells) {
    int n = 0;
    for (int i = 0; i < cells->n_cells; i++)
        n += cells->cells[i].n_trials - cell_n_done(&cells->cells[i]);
    return n;
}

/* Writes the reference, and says what changes by it. */
static Error *update(const char *path, const Cells *cells, const Reference *now, double margin,
                     Arena *arena) {
    Reference before, after;
    if (count_unfinished(cells) > 0)
        return error_hint(
            error_new(CODE_SOME_FAILED, "%d runs failed or did not end", count_unfinished(cells)),
            "a reference is made of whole runs: the same command tries them again");
    bool had = load_before(&before, path, arena);
    const char *slash = strrchr(path, '/');
    if (slash)
        PASS(io_folder(arena_copy_n(arena, path, (size_t)(slash - path))));
    PASS(reference_write(path, now, arena));
    if (had) {
        int n;
        PASS(reference_load(&after, path, arena));
        say_change(path, &before, &after, verdicts_make(&n, now, &before, margin, arena), arena);
    }
    printf("%s\n", path);
    return NULL;
}

static void print_verdicts(const Verdict *verdicts, int n, const Reference *reference,
                           double margin, Arena *arena) {
    for (int i = 0; i < n; i++)
        printf("%s, B = %lld: %s\n", verdicts[i].series, (long long)verdicts[i].global_batch,
               verdicts[i].sentence);
    printf("%s\n", verdicts_summary(verdicts, n, reference, margin, arena));
}

static Error *show(const Check *check, const Verdict *verdicts, int n, double margin,
                   const CommandLine *line, Arena *arena) {
    if (command_option(line, "--json"))
        printf("%s", json_pretty(verdicts_json(check->name, verdicts, n, arena), arena));
    else
        print_verdicts(verdicts, n, &check->reference, margin, arena);
    const char *junit = command_option(line, "--junit");
    if (!junit)
        return NULL;
    const char *text = verdicts_junit(check->name, verdicts, n, arena);
    return io_write(junit, text, strlen(text));
}

/* Runs what is missing. */
static Error *check_experiment(Check *check, const char *file, const CommandLine *line,
                               Arena *arena) {
    Experiment experiment;
    Plan plan;
    PASS(experiment_load(&experiment, file, line->override, line->n_overrides, arena));
    PASS(refuse_loose(&experiment));
    check->name = experiment.name;
    check->provenance = provenance_make("none", 1, arena);
    PASS(load_reference(check, reference_path(line, file, experiment.name, arena), arena));
    PASS(carry_out_runs(&plan, &experiment, file, line, "stale", arena));
    return load_cells(&check->cells, &plan, arena);
}

/* Runs of another program are judged as they are. */
static Error *check_imported(Check *check, const char *folder, const CommandLine *line,
                             Arena *arena) {
    const char *path = command_option(line, "--reference");
    Json *about;
    RunRecord *runs;
    int n;
    PASS(folder_find(&folder, folder, "results", arena));
    PASS(json_load(&about, arena_print(arena, "%s/experiment.json", folder), arena));
    const Json *name = json_find(about, "experiment");
    if (!json_find(about, "imported_from") || !name || name->kind != JSON_TEXT)
        return error_hint(
            error_new(CODE_USAGE, "'%s' is no folder of imported runs", folder),
            "check the experiment's file, so that what is missing or stale is run; or compare what "
            "there is: batchlab compare REFERENCE.json %s",
            folder);
    if (line->n_overrides > 0)
        return error_hint(
            error_new(CODE_USAGE, "'%s' sets nothing in imported runs", line->override[0]),
            "settings are what the imported lines say");
    if (!path)
        return error_hint(error_new(CODE_USAGE, "imported runs have no reference of their own"),
                          "--reference FILE.json; --update writes it");
    check->name = name->text;
    PASS(load_reference(check, path, arena));
    PASS(run_load_all(&runs, &n, folder, arena));
    check->cells = cells_make(runs, n, arena);
    return NULL;
}

static Error *run_check(const CommandLine *line, int *code, Arena *arena) {
    const char *word;
    double margin;
    Check check = {.updating = command_option(line, "--update") != NULL};
    PASS(command_one_word(&word, line, &command_check, "experiment file"));
    PASS(numbers_margin(&margin, line));
    PASS(io_is_folder(word) ? check_imported(&check, word, line, arena)
                            : check_experiment(&check, word, line, arena));
    PASS(refuse_without_target(check.cells, word, check.provenance == NULL));
    Reference now = reference_of(check.name, check.cells, check.provenance, arena);
    if (check.updating)
        return update(check.path, check.cells, &now, margin, arena);
    int n;
    const Verdict *verdicts = verdicts_make(&n, &now, &check.reference, margin, arena);
    PASS(show(&check, verdicts, n, margin, line, arena));
    *code = verdicts_failed(verdicts, n)        ? CODE_CHECK
            : count_unfinished(check.cells) > 0 ? CODE_SOME_FAILED
                                                : CODE_OK;
    return NULL;
}

static const Option options[] = {
    {"--reference", "FILE",
     "compare with this file (default: reference/NAME.json beside the experiment)"},
    {"--margin", "FRACTION", "more examples that do not matter (default 0.02)"},
    {"--junit", "FILE", "write the verdicts as JUnit XML too"},
    {"--update", NULL, "write the reference instead of comparing with it"},
    {"--results", "DIR", "where results go (default: results)"},
    {"--json", NULL, "for machines"},
    OPTION_END,
};

COMMAND_TYPE(check) = {
    .kind =
        {.name = "check",
         .summary = "regression gate: has training changed against the reference?",
         .detail =
             "Runs what is missing or was measured by another build, and compares the examples to "
             "the target,\n"
             "cell by cell. The same bits need no statistics; otherwise the verdict is same, "
             "slower, faster,\n"
             "missed or unknown, with its interval and how big a slowdown the seeds would have "
             "seen. `slower`\n"
             "means more than the margin beyond doubt; all cells together fail unchanged training "
             "in one check\n"
             "of twenty. slower, faster and missed end with exit code 3; `faster` until the "
             "reference is updated\n"
             "on purpose. Seeds that the reference has not: seeds=1000..1004. A reference wants "
             "at least twice\n"
             "the seeds of a check: --update seeds=10.\n"
             "A folder of imported runs is judged as it is, and needs --reference."},
    .usage = "EXPERIMENT.json [key.path=value ...] | IMPORTED --reference FILE",
    .options = options,
    .run = run_check,
};
