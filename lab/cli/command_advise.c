#include "lab/cli/command.h"

#include "lab/analyze/figure.h"
#include "lab/base/io.h"
#include "lab/cli/folder.h"
#include "lab/store/calibration.h"

#include <stdio.h>
#include <string.h>

/* Vectors of the study, for which memory is calibrated: the weights of its first run. */
static double vector_bytes(const Results *results) {
    return 4.0 * (double)results->runs[0].header.n_weights;
}

static Error *cluster_of(Cluster *out, const CommandLine *line, const Results *results,
                         const char *folders, Arena *arena) {
    const char *file = command_option(line, "--calibration");
    if (!file)
        file = calibration_path(folders, calibration_host(arena), arena);
    return cluster_load(out, command_option(line, "--cluster"), file, vector_bytes(results), arena);
}

/* The report draws the map for the same cluster from now on. */
static Error *leave_cluster(const Cluster *cluster, const char *folder, Arena *arena) {
    const char *text = json_pretty(cluster_write(cluster, arena), arena);
    return io_write_as(IO_DERIVED, arena_print(arena, "%s/cluster.json", folder), text,
                       strlen(text));
}

static Error *draw(const Results *results, const char *folder, Arena *arena) {
    const FigureType *type = (const FigureType *)figure_table[FIGURE_ID_advice];
    const char *tables = arena_print(arena, "%s/tables", folder);
    PASS(io_folder(tables));
    PASS(table_write(type->table(results, arena), tables, arena));
    return figure_draw(&type, 1, folder, "svg", arena);
}

static Error *refusal(const Advice *advice) {
    Error *error = error_new(CODE_MISSING, "the study cannot say which batch: %s", advice->missing);
    return advice->hint ? error_hint(error, "%s", advice->hint) : error;
}

static Error *run_advise(const CommandLine *line, int *code, Arena *arena) {
    (void)code;
    const char *word, *folder, *where = command_option(line, "--results");
    const char *folders = where ? where : "results";
    Results *results;
    Cluster cluster;
    bool named = command_option(line, "--cluster") != NULL;
    PASS(command_one_word(&word, line, &command_advise, "results folder or experiment file"));
    PASS(folder_find(&folder, word, folders, arena));
    PASS(results_load(&results, folder, arena));
    if (named)
        PASS(cluster_of(&cluster, line, results, folders, arena));
    results->advice =
        results_advise(results, named ? &cluster : NULL, command_option(line, "--line"), arena);
    if (results->advice.missing)
        return refusal(&results->advice);
    bool json = command_option(line, "--json") != NULL;
    printf("%s", json ? json_pretty(advice_json(&results->advice, arena), arena)
                      : advice_text(&results->advice, arena));
    fflush(stdout);
    if (named)
        PASS(leave_cluster(&cluster, folder, arena));
    PASS(draw(results, folder, arena));
    if (!json)
        printf("\n%s/figures/advice.svg\n", folder_relative(folder, arena));
    return NULL;
}

static const Option options[] = {
    {"--cluster", "NAME", "a file, or one of experiments/clusters (default: the study's machine)"},
    {"--line", "LABEL", "of several optimizers this one (default: whichever is fastest)"},
    {"--calibration", "FILE",
     "numbers that the cluster leaves out (default: results/calibration/<host>.h5)"},
    {"--json", NULL, "for machines"},
    {"--results", "DIR", "where results are when an experiment file is given (default: results)"},
    OPTION_END,
};

COMMAND_TYPE(advise) = {
    .kind = {.name = "advise",
             .summary = "which global batch and how many replicas to use, and why",
             .detail =
                 "Steps to the target at every batch, from the study's curve, times the seconds of "
                 "a step on every\n"
                 "number of replicas, from its measured layouts and the cluster's network: the "
                 "fastest choice, the\n"
                 "fastest with an efficiency of at least 80 %, the cheapest; with 90 % intervals "
                 "and what was assumed.\n"
                 "Draws the map into figures/advice.svg. Without --cluster: the study's own "
                 "machine."},
    .usage = "RESULTS | EXPERIMENT.json [--cluster NAME]",
    .options = options,
    .run = run_advise,
};
