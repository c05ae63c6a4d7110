/* Accuracy, and examples to the target, against the mini-batch at a fixed global batch: what batch
 * norm makes of the span of its statistics. */
#include "lab/analyze/figure.h"
#include "lab/analyze/format.h"
#include "lab/base/text.h"

#include <math.h>

static const TableColumn columns[] = {
    {"line", "1"},
    {"series", NULL},
    {"global_batch", "examples"},
    {"mini_batch", "examples"},
    {"best_valid", "1"},
    {"best_low", "1"},
    {"best_high", "1"},
    {"test", "1"},
    {"test_low", "1"},
    {"test_high", "1"},
    {"examples", "examples"},
    {"examples_low", "examples"},
    {"examples_high", "examples"},
    {"trials", "1"},
    {"reached", "1"},
};

static const char *missing(const Results *results, Arena *arena) {
    Lines lines = lines_by_mini_batch(results->cells, arena);
    for (int l = 0; l < lines.n; l++)
        for (int i = 0; i < lines.line[l].n; i++)
            if (isfinite(lines.line[l].cell[i]->best_accuracy.median))
                return NULL;
    return results->cells->n_cells == 0
               ? "no trial was trained to its end, only verify runs are here"
           : lines.n ? "no run was evaluated for its accuracy"
                     : "at no global batch several mini-batches were trained (trial.mini_batch)";
}

static void add_spread(Table *out, const Spread *spread) {
    table_number(out, spread->median);
    table_number(out, spread->low);
    table_number(out, spread->high);
}

static Table *table(const Results *results, Arena *arena) {
    Table *out = table_new("mini_batch", columns, sizeof columns / sizeof *columns, arena);
    Lines lines = lines_by_mini_batch(results->cells, arena);
    for (int l = 0; l < lines.n; l++)
        for (int i = 0; i < lines.line[l].n; i++) {
            const Cell *cell = lines.line[l].cell[i];
            table_number(out, l + 1);
            table_text(out, lines.line[l].label);
            table_number(out, (double)cell->global_batch);
            table_number(out, (double)cell->mini_batch);
            add_spread(out, &cell->best_accuracy);
            add_spread(out, &cell->test_accuracy);
            add_spread(out, &cell->examples);
            table_number(out, cell->n_trials);
            table_number(out, cell->n_of[OUTCOME_REACHED]);
        }
    return out;
}

/* The ends of a line, and its best point where that is neither. */
static void tell_line(Text *text, const Line *line, Arena *arena) {
    int best = -1;
    for (int i = 0; i < line->n; i++) {
        double accuracy = line->cell[i]->best_accuracy.median;
        if (isfinite(accuracy) && (best < 0 || accuracy > line->cell[best]->best_accuracy.median))
            best = i;
    }
    text_add(text, " %s:", line->label);
    const char *separator = "";
    for (int i = 0; i < line->n; i++) {
        const Cell *cell = line->cell[i];
        if ((i > 0 && i < line->n - 1 && i != best) || !isfinite(cell->best_accuracy.median))
            continue;
        text_add(text, "%s %.2f %% at b = %s", separator, 100 * cell->best_accuracy.median,
                 format_count((double)cell->mini_batch, arena));
        separator = ",";
    }
    text_add(text, *separator ? "." : " diverged.");
}

static const char *caption(const Results *results, Arena *arena) {
    Text text = text_new(arena);
    Lines lines = lines_by_mini_batch(results->cells, arena);
    bool reached = false;
    for (int l = 0; l < lines.n; l++)
        for (int i = 0; i < lines.line[l].n; i++)
            reached |= isfinite(lines.line[l].cell[i]->examples.median);
    text_add(&text,
             "Median over seeds, bars from the smallest to the largest: best validation accuracy "
             "(left), and %s (right). Everything else, the global batch B of a line too, is the "
             "same along it. Best validation accuracy:",
             reached ? "examples to the target" : "test accuracy at that moment");
    for (int l = 0; l < lines.n; l++)
        tell_line(&text, &lines.line[l], arena);
    if (lines.n_left_out)
        text_add(&text, " %d more lines are left out.", lines.n_left_out);
    return text.data;
}

FIGURE_TYPE(mini_batch) = {
    .kind = {.name = "mini_batch",
             .summary = "Error against the mini-batch, at a fixed global batch",
             .detail =
                 "A flat line: only the global batch matters. Batch norm takes its statistics "
                 "over the mini-batch, so its lines bend where these are too noisy, or where "
                 "their noise was of use.",
             .reference = "Hoffer, Hubara, Soudry 2017, arXiv 1705.08741"},
    .missing = missing,
    .table = table,
    .caption = caption,
};
