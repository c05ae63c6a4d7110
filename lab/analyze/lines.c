#include "lab/analyze/lines.h"

#include "lab/analyze/labels.h"
#include "lab/analyze/quality.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double reached_frac(const Cell *cell) {
    int done = cell_n_done(cell);
    return done ? (double)cell->n_of[OUTCOME_REACHED] / done : -1;
}

bool cell_is_better(const Cell *a, const Cell *b) {
    double p = reached_frac(a), q = reached_frac(b);
    if (p != q)
        return p > q;
    if (a->examples.median != b->examples.median && isfinite(a->examples.median) &&
        isfinite(b->examples.median))
        return a->examples.median < b->examples.median;
    return quality_is_better(a, b);
}

int lines_spread(int *index, int n, int most) {
    int taken = n < most ? n : most;
    for (int i = 0; i < taken; i++)
        index[i] = taken < 2 ? 0 : (int)((long)i * (n - 1) / (taken - 1));
    return taken;
}

const Cell *line_at(const Line *line, int64_t global_batch) {
    for (int i = 0; i < line->n; i++)
        if (line->cell[i]->global_batch == global_batch)
            return line->cell[i];
    return NULL;
}

static int by_size(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int lines_batches(int64_t batches[LINES_MAX], const Lines *lines, int n_lines, Arena *arena) {
    int n = 0, n_distinct = 0;
    for (int l = 0; l < n_lines && l < lines->n; l++)
        n += lines->line[l].n;
    int64_t *all = ARENA_ARRAY(arena, int64_t, n + 1);
    n = 0;
    for (int l = 0; l < n_lines && l < lines->n; l++)
        for (int i = 0; i < lines->line[l].n; i++)
            all[n++] = lines->line[l].cell[i]->global_batch;
    qsort(all, (size_t)n, sizeof *all, by_size);
    for (int i = 0; i < n; i++)
        if (n_distinct == 0 || all[n_distinct - 1] != all[i])
            all[n_distinct++] = all[i];
    int chosen[LINES_MAX];
    int taken = lines_spread(chosen, n_distinct, LINES_MAX);
    for (int i = 0; i < taken; i++)
        batches[i] = all[chosen[i]];
    return taken;
}

static Line whole(const Series *series, Arena *arena) {
    Line line = {.label = label_fit(series->label, LINES_LABEL_WIDTH, arena),
                 .cell = ARENA_ARRAY(arena, const Cell *, series->n_cells)};
    for (int i = 0; i < series->n_cells; i++)
        line.cell[line.n++] = &series->cells[i];
    return line;
}

/* Puts `cell` into a line that stays sorted by global batch and holds the best cell of each. */
static void keep_best(Line *line, const Cell *cell) {
    int at = line->n;
    while (at > 0 && line->cell[at - 1]->global_batch > cell->global_batch)
        at--;
    if (at > 0 && line->cell[at - 1]->global_batch == cell->global_batch) {
        if (cell_is_better(cell, line->cell[at - 1]))
            line->cell[at - 1] = cell;
        return;
    }
    memmove(&line->cell[at + 1], &line->cell[at], sizeof(Cell *) * (size_t)(line->n - at));
    line->cell[at] = cell;
    line->n++;
}

/* The best cells of the series [first, end), all of one optimizer. */
static Line best(const Cells *cells, int first, int end, Arena *arena) {
    int room = 0;
    for (int s = first; s < end; s++)
        room += cells->series[s].n_cells;
    Line line = {.cell = ARENA_ARRAY(arena, const Cell *, room + 1)};
    for (int s = first; s < end; s++)
        for (int i = 0; i < cells->series[s].n_cells; i++)
            keep_best(&line, &cells->series[s].cells[i]);
    const char *label = cells->series[first].label;
    if (end - first > 1)
        label = arena_print(arena, "%s, best of %d settings", cells->series[first].optimizer,
                            end - first);
    line.label = label_fit(label, LINES_LABEL_WIDTH, arena);
    return line;
}

Lines lines_make(const Cells *cells, Arena *arena) {
    Lines out = {.line = ARENA_ARRAY(arena, Line, cells->n_series + 1)};
    out.best_only = cells->n_series > LINES_MAX;
    for (int s = 0, end; s < cells->n_series; s = end) {
        end = s + 1;
        while (out.best_only && end < cells->n_series &&
               strcmp(cells->series[s].optimizer, cells->series[end].optimizer) == 0)
            end++;
        if (out.n == LINES_MAX)
            out.n_left_out++;
        else
            out.line[out.n++] =
                out.best_only ? best(cells, s, end, arena) : whole(&cells->series[s], arena);
    }
    return out;
}
