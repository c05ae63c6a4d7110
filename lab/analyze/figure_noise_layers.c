/* The gradient noise scale of every tensor of a model, with intervals. */
#include "lab/analyze/figure.h"
#include "lab/analyze/format.h"
#include "lab/analyze/noise_interval.h"
#include "lab/base/text.h"

#include <math.h>
#include <stdlib.h>

#define MAX_PANELS 4
#define MAX_BATCHES 3 /* drawn beside each other */
#define MAX_TENSORS 8 /* drawn; the table has them all */

/* `panel`: 0 when nothing of its line is drawn. `line`: which of the drawn batches, 0: not drawn.
 * `place`: 0 the whole gradient, then tensors by their share of the noise at the panel's smallest
 * batch; those above MAX_TENSORS are not drawn. */
static const TableColumn columns[] = {
    {"panel", "1"},
    {"series", NULL},
    {"global_batch", "examples"},
    {"line", "1"},
    {"place", "1"},
    {"tensor", NULL},
    {"noise_scale", "examples"},
    {"noise_scale_low", "examples"},
    {"noise_scale_high", "examples"},
    {"blocks", "1"},
    {"noise_share", "1"},
    {"gradient_share", "1"},
};

/* The tensors of one cell. */
typedef struct Tensors {
    int n;
    const char *const *name;
    NoiseInterval all, *own; /* own (n) */
} Tensors;

static bool recorded(const Cell *cell) {
    for (int r = 0; r < cell->n_trials; r++) {
        const RunRecord *run = cell->runs[r];
        if (run->header.n_layers > 1 && run->n_evals > 0 &&
            isfinite(run->layers[(int64_t)(run->n_evals - 1) * run->header.n_layers].noise_trace))
            return true;
    }
    return false;
}

/* Number among the drawn batches, 0: none. The table alone has cells of which every run diverged.
 */
static int line_of(const Cell *cell, const int64_t *drawn, int n) {
    bool diverged = cell->n_of[OUTCOME_DIVERGED] == cell->n_trials;
    for (int i = 0; i < n && !diverged; i++)
        if (drawn[i] == cell->global_batch)
            return i + 1;
    return 0;
}

/* The batches that are drawn: of those of the panels evenly spread ones. */
static int drawn_batches(int64_t drawn[MAX_BATCHES], const Lines *lines, Arena *arena) {
    int64_t batches[LINES_MAX];
    int index[MAX_BATCHES];
    int n = lines_batches(batches, lines, lines->n < MAX_PANELS ? lines->n : MAX_PANELS, arena);
    n = lines_spread(index, n, MAX_BATCHES);
    for (int i = 0; i < n; i++)
        drawn[i] = batches[index[i]];
    return n;
}

static bool is_drawn(const Line *line, const int64_t *drawn, int n_drawn) {
    for (int c = 0; c < line->n; c++)
        if (recorded(line->cell[c]) && line_of(line->cell[c], drawn, n_drawn) > 0)
            return true;
    return false;
}

static bool any_is_drawn(const Results *results, Arena *arena) {
    int64_t drawn[MAX_BATCHES];
    int n_drawn = drawn_batches(drawn, &results->lines, arena);
    for (int l = 0; l < results->lines.n; l++)
        if (is_drawn(&results->lines.line[l], drawn, n_drawn))
            return true;
    return false;
}

static const char *missing(const Results *results, Arena *arena) {
    bool several = false, any = false;
    for (int i = 0; i < results->cells->n_cells; i++) {
        const Cell *cell = &results->cells->cells[i];
        any |= recorded(cell);
        several |= cell->first->header.n_layers > 1;
    }
    if (any)
        return any_is_drawn(results, arena) ? NULL : "every run that recorded it diverged";
    return several ? "no run recorded the noise of its tensors between evaluations"
                   : "the models have one tensor, whose noise is the whole gradient's";
}

static Tensors tensors_of(const Cell *cell, Arena *arena) {
    const RunHeader *header = &cell->first->header;
    Tensors out = {.n = header->n_layers, .name = header->layer_names};
    out.all = noise_interval_of_layer(cell, NOISE_ALL_LAYERS, arena);
    out.own = ARENA_ARRAY(arena, NoiseInterval, out.n + 1);
    for (int i = 0; i < out.n; i++)
        out.own[i] = noise_interval_of_layer(cell, i, arena);
    return out;
}

/* place[i] of tensor i, from 1 for the one with the most noise. */
static int *places_of(const Tensors *tensors, Arena *arena) {
    int *place = ARENA_ARRAY(arena, int, tensors->n + 1);
    for (int i = 0; i < tensors->n; i++) {
        place[i] = 1;
        for (int j = 0; j < tensors->n; j++) {
            double more = tensors->own[j].trace - tensors->own[i].trace;
            place[i] += more > 0 || (!(more < 0) && j < i);
        }
    }
    return place;
}

typedef struct Place {
    int panel, line, place;
    const char *series, *tensor;
    int64_t global_batch;
} Place;

static void add_row(Table *out, const Place *at, const NoiseInterval *noise,
                    const NoiseInterval *all) {
    table_number(out, at->panel);
    table_text(out, at->series);
    table_number(out, (double)at->global_batch);
    table_number(out, at->line);
    table_number(out, at->place);
    table_text(out, at->tensor);
    table_number(out, noise->scale);
    table_number(out, noise->in.low);
    table_number(out, noise->in.high);
    table_number(out, noise->n_blocks);
    table_number(out, noise->trace / all->trace);
    table_number(out, noise->sqnorm / all->sqnorm);
}

static void add_panel(Table *out, int panel, const Line *line, const int64_t *drawn, int n_drawn,
                      Arena *arena) {
    int *place = NULL;
    for (int c = 0; c < line->n; c++) {
        const Cell *cell = line->cell[c];
        if (!recorded(cell))
            continue;
        Tensors tensors = tensors_of(cell, arena);
        place = place ? place : places_of(&tensors, arena);
        Place at = {panel,
                    line_of(cell, drawn, n_drawn),
                    0,
                    line->label,
                    "whole gradient",
                    cell->global_batch};
        add_row(out, &at, &tensors.all, &tensors.all);
        for (int i = 0; i < tensors.n; i++) {
            at.place = place[i];
            at.tensor = tensors.name[i];
            add_row(out, &at, &tensors.own[i], &tensors.all);
        }
    }
}

static Table *table(const Results *results, Arena *arena) {
    Table *out = table_new("noise_layers", columns, sizeof columns / sizeof *columns, arena);
    const Lines *lines = &results->lines;
    int64_t drawn[MAX_BATCHES];
    int n_drawn = drawn_batches(drawn, lines, arena), panel = 0;
    for (int l = 0; l < lines->n && panel < MAX_PANELS; l++) {
        const Line *line = &lines->line[l];
        bool has_panel = is_drawn(line, drawn, n_drawn); /* else the table alone has it */
        panel += has_panel;
        add_panel(out, has_panel ? panel : 0, line, drawn, n_drawn, arena);
    }
    return out;
}

/* " momentum, B = 32: 40 for the whole gradient, from 12 (layer1.weight) to 90 (layer3.bias)." */
static void add_range(Text *text, const Line *line, const Cell *cell, Arena *arena) {
    Tensors tensors = tensors_of(cell, arena);
    int low = -1, high = -1;
    for (int i = 0; i < tensors.n; i++) {
        double scale = tensors.own[i].scale;
        if (!isfinite(scale))
            continue;
        low = low < 0 || scale < tensors.own[low].scale ? i : low;
        high = high < 0 || scale > tensors.own[high].scale ? i : high;
    }
    if (low < 0 || !isfinite(tensors.all.scale))
        return;
    text_add(text, " %s, B = %s: %s for the whole gradient, from %s (%s) to %s (%s).", line->label,
             format_count((double)cell->global_batch, arena),
             format_number(tensors.all.scale, arena), format_number(tensors.own[low].scale, arena),
             tensors.name[low], format_number(tensors.own[high].scale, arena), tensors.name[high]);
}

static const char *caption(const Results *results, Arena *arena) {
    Text text = text_new(arena);
    int most = 0;
    text_add(&text,
             "tr(Sigma) / |G|^2 of each tensor alone over the second half of training. Bars: "
             "90 %% intervals by block jackknife, the blocks being what lies between "
             "evaluations; an arrow: nothing bounds that side; no bar: too few "
             "evaluations.");
    for (int l = 0; l < results->lines.n && l < MAX_PANELS; l++) {
        const Line *line = &results->lines.line[l];
        for (int c = 0; c < line->n; c++)
            if (recorded(line->cell[c])) {
                add_range(&text, line, line->cell[c], arena);
                break;
            }
        for (int c = 0; c < line->n; c++)
            most = line->cell[c]->first->header.n_layers > most
                       ? line->cell[c]->first->header.n_layers
                       : most;
    }
    if (most > MAX_TENSORS)
        text_add(&text,
                 " Shown are the %d tensors with the most noise of %d; tables/noise_layers.tsv has "
                 "them all.",
                 MAX_TENSORS, most);
    return text.data;
}

FIGURE_TYPE(noise_layers) = {
    .kind = {.name = "noise_layers",
             .summary = "Gradient noise scale of each tensor",
             .detail = "Tensors whose scale is far above the batch are averaged over too little, "
                       "however the whole gradient fares; layer-wise rates such as LARS and LAMB "
                       "weigh them anew.",
             .reference = "McCandlish et al. 2018, arXiv 1812.06162"},
    .missing = missing,
    .table = table,
    .caption = caption,
};
