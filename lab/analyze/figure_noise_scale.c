/* The gradient noise scale as training goes on. */
#include "lab/analyze/figure.h"
#include "lab/analyze/format.h"
#include "lab/analyze/lines.h"
#include "lab/base/stats.h"
#include "lab/base/text.h"

#include <math.h>
#include <string.h>

#define MAX_PANELS 4
#define N_BINS 60

static const TableColumn columns[] = {
    {"panel", "1"},
    {"series", NULL},
    {"line", "1"},
    {"global_batch", "examples"},
    {"examples", "examples"},
    {"noise_scale", "examples"},
    {"preconditioned_noise_scale", "examples"},
    {"curvature_noise_scale", "examples"},
};

static bool has_noise(const Cell *cell) {
    for (int r = 0; r < cell->n_trials; r++)
        for (int64_t s = cell->runs[r]->n_steps - 1; s >= 0; s--)
            if (isfinite(cell->runs[r]->steps[s].noise_scale))
                return true;
    return false;
}

static const char *missing(const Results *results, Arena *arena) {
    (void)arena;
    for (int l = 0; l < results->lines.n; l++)
        for (int i = 0; i < results->lines.line[l].n; i++)
            if (has_noise(results->lines.line[l].cell[i]))
                return NULL;
    return results->cells->n_cells ? "no run has a valid estimate of the noise scale"
                                   : "no trial was trained to its end, only verify runs are here";
}

/* Bin 0..N_BINS-1 of `examples`, even in its logarithm between `first` and `last`. */
static int bin_of(double examples, double first, double last) {
    if (!(last > first))
        return 0;
    int bin = (int)(N_BINS * log(examples / first) / log(last / first));
    return bin < 0 ? 0 : bin < N_BINS ? bin : N_BINS - 1;
}

typedef struct Bin {
    double examples, noise_scale, preconditioned; /* medians; NaN for an empty bin */
} Bin;

/* What is in a bin so far. */
typedef struct Seen {
    int n, n_preconditioned;
    double *examples, *noise_scale, *preconditioned;
} Seen;

static void see(Seen *seen, const StepRow *row) {
    if (isfinite(row->preconditioned_noise_scale))
        seen->preconditioned[seen->n_preconditioned++] = row->preconditioned_noise_scale;
    if (!isfinite(row->noise_scale))
        return;
    seen->examples[seen->n] = (double)row->examples;
    seen->noise_scale[seen->n++] = row->noise_scale;
}

/* Steps of all seeds of a cell, sorted into bins. Rows are in step order in every run, so bins are
 * filled by one cursor per run. */
static void fill_bins(Bin *bins, const Cell *cell, Arena *arena) {
    double first = (double)cell->global_batch, last = first;
    int64_t room = 1;
    for (int r = 0; r < cell->n_trials; r++) {
        const RunRecord *run = cell->runs[r];
        room += run->n_steps;
        if (run->n_steps && (double)run->steps[run->n_steps - 1].examples > last)
            last = (double)run->steps[run->n_steps - 1].examples;
    }
    Seen seen = {0, 0, ARENA_ARRAY(arena, double, room), ARENA_ARRAY(arena, double, room),
                 ARENA_ARRAY(arena, double, room)};
    int64_t *cursor = ARENA_ARRAY(arena, int64_t, cell->n_trials + 1);
    for (int b = 0; b < N_BINS; b++) {
        seen.n = seen.n_preconditioned = 0;
        for (int r = 0; r < cell->n_trials; r++) {
            const RunRecord *run = cell->runs[r];
            for (; cursor[r] < run->n_steps; cursor[r]++) {
                const StepRow *row = &run->steps[cursor[r]];
                if (bin_of((double)row->examples, first, last) > b)
                    break;
                see(&seen, row);
            }
        }
        bins[b] = (Bin){stats_median(seen.examples, seen.n), stats_median(seen.noise_scale, seen.n),
                        stats_median(seen.preconditioned, seen.n_preconditioned)};
    }
}

static void add_row(Table *out, int panel, const char *label, int line, const Cell *cell,
                    double examples, const double noise_scale[3]) {
    table_number(out, panel);
    table_text(out, label);
    table_number(out, line);
    table_number(out, (double)cell->global_batch);
    table_number(out, examples);
    for (int k = 0; k < 3; k++)
        table_number(out, noise_scale[k]);
}

/* B_noise at the k-th measurement: ratio of the means over seeds, which measure at the same steps
 * as long as they train. */
static bool curvature_at(double *examples, double *noise_scale, const Cell *cell, int k) {
    double trace = 0, form = 0;
    bool any = false;
    for (int r = 0; r < cell->n_trials; r++) {
        const RunRecord *run = cell->runs[r];
        if (k >= run->n_curvatures)
            continue;
        *examples = (double)run->curvatures[k].examples;
        trace += run->curvatures[k].trace_h_sigma;
        form += run->curvatures[k].ghg;
        any = true;
    }
    *noise_scale = trace > 0 && form > 0 ? trace / form : NAN;
    return any;
}

static void add_cell(Table *out, int panel, const char *label, int line, const Cell *cell,
                     Arena *arena) {
    Bin bins[N_BINS];
    fill_bins(bins, cell, arena);
    for (int b = 0; b < N_BINS; b++) {
        if (!(bins[b].noise_scale > 0))
            continue;
        add_row(out, panel, label, line, cell, bins[b].examples,
                (const double[]){bins[b].noise_scale, bins[b].preconditioned, NAN});
    }
    double examples, noise_scale;
    for (int k = 0; curvature_at(&examples, &noise_scale, cell, k); k++)
        if (noise_scale > 0)
            add_row(out, panel, label, line, cell, examples,
                    (const double[]){NAN, NAN, noise_scale});
}

static Table *table(const Results *results, Arena *arena) {
    Table *out = table_new("noise_scale", columns, sizeof columns / sizeof *columns, arena);
    Lines lines = results->lines;
    int64_t batches[LINES_MAX];
    int n = lines_batches(batches, &lines, MAX_PANELS, arena), panel = 0;
    for (int l = 0; l < lines.n && panel < MAX_PANELS; l++) {
        int64_t before = out->n_values;
        for (int i = 0; i < n; i++) {
            const Cell *cell = line_at(&lines.line[l], batches[i]);
            if (cell)
                add_cell(out, panel + 1, lines.line[l].label, i + 1, cell, arena);
        }
        panel += out->n_values > before;
    }
    return out;
}

/* Last valid value of a run, NaN when there is none. */
static double last_noise(const RunRecord *run) {
    for (int64_t s = run->n_steps - 1; s >= 0; s--)
        if (isfinite(run->steps[s].noise_scale))
            return run->steps[s].noise_scale;
    return NAN;
}

static double last_median(const Cell *cell, Arena *arena) {
    double *values = ARENA_ARRAY(arena, double, cell->n_trials + 1);
    int n = 0;
    for (int r = 0; r < cell->n_trials; r++) {
        double value = last_noise(cell->runs[r]);
        if (isfinite(value))
            values[n++] = value;
    }
    return stats_median(values, n);
}

static bool has_preconditioned(const Results *results) {
    for (int i = 0; i < results->cells->n_cells; i++) {
        const Cell *cell = &results->cells->cells[i];
        for (int r = 0; r < cell->n_trials; r++) {
            int64_t last = cell->runs[r]->n_steps - 1;
            if (last >= 0 && isfinite(cell->runs[r]->steps[last].preconditioned_trace))
                return true;
        }
    }
    return false;
}

static bool has_curvature(const Results *results) {
    for (int i = 0; i < results->cells->n_cells; i++)
        for (int r = 0; r < results->cells->cells[i].n_trials; r++)
            if (results->cells->cells[i].runs[r]->n_curvatures > 0)
                return true;
    return false;
}

static const char *caption(const Results *results, Arena *arena) {
    Text text = text_new(arena);
    Lines lines = results->lines;
    text_add(&text, "Ratio of the separately smoothed estimates of tr(Sigma) and |G|^2, median "
                    "over seeds. A batch well "
                    "below the noise scale wastes no examples, one well above it averages what is "
                    "already known.");
    for (int l = 0; l < lines.n && l < MAX_PANELS; l++) {
        const Line *line = &lines.line[l];
        double small = last_median(line->cell[0], arena),
               large = last_median(line->cell[line->n - 1], arena);
        if (!isfinite(small))
            continue;
        text_add(&text, " %s ends at %s examples with B = %s", line->label,
                 format_number(small, arena),
                 format_count((double)line->cell[0]->global_batch, arena));
        if (line->n > 1 && isfinite(large))
            text_add(&text, " and at %s with B = %s", format_number(large, arena),
                     format_count((double)line->cell[line->n - 1]->global_batch, arena));
        text_add(&text, ".");
    }
    if (has_preconditioned(results))
        text_add(&text, " Dashed: the same in the metric of the optimizer's preconditioner P, "
                        "tr(P Sigma P) / |P G|^2.");
    if (has_curvature(results))
        text_add(&text,
                 " Squares: B_noise = tr(H Sigma) / G'HG, H the Hessian of the training loss.");
    const char *unit = results->cells->cells[0].first->header.noise_unit;
    if (unit && strcmp(unit, "shard") == 0)
        text_add(&text, " Measured between %ss, not examples.", unit);
    return text.data;
}

FIGURE_TYPE(noise_scale) = {
    .kind = {.name = "noise_scale",
             .summary = "Gradient noise scale against examples seen",
             .detail = "B_simple = tr(Sigma) / |G|^2, in examples. It grows as the loss falls.",
             .reference = "McCandlish et al. 2018, arXiv 1812.06162"},
    .missing = missing,
    .table = table,
    .caption = caption,
};
