#include "lab/analyze/results.h"

#include "lab/base/io.h"

#include <string.h>

Results *results_make(const char *name, const char *question, const RunRecord *runs, int n,
                      Arena *arena) {
    Results *out = ARENA_NEW(arena, Results);
    *out = (Results){.name = name, .question = question, .n_runs = n, .runs = runs};
    if (!out->name)
        out->name = n && runs[0].header.experiment ? runs[0].header.experiment : "experiment";
    if (!out->question)
        out->question = n && runs[0].header.question ? runs[0].header.question : "";
    out->cells = cells_make(runs, n, arena);
    out->lines = lines_make(out->cells, arena);
    out->criticals = critical_make(&out->lines, arena);
    out->targets = targets_make(&out->lines, &out->criticals, NULL, arena);
    out->brancheds = branched_make(runs, n, out->cells, NULL, arena);
    out->tuned = tuned_make(&out->lines, arena);
    out->claims = claims_make(&out->lines, arena);
    out->timings = timings_make(runs, n, arena);
    out->scaling = scaling_make(&out->timings, arena);
    out->advice = results_advise(out, NULL, NULL, arena);
    out->invariance = invariance_make(runs, n, arena);
    return out;
}

Error *results_ask(Results *results, const TargetsAsked *asked, Arena *arena) {
    PASS(targets_check(&results->lines, asked));
    results->targets = targets_make(&results->lines, &results->criticals, asked, arena);
    return NULL;
}

Advice results_advise(const Results *results, const Cluster *cluster, const char *label,
                      Arena *arena) {
    AdviceStudy study = {&results->lines, &results->criticals, &results->timings,
                         &results->scaling};
    return advice_make(&study, cluster, label, arena);
}

/* `advise` leaves what it was asked for. */
static Error *read_cluster(Results *out, const char *folder, Arena *arena) {
    const char *path = arena_print(arena, "%s/cluster.json", folder);
    Json *object;
    Cluster cluster;
    if (!io_exists(path))
        return NULL;
    TRY(json_load(&object, path, arena), "reading the cluster of '%s'", folder);
    TRY(cluster_read(&cluster, object, arena), "reading the cluster of '%s'", folder);
    out->advice = results_advise(out, &cluster, NULL, arena);
    return NULL;
}

static const char *text_at(const Json *root, const char *key) {
    const Json *value = root ? json_find(root, key) : NULL;
    return value && value->kind == JSON_TEXT ? value->text : NULL;
}

Error *results_from(Results **out, const char *folder, const RunRecord *runs, int n, Arena *arena) {
    const char *path = arena_print(arena, "%s/experiment.json", folder);
    Json *experiment = NULL;
    if (n == 0)
        return error_hint(error_new(CODE_MISSING, "'%s' holds no run yet", folder),
                          "`batchlab run` on its experiment file makes some");
    if (io_exists(path))
        TRY(json_load(&experiment, path, arena), "reading the experiment of '%s'", folder);
    *out = results_make(text_at(experiment, "experiment"), text_at(experiment, "question"), runs, n,
                        arena);
    if (experiment && json_find(experiment, "branch"))
        (*out)->brancheds =
            branched_make(runs, n, (*out)->cells, json_find(experiment, "branch"), arena);
    return read_cluster(*out, folder, arena);
}

Error *results_load(Results **out, const char *folder, Arena *arena) {
    if (!io_is_folder(folder))
        return error_hint(error_new(CODE_MISSING, "there is no results folder '%s'", folder),
                          "`batchlab run experiments/NAME.json` makes results/NAME");
    RunRecord *runs = NULL;
    int n = 0;
    TRY(run_load_all(&runs, &n, folder, arena), "reading the runs of '%s'", folder);
    return results_from(out, folder, runs, n, arena);
}
