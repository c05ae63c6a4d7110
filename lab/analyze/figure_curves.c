/* Loss and accuracy on the validation split against examples seen. */
#include "lab/analyze/figure.h"
#include "lab/analyze/format.h"
#include "lab/analyze/lines.h"
#include "lab/analyze/quality.h"
#include "lab/base/text.h"
#include "lab/train/metric.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PANELS 4

static const TableColumn columns[] = {
    {"panel", "1"},
    {"series", NULL},
    {"line", "1"},
    {"global_batch", "examples"},
    {"seed", "1"},
    {"step", "steps"},
    {"examples", "examples"},
    {"valid_loss", "nat"},
    {"valid_accuracy", "1"},
    {"target_loss", "nat"},
    {"target_accuracy", "1"},
};

static const char *missing(const Results *results, Arena *arena) {
    (void)arena;
    for (int i = 0; i < results->cells->n_cells; i++)
        for (int r = 0; r < results->cells->cells[i].n_trials; r++)
            if (results->cells->cells[i].runs[r]->n_evals > 0)
                return NULL;
    return results->cells->n_cells ? "no run was evaluated"
                                   : "no trial was trained to its end, only verify runs are here";
}

/* Later is worse: examples to the target, or never. */
static double lateness(const RunRecord *run) {
    double examples = run->summary.examples_to_target;
    if (run->n_evals == 0)
        return INFINITY;
    return run->summary.outcome == OUTCOME_REACHED && isfinite(examples) ? examples : 1e300;
}

static int by_lateness(const void *a, const void *b) {
    const RunRecord *x = *(const RunRecord *const *)a, *y = *(const RunRecord *const *)b;
    double p = lateness(x), q = lateness(y);
    if (p != q)
        return (p > q) - (p < q);
    return (x->header.seed > y->header.seed) - (x->header.seed < y->header.seed);
}

/* The run that stands for a cell: the (lower) median in examples to the target. A real run, since a
 * mean over seeds that stop at different moments jumps where one leaves. */
static const RunRecord *typical(const Cell *cell, Arena *arena) {
    const RunRecord **runs = ARENA_ARRAY(arena, const RunRecord *, cell->n_trials);
    memcpy(runs, cell->runs, sizeof *runs * (size_t)cell->n_trials);
    qsort(runs, (size_t)cell->n_trials, sizeof *runs, by_lateness);
    const RunRecord *run = runs[(cell->n_trials - 1) / 2];
    return run->n_evals ? run : runs[0];
}

static double target_accuracy(const RunHeader *header) {
    bool aims = header->metric && metric_find(header->metric) == METRIC_VALID_ACCURACY;
    return aims ? header->target : NAN;
}

/* In nat, as the loss is. */
static double target_loss(const RunHeader *header) {
    Metric metric = header->metric ? metric_find(header->metric) : METRIC_N;
    return metric == METRIC_VALID_LOSS            ? header->target
           : metric == METRIC_VALID_BITS_PER_BYTE ? header->target * log(2)
                                                  : NAN;
}

static void add_run(Table *out, int panel, const char *label, int line, const RunRecord *run) {
    const RunHeader *header = &run->header;
    for (int e = 0; e < run->n_evals; e++) {
        const EvalRow *row = &run->evals[e];
        table_number(out, panel);
        table_text(out, label);
        table_number(out, line);
        table_number(out, (double)header->global_batch);
        table_number(out, (double)header->seed);
        table_number(out, (double)row->step);
        table_number(out, (double)row->examples);
        table_number(out, row->valid_loss);
        table_number(out, row->valid_accuracy);
        table_number(out, target_loss(header));
        table_number(out, target_accuracy(header));
    }
}

static Table *table(const Results *results, Arena *arena) {
    Table *out = table_new("curves", columns, sizeof columns / sizeof *columns, arena);
    Lines lines = results->lines;
    int64_t batches[LINES_MAX];
    int n = lines_batches(batches, &lines, MAX_PANELS, arena), panel = 0;
    for (int l = 0; l < lines.n && l < MAX_PANELS; l++) {
        int64_t before = out->n_values;
        for (int i = 0; i < n; i++) {
            const Cell *cell = line_at(&lines.line[l], batches[i]);
            if (cell)
                add_run(out, panel + 1, lines.line[l].label, i + 1, typical(cell, arena));
        }
        panel += out->n_values > before;
    }
    return out;
}

static const char *caption(const Results *results, Arena *arena) {
    Text text = text_new(arena);
    Lines lines = results->lines;
    text_add(&text, "One run per global batch: the seed with the median number of examples to the "
                    "target. Dashed: the "
                    "target.");
    const char *before = NULL;
    for (int l = 0; l < lines.n && l < MAX_PANELS; l++) {
        const Line *line = &lines.line[l];
        const Cell *best = NULL;
        for (int i = 0; i < line->n; i++)
            if (isfinite(quality_best(line->cell[i])) &&
                (!best || quality_is_better(line->cell[i], best)))
                best = line->cell[i];
        if (!best)
            continue;
        if (!before)
            text_add(&text, " Best %s, median over seeds:", quality_noun(best));
        text_add(&text, "%s %s %s at B = %s", before ? before : "", line->label,
                 quality_text(best, arena), format_count((double)best->global_batch, arena));
        before = ",";
    }
    if (before)
        text_add(&text, ".");
    return text.data;
}

FIGURE_TYPE(curves) = {
    .kind =
        {.name = "curves",
         .summary = "Validation loss and accuracy against examples seen",
         .detail =
             "Curves that lie on each other use their examples equally well, whatever the batch."},
    .missing = missing,
    .table = table,
    .caption = caption,
};
