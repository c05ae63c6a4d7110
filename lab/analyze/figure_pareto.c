/* Steps against examples to the target: what a batch size buys, and its price. */
#include "lab/analyze/figure.h"
#include "lab/analyze/format.h"
#include "lab/base/text.h"

#include <math.h>

#define CURVE_POINTS 40

/* kind 0: measured cells, 1: the fitted hyperbola, 2: its critical batch. */
static const TableColumn columns[] = {
    {"line", "1"},      {"series", NULL},         {"kind", "1"},
    {"steps", "steps"}, {"examples", "examples"}, {"global_batch", "examples"},
};

static const char *missing(const Results *results, Arena *arena) {
    (void)arena;
    for (int i = 0; i < results->cells->n_cells; i++)
        if (isfinite(results->cells->cells[i].steps.median))
            return NULL;
    return results->cells->n_cells
               ? "at no global batch more than half of the seeds reached a target"
               : "no trial was trained to its end, only verify runs are here";
}

static void add_row(Table *out, int line, const char *label, int kind, double steps,
                    double examples, double batch) {
    table_number(out, line);
    table_text(out, label);
    table_number(out, kind);
    table_number(out, steps);
    table_number(out, examples);
    table_number(out, batch);
}

static void add_fit(Table *out, int line, const Critical *critical) {
    const Hyperbola *fit = &critical->fit;
    for (int i = 0; i < CURVE_POINTS; i++) {
        double at = (double)i / (CURVE_POINTS - 1);
        double batch = critical->smallest * pow(critical->largest / critical->smallest, at);
        double examples = hyperbola_examples(fit, batch);
        add_row(out, line, critical->label, 1, examples / batch, examples, batch);
    }
    if (!fit->unidentified && fit->b_crit >= critical->smallest && fit->b_crit <= critical->largest)
        add_row(out, line, critical->label, 2, 2 * fit->s_min, 2 * fit->e_min, fit->b_crit);
}

static Table *table(const Results *results, Arena *arena) {
    Table *out = table_new("pareto", columns, sizeof columns / sizeof *columns, arena);
    for (int l = 0; l < results->lines.n; l++) {
        const Line *line = &results->lines.line[l];
        for (int i = 0; i < line->n; i++) {
            const Cell *cell = line->cell[i];
            add_row(out, l + 1, line->label, 0, cell->steps.median, cell->examples.median,
                    (double)cell->global_batch);
        }
        if (hyperbola_curved(&results->criticals.critical[l].fit))
            add_fit(out, l + 1, &results->criticals.critical[l]);
    }
    return out;
}

static const char *caption(const Results *results, Arena *arena) {
    Text text = text_new(arena);
    text_add(&text, "Each point is a global batch, from the smallest (right, many steps) to the "
                    "largest (left); medians "
                    "over seeds. Lines: the fit (S / S_min - 1)(E / E_min - 1) = 1; crosses: its "
                    "critical batch, twice "
                    "the least steps and twice the least examples.");
    for (int l = 0; l < results->criticals.n; l++) {
        const Critical *critical = &results->criticals.critical[l];
        if (!critical->missing && !critical->fit.unidentified)
            text_add(&text, " %s: at least %s steps and %s examples.", critical->label,
                     format_number(critical->fit.s_min, arena),
                     format_number(critical->fit.e_min, arena));
    }
    return text.data;
}

FIGURE_TYPE(pareto) = {
    .kind = {.name = "pareto",
             .summary = "Steps against examples to the target",
             .detail = "Down and to the left is better: fewer steps are less time when replicas "
                       "are many, fewer examples "
                       "are less work.",
             .reference = "McCandlish et al. 2018, arXiv 1812.06162"},
    .missing = missing,
    .table = table,
    .caption = caption,
};
