/* Examples to the target against the global batch, with the fitted hyperbola and its band. */
#include "lab/analyze/figure.h"
#include "lab/analyze/format.h"
#include "lab/base/text.h"

#include <math.h>

#define CURVE_POINTS 40

/* curve 0: what was measured, 1: the fit, 2: what the noise scale of the smallest batch predicts.
 */
static const TableColumn columns[] = {
    {"line", "1"},
    {"series", NULL},
    {"curve", "1"},
    {"global_batch", "examples"},
    {"examples", "examples"},
    {"low", "examples"},
    {"high", "examples"},
    {"trials", "1"},
    {"reached", "1"},
};

static const char *missing(const Results *results, Arena *arena) {
    bool has_target = false, reached = false;
    for (int i = 0; i < results->cells->n_cells; i++) {
        has_target |= results->cells->cells[i].has_target;
        reached |= isfinite(results->cells->cells[i].examples.median);
    }
    if (results->cells->n_cells == 0)
        return "no trial was trained to its end, only verify runs are here";
    if (!has_target)
        return "the experiment sets no target (trial.stop.metric and trial.stop.target)";
    return reached ? lines_flat(&results->lines, results->cells, arena)
                   : "at no global batch more than half of the seeds reached the target";
}

static void add_row(Table *out, int line, const char *label, int curve, double batch,
                    double examples, double low, double high) {
    table_number(out, line);
    table_text(out, label);
    table_number(out, curve);
    table_number(out, batch);
    table_number(out, examples);
    table_number(out, low);
    table_number(out, high);
}

static void add_measured(Table *out, int line, const char *label, const Cell *cell) {
    add_row(out, line, label, 0, (double)cell->global_batch, cell->examples.median,
            cell->examples.low, cell->examples.high);
    table_number(out, cell->n_trials);
    table_number(out, cell->n_of[OUTCOME_REACHED]);
}

/* The fit over its own batches; outside them it says nothing. */
static void add_curve(Table *out, int line, const Critical *critical) {
    for (int i = 0; hyperbola_curved(&critical->fit) && i < CURVE_POINTS; i++) {
        double at = (double)i / (CURVE_POINTS - 1);
        double batch = critical->smallest * pow(critical->largest / critical->smallest, at);
        Interval band = hyperbola_band(&critical->fit, batch);
        add_row(out, line, critical->label, 1, batch, hyperbola_examples(&critical->fit, batch),
                band.low, band.high);
        table_number(out, NAN);
        table_number(out, NAN);
    }
}

/* Up to the largest batch whose median trial reached the target. */
static void add_prediction(Table *out, int line, const Critical *critical) {
    const Prediction *prediction = &critical->prediction;
    double from = (double)prediction->global_batch, to = from;
    for (int i = 0; i < critical->line->n; i++)
        if (isfinite(critical->line->cell[i]->examples.median))
            to = (double)critical->line->cell[i]->global_batch;
    for (int i = 0; isfinite(prediction->b_crit) && i < CURVE_POINTS; i++) {
        double batch = from * pow(to / from, (double)i / (CURVE_POINTS - 1));
        double examples = prediction->e_min + prediction->s_min * batch;
        add_row(out, line, critical->label, 2, batch, examples, NAN, NAN);
        table_number(out, NAN);
        table_number(out, NAN);
    }
}

static Table *table(const Results *results, Arena *arena) {
    Table *out = table_new("examples_to_target", columns, sizeof columns / sizeof *columns, arena);
    for (int l = 0; l < results->lines.n; l++) {
        const Line *line = &results->lines.line[l];
        for (int i = 0; i < line->n; i++)
            add_measured(out, l + 1, line->label, line->cell[i]);
        add_curve(out, l + 1, &results->criticals.critical[l]);
        if (results->criticals.critical[l].prediction.global_batch && results->lines.n <= 4)
            add_prediction(out, l + 1, &results->criticals.critical[l]);
    }
    return out;
}

static const char *caption(const Results *results, Arena *arena) {
    Text text = text_new(arena);
    text_add(&text, "Points: median over seeds, bars from the smallest to the largest. Lines: E(B) "
                    "= E_min (1 + B / "
                    "B_crit) with its pointwise 90 %% band, over the batches at which every seed "
                    "reached the target. Dotted: what the noise scale measured at the smallest "
                    "batch predicts.");
    for (int l = 0; l < results->criticals.n; l++) {
        const Critical *critical = &results->criticals.critical[l];
        text_add(&text, " %s: B_crit %s", critical->label, critical_text(critical, arena));
        if (!critical->missing && isfinite(critical->fit.b_crit))
            text_add(&text, ", E_min %s examples, R2 %.3f",
                     format_number(critical->fit.e_min, arena), critical->fit.r2);
        text_add(&text, ".");
    }
    return text.data;
}

FIGURE_TYPE(examples_to_target) = {
    .kind = {.name = "examples_to_target",
             .summary = "Examples to the target against the global batch",
             .detail = "Where the line is flat a larger batch costs no examples; at the critical "
                       "batch it costs twice "
                       "the least.",
             .reference = "McCandlish et al. 2018, arXiv 1812.06162"},
    .missing = missing,
    .table = table,
    .caption = caption,
};
