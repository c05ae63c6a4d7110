/* Accuracy against the global batch: does a method keep its accuracy when the batch grows? */
#include "lab/analyze/figure.h"
#include "lab/analyze/format.h"
#include "lab/base/text.h"

#include <math.h>
#include <string.h>

static const TableColumn columns[] = {
    {"line", "1"},        {"series", NULL},  {"global_batch", "examples"},
    {"best_valid", "1"},  {"best_low", "1"}, {"best_high", "1"},
    {"final_valid", "1"}, {"test", "1"},     {"test_low", "1"},
    {"test_high", "1"},   {"target", "1"},
};

static const char *missing(const Results *results, Arena *arena) {
    for (int i = 0; i < results->cells->n_cells; i++)
        if (isfinite(results->cells->cells[i].best_accuracy.median))
            return lines_flat(&results->lines, results->cells, arena);
    return results->cells->n_cells ? "no run was evaluated for its accuracy"
                                   : "no trial was trained to its end, only verify runs are here";
}

static bool aims_at_accuracy(const Cell *cell) {
    const char *metric = cell->first->header.metric;
    return cell->has_target && metric && strstr(metric, "accuracy");
}

static void add_row(Table *out, int line, const char *label, const Cell *cell) {
    table_number(out, line);
    table_text(out, label);
    table_number(out, (double)cell->global_batch);
    table_number(out, cell->best_accuracy.median);
    table_number(out, cell->best_accuracy.low);
    table_number(out, cell->best_accuracy.high);
    table_number(out, cell->final_accuracy.median);
    table_number(out, cell->test_accuracy.median);
    table_number(out, cell->test_accuracy.low);
    table_number(out, cell->test_accuracy.high);
    table_number(out, aims_at_accuracy(cell) ? cell->first->header.target : NAN);
}

static Table *table(const Results *results, Arena *arena) {
    Table *out = table_new("accuracy", columns, sizeof columns / sizeof *columns, arena);
    for (int l = 0; l < results->lines.n; l++)
        for (int i = 0; i < results->lines.line[l].n; i++)
            add_row(out, l + 1, results->lines.line[l].label, results->lines.line[l].cell[i]);
    return out;
}

static const char *caption(const Results *results, Arena *arena) {
    Text text = text_new(arena);
    bool stops = false;
    for (int i = 0; i < results->cells->n_cells; i++)
        stops |= aims_at_accuracy(&results->cells->cells[i]);
    text_add(&text, "Median over seeds, bars from the smallest to the largest: best validation "
                    "accuracy (left), and test "
                    "accuracy at that moment (right).");
    if (stops)
        text_add(&text,
                 " Runs stop at the target (dashed), so only those below it tell methods apart.");
    for (int l = 0; l < results->lines.n; l++) {
        const Line *line = &results->lines.line[l];
        const Cell *first = line->cell[0], *last = line->cell[line->n - 1];
        if (first == last || !isfinite(first->best_accuracy.median) ||
            !isfinite(last->best_accuracy.median))
            continue;
        text_add(&text, " %s: %.2f %% at B = %s, %.2f %% at B = %s.", line->label,
                 100 * first->best_accuracy.median,
                 format_count((double)first->global_batch, arena), 100 * last->best_accuracy.median,
                 format_count((double)last->global_batch, arena));
    }
    return text.data;
}

FIGURE_TYPE(accuracy) = {
    .kind = {.name = "accuracy",
             .summary = "Accuracy against the global batch, drawn as error",
             .detail = "A method holds as far as its line stays flat.",
             .reference = "Goyal et al. 2017, arXiv 1706.02677"},
    .missing = missing,
    .table = table,
    .caption = caption,
};
