/* Examples to several targets against the global batch: the critical batch grows as the target
 * gets harder. */
#include "lab/analyze/figure.h"
#include "lab/analyze/format.h"
#include "lab/base/text.h"

#include <math.h>

#define CURVE_POINTS 30

/* kind 0: measured, 1: the fitted hyperbola. */
static const TableColumn columns[] = {
    {"line", "1"},
    {"series", NULL},
    {"kind", "1"},
    {"rank", "1"}, /* from the easiest target, 1, to the run's own */
    {"target", "1"},
    {"target_text", NULL},
    {"global_batch", "examples"},
    {"trials", "1"},
    {"reached", "1"},
    {"steps_median", "steps"},
    {"steps_low", "steps"},
    {"steps_high", "steps"},
    {"examples_median", "examples"},
    {"examples_low", "examples"},
    {"examples_high", "examples"},
};

static const char *missing(const Results *results, Arena *arena) {
    (void)arena;
    const Targets *targets = &results->targets;
    for (int t = 0; !targets->missing && t < targets->n; t++)
        for (int l = 0; l < results->lines.n; l++)
            for (int i = 0; i < results->lines.line[l].n; i++)
                if (targets->target[t].line[l].n_reached[i])
                    return NULL;
    return targets->missing ? targets->missing : "no trial reached a target";
}

static void add_row(Table *out, const Results *results, int l, int kind, int t, double batch) {
    const Target *target = &results->targets.target[t];
    table_number(out, l + 1);
    table_text(out, results->lines.line[l].label);
    table_number(out, kind);
    table_number(out, t + 1);
    table_number(out, target->value);
    table_text(out, target_text(&results->targets, target, out->arena));
    table_number(out, batch);
}

static void add_spread(Table *out, const Spread *spread) {
    table_number(out, spread->median);
    table_number(out, spread->low);
    table_number(out, spread->high);
}

static void add_measured(Table *out, const Results *results, int l, int t) {
    const TargetLine *line = &results->targets.target[t].line[l];
    for (int i = 0; i < results->lines.line[l].n; i++) {
        add_row(out, results, l, 0, t, (double)results->lines.line[l].cell[i]->global_batch);
        table_number(out, line->n_done[i]);
        table_number(out, line->n_reached[i]);
        add_spread(out, &line->steps[i]);
        add_spread(out, &line->examples[i]);
    }
}

static void add_curve(Table *out, const Results *results, int l, int t) {
    const TargetLine *line = &results->targets.target[t].line[l];
    for (int i = 0; !line->missing && hyperbola_curved(&line->fit) && i < CURVE_POINTS; i++) {
        double at = (double)i / (CURVE_POINTS - 1);
        double batch = line->smallest * pow(line->largest / line->smallest, at);
        double examples = hyperbola_examples(&line->fit, batch);
        Interval band = hyperbola_band(&line->fit, batch);
        add_row(out, results, l, 1, t, batch);
        table_number(out, NAN);
        table_number(out, NAN);
        add_spread(out, &(Spread){1, examples / batch, band.low / batch, band.high / batch});
        add_spread(out, &(Spread){1, examples, band.low, band.high});
    }
}

static Table *table(const Results *results, Arena *arena) {
    Table *out = table_new("targets", columns, sizeof columns / sizeof *columns, arena);
    for (int l = 0; l < results->lines.n; l++)
        for (int t = 0; t < results->targets.n; t++) {
            add_measured(out, results, l, t);
            add_curve(out, results, l, t);
        }
    return out;
}

static const char *caption(const Results *results, Arena *arena) {
    Text text = text_new(arena);
    text_add(&text, "Median over seeds, bars from the smallest to the largest, with the fit E(B) = "
                    "E_min (1 + B / B_crit) of every target. All from the same runs: a lesser "
                    "target counts from the first evaluation that shows it, so small values are "
                    "coarse.");
    for (int l = 0; l < results->lines.n; l++) {
        const char *sentence = targets_sentence(&results->targets, l, arena);
        if (sentence)
            text_add(&text, " %s", sentence);
    }
    return text.data;
}

FIGURE_TYPE(targets) = {
    .kind = {.name = "targets",
             .summary = "Examples to several targets",
             .detail = "When the curves bend later for harder targets, the critical batch grows "
                       "during training: a batch that does not pay at the start may pay later.",
             .reference = "McCandlish et al. 2018, arXiv 1812.06162"},
    .missing = missing,
    .table = table,
    .caption = caption,
};
