/* Which cells can be references, and what they are called. */
#include "lab/analyze/mlperf.h"

#include "lab/analyze/format.h"
#include "lab/base/text.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

double mlperf_epochs(const RunRecord *run, double examples) {
    return examples / (double)run->header.n_train;
}

static const Json *told(const RunRecord *run, const char *key) {
    return run->header.provenance ? json_find(run->header.provenance, key) : NULL;
}

static const char *told_text(const RunRecord *run, const char *key) {
    const Json *value = told(run, key);
    return value && value->kind == JSON_TEXT ? value->text : NULL;
}

const char *mlperf_creator(const RunRecord *run, Arena *arena) {
    const char *from = told_text(run, "imported_from"), *version = told_text(run, "version");
    return from ? arena_print(arena, "imported from %s", from)
                : arena_print(arena, "batchlab%s%s", version ? " " : "", version ? version : "");
}

const char *mlperf_platform(const RunRecord *run, Arena *arena) {
    const char *cpu = told_text(run, "cpu"), *isa = told_text(run, "isa");
    const Json *cores = told(run, "cores");
    if (!cpu)
        return "unknown";
    Text out = text_new(arena);
    text_add(&out, "%s", cpu);
    if (cores && cores->kind == JSON_NUMBER)
        text_add(&out, ", %s", format_plural(cores->number, "core", arena));
    if (isa)
        text_add(&out, ", %s", isa);
    return out.data;
}

/* "momentum, scaling linear" -> "momentum_scaling_linear": a part of a name and of a path. */
static const char *slug(const char *label, Arena *arena) {
    Text out = text_new(arena);
    for (const char *c = label; *c; c++) {
        if (isalnum((unsigned char)*c) || *c == '.' || *c == '-')
            text_add_n(&out, c, 1);
        else if (out.n && out.data[out.n - 1] != '_')
            text_add_n(&out, "_", 1);
    }
    return out.data;
}

/* ---- what is left out, and what is said of the rest */

/* NULL when the cell can be a reference. */
static const char *obstacle(const Cell *cell) {
    if (!cell->has_target)
        return "it has no target";
    if (cell->first->header.n_train <= 0)
        return "the size of its training set is unknown, so there are no epochs; give n_train on "
               "the imported lines";
    if (cell->selected)
        return "its one run is a point of a search, chosen because it looked best; "
               "search.rerun_seeds trains it again with fresh seeds";
    return NULL;
}

static void note(Mlperf *out, const char *label, const Cell *cell, const char *what, Arena *arena) {
    out->note[out->n_notes++] =
        arena_print(arena, "%s, B = %lld: %s", label, (long long)cell->global_batch, what);
}

/* "seed 2 diverged, seed 4 missed" */
static const char *named_misses(const Cell *cell, int *n_missed, Arena *arena) {
    Text out = text_new(arena);
    *n_missed = 0;
    for (int i = 0; i < cell->n_trials; i++) {
        const RunRecord *run = cell->runs[i];
        if (run->summary.outcome == OUTCOME_REACHED)
            continue;
        text_add(&out, "%sseed %llu %s", out.n ? ", " : "", (unsigned long long)run->header.seed,
                 point_end_name(point_end(run)));
        ++*n_missed;
    }
    return out.data;
}

static void note_misses(Mlperf *out, const char *label, const Cell *cell, Arena *arena) {
    int n_missed;
    const char *names = named_misses(cell, &n_missed, arena);
    if (n_missed == cell->n_trials)
        note(out, label, cell,
             arena_print(arena, "no run reached the target (%s), so it has no record", names),
             arena);
    else if (n_missed > 0)
        note(out, label, cell,
             arena_print(arena,
                         "%d of %s did not reach the target (%s); the record lists the "
                         "others, so its mean is too low",
                         n_missed, format_plural(cell->n_trials, "run", arena), names),
             arena);
}

/* ---- the cells */

static const char *unlike_others(const Mlperf *out, const char *wanted, Arena *arena) {
    const char *name = wanted;
    for (int i = 0, k = 2; i < out->n; i++)
        if (strcmp(out->cell[i].name, name) == 0) {
            name = arena_print(arena, "%s_%d", wanted, k++);
            i = -1;
        }
    return name;
}

static void add_series(Mlperf *out, const Series *series, const char *benchmark, Arena *arena) {
    for (int i = 0; i < series->n_cells; i++) {
        const Cell *cell = &series->cells[i];
        const char *why_not = obstacle(cell);
        if (why_not) {
            note(out, series->label, cell, arena_print(arena, "left out: %s", why_not), arena);
            continue;
        }
        note_misses(out, series->label, cell, arena);
        const char *name = unlike_others(
            out, arena_print(arena, "%s_ref_%lld", benchmark, (long long)cell->global_batch),
            arena);
        out->cell[out->n++] = (MlperfCell){
            .cell = cell, .label = series->label, .benchmark = benchmark, .name = name};
    }
}

static Error *check_series(const Cells *cells, const char *series, Arena *arena) {
    const char **labels = ARENA_ARRAY(arena, const char *, cells->n_series + 1);
    for (int s = 0; s < cells->n_series; s++) {
        labels[s] = cells->series[s].label;
        if (strcmp(labels[s], series) == 0)
            return NULL;
    }
    return error_hint(error_new(CODE_USAGE, "there is no series '%s'", series), "there %s %s",
                      cells->n_series == 1 ? "is" : "are",
                      format_list(labels, cells->n_series, arena));
}

/* The checker takes the first record of a batch, and would not see a second one. */
static Error *check_unique(const Mlperf *out, const char *benchmark) {
    for (int i = 0; i < out->n; i++)
        for (int j = 0; j < i; j++)
            if (out->cell[i].cell->global_batch == out->cell[j].cell->global_batch)
                return error_hint(
                    error_new(CODE_USAGE,
                              "the benchmark '%s' would have two records of batch %lld: %s and %s",
                              benchmark, (long long)out->cell[i].cell->global_batch,
                              out->cell[j].label, out->cell[i].label),
                    "choose one of them: --series '%s'", out->cell[j].label);
    return NULL;
}

Error *mlperf_make(Mlperf *out, const Results *results, const char *series, const char *benchmark,
                   Arena *arena) {
    const Cells *cells = results->cells;
    *out = (Mlperf){.cell = ARENA_ARRAY(arena, MlperfCell, cells->n_cells + 1),
                    .note = ARENA_ARRAY(arena, const char *, cells->n_cells + 1)};
    if (series)
        PASS(check_series(cells, series, arena));
    for (int s = 0; s < cells->n_series; s++) {
        const char *label = cells->series[s].label, *name = benchmark;
        if (series && strcmp(series, label) != 0)
            continue;
        if (!name)
            name = cells->n_series == 1
                       ? results->name
                       : arena_print(arena, "%s_%s", results->name, slug(label, arena));
        add_series(out, &cells->series[s], name, arena);
    }
    if (out->n == 0)
        return error_hint(
            error_new(CODE_USAGE, "no cell can be a reference convergence point"), "%s",
            out->n_notes ? out->note[0] : "full runs of a trial with a target are needed");
    return benchmark ? check_unique(out, benchmark) : NULL;
}
