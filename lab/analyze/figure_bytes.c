/* Accuracy against the bytes that a worker sends: what compression and local steps save. */
#include "lab/analyze/figure.h"
#include "lab/analyze/format.h"
#include "lab/base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_LINES = 12 };

static const TableColumn columns[] = {
    {"line", "1"},           {"series", NULL},         {"global_batch", "examples"},
    {"workers", "workers"},  {"examples", "examples"}, {"worker_bytes", "bytes"},
    {"valid_accuracy", "1"},
};

static double setting(const Cell *cell, const char *section, const char *key, double standard) {
    const Json *object = json_find(cell->first->config, section);
    const Json *value = object && object->kind == JSON_OBJECT ? json_find(object, key) : NULL;
    return value && value->kind == JSON_NUMBER ? value->number : standard;
}

static double workers_of(const Cell *cell) {
    const Json *workers = json_find(cell->first->config, "workers");
    return workers && workers->kind == JSON_NUMBER ? workers->number : 1;
}

static bool applies(const Cell *cell) {
    return workers_of(cell) > 1 && isfinite(cell->final_accuracy.median);
}

static const char *missing(const Results *results, Arena *arena) {
    (void)arena;
    for (int i = 0; i < results->cells->n_cells; i++)
        if (applies(&results->cells->cells[i]))
            return NULL;
    return results->cells->n_cells ? "no trial has several workers (trial.workers)"
                                   : "no trial was trained to its end, only verify runs are here";
}

/* "topk 0.01", "powersgd rank 2", "local, 8 steps", "whole gradients". */
static const char *method_of(const Cell *cell, Arena *arena) {
    const Json *compression = json_find(cell->first->config, "compression");
    const Json *name = compression ? json_find(compression, "name") : NULL;
    double period = setting(cell, "local", "period", 1);
    double after = setting(cell, "local", "after_epochs", 0);
    if (period > 1 && after > 0)
        return arena_print(arena, "post-local, %g steps", period);
    if (period > 1)
        return arena_print(arena, "local, %g steps", period);
    if (!name || name->kind != JSON_TEXT)
        return "whole gradients";
    double ratio = setting(cell, "compression", "ratio", NAN);
    double rank = setting(cell, "compression", "rank", NAN);
    const Json *feedback = json_find(compression, "feedback");
    bool forgets = feedback && feedback->kind == JSON_TEXT && strcmp(feedback->text, "none") == 0;
    const char *text = isfinite(ratio)  ? arena_print(arena, "%s %g", name->text, ratio)
                       : isfinite(rank) ? arena_print(arena, "%s rank %g", name->text, rank)
                                        : name->text;
    return forgets ? arena_print(arena, "%s, no feedback", text) : text;
}

/* The cells drawn, most bytes first. */
typedef struct Chosen {
    int n;
    const Cell *cell[MOST_LINES];
    bool several_batches;
} Chosen;

static int by_final_accuracy(const void *a, const void *b) {
    double x = (*(const RunRecord *const *)a)->summary.final_valid_accuracy;
    double y = (*(const RunRecord *const *)b)->summary.final_valid_accuracy;
    return (x > y) - (x < y);
}

/* The (lower) median of the seeds by final accuracy. */
static const RunRecord *typical(const Cell *cell, Arena *arena) {
    const RunRecord **runs = ARENA_ARRAY(arena, const RunRecord *, cell->n_trials);
    memcpy(runs, cell->runs, sizeof *runs * (size_t)cell->n_trials);
    qsort(runs, (size_t)cell->n_trials, sizeof *runs, by_final_accuracy);
    return runs[(cell->n_trials - 1) / 2];
}

static double bytes_of(const RunRecord *run) {
    return run->n_evals ? run->evals[run->n_evals - 1].worker_bytes : NAN;
}

static int by_bytes(const void *a, const void *b) {
    double x = bytes_of((*(const Cell *const *)a)->first);
    double y = bytes_of((*(const Cell *const *)b)->first);
    return (x < y) - (x > y);
}

static Chosen choose(const Results *results) {
    Chosen chosen = {0};
    for (int i = 0; i < results->cells->n_cells && chosen.n < MOST_LINES; i++) {
        const Cell *cell = &results->cells->cells[i];
        if (!applies(cell))
            continue;
        chosen.cell[chosen.n++] = cell;
        chosen.several_batches |= cell->global_batch != chosen.cell[0]->global_batch;
    }
    qsort(chosen.cell, (size_t)chosen.n, sizeof chosen.cell[0], by_bytes);
    return chosen;
}

static const char *label_of(const Chosen *chosen, int i, Arena *arena) {
    const Cell *cell = chosen->cell[i];
    const char *method = method_of(cell, arena);
    return chosen->several_batches
               ? arena_print(arena, "%s, B %lld", method, (long long)cell->global_batch)
               : method;
}

static Table *table(const Results *results, Arena *arena) {
    Table *out = table_new("bytes", columns, sizeof columns / sizeof *columns, arena);
    Chosen chosen = choose(results);
    for (int i = 0; i < chosen.n; i++) {
        const Cell *cell = chosen.cell[i];
        const RunRecord *run = typical(cell, arena);
        for (int e = 0; e < run->n_evals; e++) {
            table_number(out, i + 1);
            table_text(out, label_of(&chosen, i, arena));
            table_number(out, (double)cell->global_batch);
            table_number(out, workers_of(cell));
            table_number(out, (double)run->evals[e].examples);
            table_number(out, run->evals[e].worker_bytes);
            table_number(out, run->evals[e].valid_accuracy);
        }
    }
    return out;
}

static const char *format_bytes(double bytes, Arena *arena) {
    return bytes >= 1e9   ? arena_print(arena, "%.3g GB", bytes / 1e9)
           : bytes >= 1e6 ? arena_print(arena, "%.3g MB", bytes / 1e6)
                          : arena_print(arena, "%.3g kB", bytes / 1e3);
}

static const char *caption(const Results *results, Arena *arena) {
    Text text = text_new(arena);
    Chosen chosen = choose(results);
    text_add(&text, "What one worker with a replica of its own sends from step 0 on; one run a "
                    "method, the seed with the median accuracy. At the end, median over seeds:");
    for (int i = 0; i < chosen.n; i++)
        text_add(&text, "%s %s %.2f %% after %s", i ? "," : "", label_of(&chosen, i, arena),
                 100 * chosen.cell[i]->final_accuracy.median,
                 format_bytes(bytes_of(typical(chosen.cell[i], arena)), arena));
    text_add(&text, ".");
    return text.data;
}

FIGURE_TYPE(bytes) = {
    .kind = {.name = "bytes",
             .summary = "Accuracy against bytes sent",
             .detail = "Up and to the left is better: as accurate with less traffic. All lines "
                       "see as many examples.",
             .reference = "Vogels, Karimireddy, Jaggi 2019, arXiv 1905.13727"},
    .missing = missing,
    .table = table,
    .caption = caption,
};
