#include "lab/analyze/mlperf.h"

#include "lab/base/text.h"
#include "lab/train/metric.h"

#include <math.h>
#include <string.h>

/* What the runs say, each text once: "Xeon, 2 cores and Zen, 8 cores". */
static const char *each_once(const Cell *cell,
                             const char *(*say)(const RunRecord *run, Arena *arena), Arena *arena) {
    Text out = text_new(arena);
    const char **seen = ARENA_ARRAY(arena, const char *, cell->n_trials + 1);
    int n = 0;
    for (int i = 0; i < cell->n_trials; i++) {
        const char *text = say(cell->runs[i], arena);
        bool known = false;
        for (int k = 0; k < n; k++)
            known |= strcmp(seen[k], text) == 0;
        if (known)
            continue;
        text_add(&out, "%s%s", n ? " and " : "", text);
        seen[n++] = text;
    }
    return out.data;
}

static const char *commit_of(const RunRecord *run, Arena *arena) {
    (void)arena;
    const Json *commit =
        run->header.provenance ? json_find(run->header.provenance, "git_commit") : NULL;
    return commit && commit->kind == JSON_TEXT ? commit->text : "unknown";
}

/* When the last of its runs ended. */
static const char *when(const Cell *cell) {
    const char *last = "";
    for (int i = 0; i < cell->n_trials; i++)
        if (strcmp(cell->runs[i]->end_utc, last) > 0)
            last = cell->runs[i]->end_utc;
    return *last ? last : "unknown";
}

static const char *target_sentence(const Cell *cell, Arena *arena) {
    const RunHeader *header = &cell->first->header;
    char room[JSON_NUMBER_ROOM];
    bool larger = metric_is_share(metric_find(header->metric));
    return arena_print(arena, "%s %s %s", header->metric,
                       larger ? ">=" : "<=", json_number_text(header->target, room));
}

static const char *chosen_text(const SearchCell *search, Arena *arena) {
    return arena_print(arena,
                       "the best of %d %s points (point %d); its reruns with fresh seeds are here, "
                       "the points are not",
                       search->n_points, search->search.algorithm, search->best->index);
}

static const char *seed_text(const RunRecord *run, Arena *arena) {
    return arena_print(arena, "%llu", (unsigned long long)run->header.seed);
}

/* NaN: it did not get there. */
static double needed_by(const RunRecord *run) {
    return run->summary.outcome == OUTCOME_REACHED ? run->summary.examples_to_target : NAN;
}

/* Lists of equal length and order, for those that reached the target. */
static void add_converged(Json *record, const Cell *cell, Arena *arena) {
    Json *epochs = json_add(record, "Epochs to converge", json_array(arena), arena);
    Json *examples = json_add(record, "Examples to converge", json_array(arena), arena);
    Json *seeds = json_add(record, "Seeds", json_array(arena), arena);
    Json *digests = json_add(record, "Trajectories", json_array(arena), arena);
    for (int i = 0; i < cell->n_trials; i++) {
        const RunRecord *run = cell->runs[i];
        double needed = needed_by(run);
        if (!isfinite(needed))
            continue;
        json_add(epochs, NULL, json_number(mlperf_epochs(run, needed), arena), arena);
        json_add(examples, NULL, json_number(needed, arena), arena);
        json_add(seeds, NULL, json_text(seed_text(run, arena), arena), arena);
        json_add(digests, NULL, json_text(run->trajectory_sha256, arena), arena);
    }
}

static void add_missed(Json *record, const Cell *cell, Arena *arena) {
    Json *list = json_add(record, "Not converged", json_array(arena), arena);
    for (int i = 0; i < cell->n_trials; i++) {
        const RunRecord *run = cell->runs[i];
        if (isfinite(needed_by(run)))
            continue;
        Json *one = json_add(list, NULL, json_object(arena), arena);
        json_add_text(one, "seed", seed_text(run, arena), arena);
        json_add_text(one, "outcome", point_end_name(point_end(run)), arena);
        double seen = run->n_steps ? (double)run->steps[run->n_steps - 1].examples : 0;
        json_add_number(one, "epochs", mlperf_epochs(run, seen), arena);
    }
}

/* MLPerf's keys first, in the order of its files; then ours, which its checker does not look at. */
static Json *record_of(const MlperfCell *entry, Arena *arena) {
    const Cell *cell = entry->cell;
    bool imported = strcmp(cell->first->header.collective, "imported") == 0;
    Json *record = json_object(arena);
    json_add_text(record, "Benchmark", entry->benchmark, arena);
    json_add_text(record, "Creator", each_once(cell, mlperf_creator, arena), arena);
    json_add_text(record, "When", when(cell), arena);
    json_add_text(record, "Platform", each_once(cell, mlperf_platform, arena), arena);
    json_add_text(record, "Precision", imported ? "unknown" : "FP32", arena);
    json_add_number(record, "BS", (double)cell->global_batch, arena);
    json_add(record, "Hyperparams", mlperf_hyperparams(cell->first, arena), arena);
    add_converged(record, cell, arena);
    add_missed(record, cell, arena);
    json_add_text(record, "Target", target_sentence(cell, arena), arena);
    if (cell->search)
        json_add_text(record, "Chosen", chosen_text(cell->search, arena), arena);
    json_add_number(record, "Examples per epoch", (double)cell->first->header.n_train, arena);
    json_add_text(record, "Commit", each_once(cell, commit_of, arena), arena);
    json_add(record, "Settings", json_copy(cell->first->config, arena), arena);
    return record;
}

Error *mlperf_records(Json **out, const Mlperf *mlperf, Arena *arena) {
    *out = json_object(arena);
    for (int i = 0; i < mlperf->n; i++)
        if (mlperf->cell[i].cell->n_of[OUTCOME_REACHED] > 0)
            json_add(*out, mlperf->cell[i].name, record_of(&mlperf->cell[i], arena), arena);
    if ((*out)->n == 0)
        return error_hint(error_new(CODE_USAGE, "no run reached its target, so there is no record"),
                          "%s", mlperf->note[0]);
    return NULL;
}
