/* What searches add to the answer. */
#include "lab/analyze/answer.h"
#include "lab/analyze/format.h"
#include "lab/base/text.h"

#include <string.h>

/* The search of every cell, NULL where one has none or another one's axes. */
static const SearchCell *common_search(const Cells *cells) {
    const SearchCell *first = cells->n_cells ? cells->cells[0].search : NULL;
    for (int i = 1; first && i < cells->n_cells; i++) {
        const SearchCell *other = cells->cells[i].search;
        if (!other || other->search.n_axes != first->search.n_axes ||
            other->trials != first->trials)
            return NULL;
        for (int a = 0; a < first->search.n_axes; a++)
            if (strcmp(first->axis[a].name, other->axis[a].name) != 0)
                return NULL;
    }
    return first;
}

const char *answer_subject(const Results *results, Arena *arena) {
    const SearchCell *search = common_search(results->cells);
    if (!search || search->search.n_axes == 0)
        return "The global batch";
    const char **name = ARENA_ARRAY(arena, const char *, search->search.n_axes);
    for (int a = 0; a < search->search.n_axes; a++)
        name[a] = search_short_name(search->axis[a].name);
    return arena_print(arena, "With %s tuned at every batch (%s each), the global batch",
                       format_list(name, search->search.n_axes, arena),
                       format_plural(search->trials, "point", arena));
}

const char *answer_settings(const Cell *cell, Arena *arena) {
    if (!cell->search || !cell->search->winner)
        return "";
    return arena_print(arena, " (%s)", search_settings(cell->search, cell->search->winner, arena));
}

/* Cells of a line that press against one end of one axis. */
static int pressed(const char **batch, const Line *line, const char *axis, bool high,
                   Arena *arena) {
    int n = 0;
    for (int i = 0; i < line->n; i++) {
        const SearchCell *search = line->cell[i]->search;
        for (int e = 0; search && e < search->n_edges; e++)
            if (search->edge[e].high == high &&
                strcmp(search->axis[search->edge[e].axis].name, axis) == 0)
                batch[n++] = format_count((double)line->cell[i]->global_batch, arena);
    }
    return n;
}

const char *answer_edges(const Line *line, Arena *arena) {
    const SearchCell *search = line->n ? line->cell[0]->search : NULL;
    const char **batch = ARENA_ARRAY(arena, const char *, line->n + 1);
    Text text = text_new(arena);
    for (int a = 0; search && a < search->search.n_axes; a++)
        for (int high = 0; high < 2; high++) {
            const SearchAxis *axis = &search->axis[a];
            int n = pressed(batch, line, axis->name, high, arena);
            if (n == 0)
                continue;
            text_add(&text, "%sthe best %s lies at the %s end of its range, %.4g, at B = %s",
                     text.n ? "; " : "", search_short_name(axis->name), high ? "upper" : "lower",
                     high ? axis->max : axis->min, format_list(batch, n, arena));
        }
    if (text.n == 0)
        return NULL;
    return arena_print(arena, "Edge warning, %s: %s. Widen the range before trusting these cells.",
                       line->label, text.data);
}

const char *answer_edge_count(const Cells *cells, Arena *arena) {
    int n = 0, n_edges = 0;
    for (int i = 0; i < cells->n_cells; i++) {
        n += cells->cells[i].search != NULL;
        n_edges += cells->cells[i].search && cells->cells[i].search->n_edges;
    }
    return n_edges == 0
               ? NULL
               : arena_print(arena, "In %d of %s the optimum lies at an edge of what was searched.",
                             n_edges, format_plural(n, "searched cell", arena));
}
