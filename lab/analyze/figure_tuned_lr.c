/* The tuned learning rate against the global batch, with the rule that fits it best. */
#include "lab/analyze/figure.h"
#include "lab/analyze/format.h"
#include "lab/base/text.h"

#include <math.h>

#define CURVE_POINTS 60

/* kind 0: the optimum that a search found, 1: the rule of the least AICc. */
static const TableColumn columns[] = {
    {"line", "1"},
    {"series", NULL},
    {"kind", "1"},
    {"global_batch", "examples"},
    {"lr", "1"},
    {"lr_low", "1"},
    {"lr_high", "1"},
    {"lr_winner", "1"},
    {"lr_over_1_minus_momentum", "1"},
    {"edge", "flag"},
    {"from_parabola", "flag"},
    {"rule", NULL},
};

static const char *missing(const Results *results, Arena *arena) {
    (void)arena;
    for (int l = 0; l < results->tuned.n; l++)
        if (results->tuned.line[l].n)
            return NULL;
    return "no learning rate was searched (search.space with lr.base)";
}

static void add_point(Table *out, int line, const char *label, const TunedPoint *point) {
    table_number(out, line);
    table_text(out, label);
    table_number(out, 0);
    table_number(out, point->batch);
    table_number(out, point->optimum);
    table_number(out, point->in.low);
    table_number(out, point->in.high);
    table_number(out, point->winner);
    table_number(out, point->effective);
    table_number(out, point->edge);
    table_number(out, point->curved);
    table_text(out, "");
}

/* Over the batches that were fitted. */
static void add_rule(Table *out, int line, const TunedLine *tuned) {
    double low = INFINITY, high = 0;
    for (int i = 0; i < tuned->n; i++) {
        if (tuned->point[i].edge)
            continue;
        low = fmin(low, tuned->point[i].batch);
        high = fmax(high, tuned->point[i].batch);
    }
    for (int i = 0; tuned->best >= 0 && i < CURVE_POINTS; i++) {
        double batch = low * pow(high / low, (double)i / (CURVE_POINTS - 1));
        table_number(out, line);
        table_text(out, tuned->line->label);
        table_number(out, 1);
        table_number(out, batch);
        table_number(out, lr_fit_at((LrRule)tuned->best, &tuned->fit[tuned->best], batch));
        for (int c = 0; c < 6; c++)
            table_number(out, NAN);
        table_text(out, lr_rule_name((LrRule)tuned->best));
    }
}

static Table *table(const Results *results, Arena *arena) {
    Table *out = table_new("tuned_lr", columns, sizeof columns / sizeof *columns, arena);
    int line = 0;
    for (int l = 0; l < results->tuned.n; l++) {
        const TunedLine *tuned = &results->tuned.line[l];
        if (tuned->n == 0)
            continue;
        line++;
        for (int i = 0; i < tuned->n; i++)
            add_point(out, line, tuned->line->label, &tuned->point[i]);
        add_rule(out, line, tuned);
    }
    return out;
}

static const char *caption(const Results *results, Arena *arena) {
    Text text = text_new(arena);
    bool edge = false;
    text_add(&text,
             "Points: the best peak rate of each search, where a parabola through its best points "
             "is least, with 90 %% intervals; where too few points were good the best one, with "
             "bars to its neighbours. Lines: the rule that fits with the least AICc among "
             "constant, square root, linear, power law, saturating (McCandlish et al.) and Surge "
             "(arXiv 2405.14578), which falls again beyond its peak.");
    for (int l = 0; l < results->tuned.n; l++) {
        const TunedLine *line = &results->tuned.line[l];
        const char *sentence = tuned_sentence(line, arena);
        if (sentence)
            text_add(&text, " %s", sentence);
        if (sentence && line->missing)
            text_add(&text, " No rule: %s.", line->missing);
        for (int i = 0; i < line->n; i++)
            edge |= line->point[i].edge;
    }
    if (edge)
        text_add(&text, " Hollow: the optimum lies at an edge of the searched range, so it is a "
                        "bound; not in the fit.");
    return text.data;
}

FIGURE_TYPE(tuned_lr) = {
    .kind = {.name = "tuned_lr",
             .summary = "Tuned learning rate against the global batch",
             .detail = "Grey: linear and square-root scaling, to compare slopes.",
             .reference = "Shallue et al. 2019, JMLR 20(112)"},
    .missing = missing,
    .table = table,
    .caption = caption,
};
