/* Lines over the mini-batch. */
#include "lab/analyze/lines.h"

#include "lab/analyze/labels.h"

#include <stdlib.h>
#include <string.h>

typedef struct Placed {
    const char *rest; /* of the series' label: everything but the mini-batch */
    const Cell *cell;
} Placed;

/* "momentum, mini_batch 32, scaling sqrt" -> "momentum, scaling sqrt". A series' label names every
 * setting in which it differs from another at some global batch, so cells of equal rests and global
 * batch differ in the mini-batch only. */
static const char *without_mini_batch(const char *label, Arena *arena) {
    static const char word[] = ", mini_batch ";
    const char *at = strstr(label, word);
    if (!at)
        return label;
    const char *after = at + strlen(word);
    return arena_print(arena, "%.*s%s", (int)(at - label), label, after + strcspn(after, ","));
}

static int by_line(const Placed *a, const Placed *b) {
    int order = strcmp(a->rest, b->rest);
    return order ? order
                 : (a->cell->global_batch > b->cell->global_batch) -
                       (a->cell->global_batch < b->cell->global_batch);
}

static int by_place(const void *a, const void *b) {
    const Placed *x = a, *y = b;
    int order = by_line(x, y);
    return order ? order
                 : (x->cell->mini_batch > y->cell->mini_batch) -
                       (x->cell->mini_batch < y->cell->mini_batch);
}

static const char *label_of(const Placed *first, bool same_rests, Arena *arena) {
    long long batch = (long long)first->cell->global_batch;
    const char *label = same_rests ? arena_print(arena, "B = %lld", batch)
                                   : arena_print(arena, "B = %lld, %s", batch, first->rest);
    return label_fit(label, LINES_LABEL_WIDTH, arena);
}

Lines lines_by_mini_batch(const Cells *cells, Arena *arena) {
    Lines out = {.line = ARENA_ARRAY(arena, Line, LINES_MAX)};
    Placed *all = ARENA_ARRAY(arena, Placed, cells->n_cells + 1);
    const Placed **first = ARENA_ARRAY(arena, const Placed *, LINES_MAX);
    bool same_rests = true;
    for (int i = 0; i < cells->n_cells; i++)
        all[i] = (Placed){without_mini_batch(cells->series[cells->cells[i].series].label, arena),
                          &cells->cells[i]};
    qsort(all, (size_t)cells->n_cells, sizeof *all, by_place);
    for (int i = 0, end; i < cells->n_cells; i = end) {
        for (end = i + 1; end < cells->n_cells && by_line(&all[i], &all[end]) == 0;)
            end++;
        if (all[end - 1].cell->mini_batch == all[i].cell->mini_batch)
            continue;
        if (out.n == LINES_MAX) {
            out.n_left_out++;
            continue;
        }
        Line line = {.n = end - i, .cell = ARENA_ARRAY(arena, const Cell *, end - i)};
        for (int j = i; j < end; j++)
            line.cell[j - i] = all[j].cell;
        same_rests = same_rests && strcmp(all[i].rest, (out.n ? first[0] : &all[i])->rest) == 0;
        first[out.n] = &all[i];
        out.line[out.n++] = line;
    }
    for (int l = 0; l < out.n; l++)
        out.line[l].label = label_of(first[l], same_rests, arena);
    return out;
}

const char *lines_flat(const Lines *lines, const Cells *cells, Arena *arena) {
    for (int l = 0; l < lines->n; l++)
        if (lines->line[l].n > 1)
            return NULL;
    return lines_by_mini_batch(cells, arena).n
               ? "every line has one global batch; the figure mini_batch shows these trials"
               : NULL;
}
