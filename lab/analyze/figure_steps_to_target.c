/* Steps to the target against the global batch: the figure of Shallue et al. 2019. */
#include "lab/analyze/figure.h"
#include "lab/analyze/format.h"
#include "lab/analyze/lines.h"
#include "lab/base/text.h"

#include <math.h>

static const TableColumn columns[] = {
    {"line", "1"},
    {"series", NULL},
    {"global_batch", "examples"},
    {"trials", "1"},
    {"reached", "1"},
    {"missed", "1"},
    {"diverged", "1"},
    {"steps_median", "steps"},
    {"steps_low", "steps"},
    {"steps_high", "steps"},
    {"examples_median", "examples"},
    {"examples_low", "examples"},
    {"examples_high", "examples"},
};

static const char *missing(const Results *results, Arena *arena) {
    bool has_target = false, reached = false;
    for (int i = 0; i < results->cells->n_cells; i++) {
        has_target |= results->cells->cells[i].has_target;
        reached |= results->cells->cells[i].n_of[OUTCOME_REACHED] > 0;
    }
    if (results->cells->n_cells == 0)
        return "no trial was trained to its end, only verify runs are here";
    if (!has_target)
        return "the experiment sets no target (trial.stop.metric and trial.stop.target)";
    return reached ? lines_flat(&results->lines, results->cells, arena)
                   : "no trial reached the target";
}

static void add_row(Table *table, int line, const char *label, const Cell *cell) {
    table_number(table, line);
    table_text(table, label);
    table_number(table, (double)cell->global_batch);
    table_number(table, cell->n_trials);
    table_number(table, cell->n_of[OUTCOME_REACHED]);
    table_number(table, cell->n_of[OUTCOME_BUDGET_SPENT]);
    table_number(table, cell->n_of[OUTCOME_DIVERGED]);
    table_number(table, cell->steps.median);
    table_number(table, cell->steps.low);
    table_number(table, cell->steps.high);
    table_number(table, cell->examples.median);
    table_number(table, cell->examples.low);
    table_number(table, cell->examples.high);
}

static Table *table(const Results *results, Arena *arena) {
    Table *out = table_new("steps_to_target", columns, sizeof columns / sizeof *columns, arena);
    Lines lines = results->lines;
    for (int l = 0; l < lines.n; l++)
        for (int i = 0; i < lines.line[l].n; i++)
            add_row(out, l + 1, lines.line[l].label, lines.line[l].cell[i]);
    return out;
}

/* "momentum 1,400 to 62 (22.6 times fewer for a batch 64 times as large)" */
static void describe(Text *text, const Line *line, Arena *arena) {
    const Cell *first = NULL, *last = NULL;
    for (int i = 0; i < line->n; i++) {
        if (!isfinite(line->cell[i]->steps.median))
            continue;
        first = first ? first : line->cell[i];
        last = line->cell[i];
    }
    if (!first || first == last)
        return;
    text_add(
        text,
        " %s: %s steps at B = %s, %s at B = %s (%s times fewer for a batch %s times as large).",
        line->label, format_count(first->steps.median, arena),
        format_count((double)first->global_batch, arena), format_count(last->steps.median, arena),
        format_count((double)last->global_batch, arena),
        format_number(first->steps.median / last->steps.median, arena),
        format_number((double)last->global_batch / (double)first->global_batch, arena));
}

static const char *caption(const Results *results, Arena *arena) {
    Text text = text_new(arena);
    Lines lines = results->lines;
    int most = 0;
    for (int i = 0; i < results->cells->n_cells; i++)
        most = results->cells->cells[i].n_trials > most ? results->cells->cells[i].n_trials : most;
    text_add(
        &text,
        "Median over %s, bars from the smallest to the largest; dashed: perfect scaling, where "
        "twice the batch "
        "needs half the steps. Hollow marks at the top: trials that missed the target or diverged.",
        format_plural(most, "seed", arena));
    for (int l = 0; l < lines.n; l++)
        describe(&text, &lines.line[l], arena);
    if (lines.best_only)
        text_add(&text, " Each optimizer is shown with its best setting at every batch; all cells "
                        "are in the table.");
    return text.data;
}

FIGURE_TYPE(steps_to_target) = {
    .kind = {.name = "steps_to_target",
             .summary = "Steps to the target against the global batch",
             .detail = "On the dashed line a larger batch is free in examples; above it every "
                       "example is worth less.",
             .reference = "Shallue et al. 2019, JMLR 20(112)"},
    .missing = missing,
    .table = table,
    .caption = caption,
};
