/* The factor that a scaling rule which follows the noise gave the learning rate, against the batch.
 */
#include "lab/analyze/figure.h"
#include "lab/analyze/format.h"
#include "lab/base/stats.h"
#include "lab/base/text.h"

#include <math.h>
#include <string.h>

static const TableColumn columns[] = {
    {"line", "1"},    {"series", NULL},     {"global_batch", "examples"}, {"k", "1"},
    {"lr_gain", "1"}, {"lr_gain_low", "1"}, {"lr_gain_high", "1"},
};

static double base_batch_of(const Cell *cell) {
    const Json *value = json_get(cell->first->config, "lr.base_batch");
    return value && value->kind == JSON_NUMBER && value->number > 0 ? value->number
                                                                    : (double)cell->global_batch;
}

/* "adascale" and "noise" are the rules that record a gain of their own. */
static bool follows_noise(const Cell *cell) {
    const Json *name = json_get(cell->first->config, "lr.scaling.name");
    return name && name->kind == JSON_TEXT &&
           (strcmp(name->text, "adascale") == 0 || strcmp(name->text, "noise") == 0);
}

/* Gains of all steps of all seeds; its length. */
static int gains_of(double **out, const Cell *cell, Arena *arena) {
    int64_t room = 1;
    int n = 0;
    for (int r = 0; r < cell->n_trials; r++)
        room += cell->runs[r]->n_steps;
    *out = ARENA_ARRAY(arena, double, room);
    for (int r = 0; r < cell->n_trials; r++)
        for (int64_t s = 0; s < cell->runs[r]->n_steps; s++)
            if (isfinite(cell->runs[r]->steps[s].lr_gain))
                (*out)[n++] = cell->runs[r]->steps[s].lr_gain;
    return n;
}

static const char *missing(const Results *results, Arena *arena) {
    (void)arena;
    for (int i = 0; i < results->cells->n_cells; i++)
        if (follows_noise(&results->cells->cells[i]))
            return NULL;
    return "no trial scales its learning rate by the noise";
}

static void add_row(Table *out, int line, const char *label, const Cell *cell, Arena *arena) {
    double *gain;
    int n = gains_of(&gain, cell, arena);
    if (n == 0)
        return;
    table_number(out, line);
    table_text(out, label);
    table_number(out, (double)cell->global_batch);
    table_number(out, (double)cell->global_batch / base_batch_of(cell));
    table_number(out, stats_median(gain, n));
    table_number(out, stats_quantile(gain, n, 0.1));
    table_number(out, stats_quantile(gain, n, 0.9));
}

static Table *table(const Results *results, Arena *arena) {
    Table *out = table_new("lr_gain", columns, sizeof columns / sizeof *columns, arena);
    int line = 0;
    for (int l = 0; l < results->lines.n; l++) {
        const Line *series = &results->lines.line[l];
        line += series->n > 0 && follows_noise(series->cell[0]);
        for (int i = 0; i < series->n; i++)
            if (follows_noise(series->cell[i]))
                add_row(out, line, series->label, series->cell[i], arena);
    }
    return out;
}

static const char *caption(const Results *results, Arena *arena) {
    Text text = text_new(arena);
    text_add(&text, "Median over all steps and seeds, bars from the 10 %% to the 90 %% quantile. On "
                    "the dashed line the rate "
                    "grows with the batch (linear scaling); a gain of 1 means that the noise says "
                    "a larger batch buys "
                    "nothing.");
    for (int l = 0; l < results->lines.n; l++) {
        const Line *series = &results->lines.line[l];
        const Cell *last = series->n ? series->cell[series->n - 1] : NULL;
        if (!last || !follows_noise(last))
            continue;
        double *gain;
        int n = gains_of(&gain, last, arena);
        text_add(&text, " %s: %s at k = %s.", series->label,
                 format_number(stats_median(gain, n), arena),
                 format_number((double)last->global_batch / base_batch_of(last), arena));
    }
    return text.data;
}

FIGURE_TYPE(lr_gain) = {
    .kind = {.name = "lr_gain",
             .summary = "Learning-rate gain against the batch",
             .detail = "What AdaScale or the noise rule made of k = global_batch / base_batch.",
             .reference = "Johnson et al. 2020, arXiv 2007.05105"},
    .missing = missing,
    .table = table,
    .caption = caption,
};
