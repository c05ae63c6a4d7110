/* The response of a search: what every point of it reached, along each axis; a panel an optimizer
 * and axis, a colour a global batch. */
#include "lab/analyze/axis_tics.h"
#include "lab/analyze/figure.h"
#include "lab/analyze/format.h"
#include "lab/base/text.h"

#include <math.h>
#include <stdlib.h>

#define MAX_PANELS 12
#define TALL_PANELS 4 /* panels over the whole width; more stand in two columns */

/* kind 0: a point, 1: a tic of the panel's axis. `end`: 0 got there, 1 missed, 2 diverged, 3
 * pruned, 4 failed or unfinished. */
static const TableColumn columns[] = {
    {"panel", "1"},
    {"title", NULL},
    {"kind", "1"},
    {"batch_rank", "1"},
    {"global_batch", "examples"},
    {"place", "1"},
    {"value", NULL},
    {"response", "steps, 1 or nat"},
    {"end", "1"},
    {"winner", "flag"},
    {"response_name", NULL},
    {"axes", "1"}, /* of the search: along one the points are joined */
    {"point", "1"},
};

static const SearchCell *search_of(const Line *line) {
    for (int i = 0; i < line->n; i++)
        if (line->cell[i]->search)
            return line->cell[i]->search;
    return NULL;
}

static const char *missing(const Results *results, Arena *arena) {
    (void)arena;
    for (int l = 0; l < results->lines.n; l++) {
        const SearchCell *search = search_of(&results->lines.line[l]);
        if (search && search->search.n_axes)
            return NULL;
    }
    return "nothing was searched";
}

/* Steps where examples are sought: batches then lie above each other instead of on each other. */
static double response_of(const SearchCell *search, const RunRecord *run) {
    if (search->search.goal.metric == GOAL_EXAMPLES_TO_TARGET)
        return run->summary.steps_to_target;
    return search_can_win(&run->summary) ? search_cost(search, run) : NAN;
}

static const char *response_name(const SearchCell *search) {
    return search->search.goal.metric == GOAL_EXAMPLES_TO_TARGET ? "steps to the target"
                                                                 : search_cost_name(search);
}

static int end_of(const RunRecord *run) {
    static const int end[POINT_N] = {0, 0, 1, 2, 3, 4, 4};
    return end[point_end(run)];
}

static int by_place(const void *a, const void *b) {
    double x = **(const double *const *)a, y = **(const double *const *)b;
    return (x > y) - (x < y);
}

/* Points of a cell along an axis, in its order. */
static void add_cell(Table *out, int panel, const char *title, int batch_rank,
                     const SearchCell *search, int axis, Arena *arena) {
    const double **order = ARENA_ARRAY(arena, const double *, search->n_points + 1);
    for (int p = 0; p < search->n_points; p++)
        order[p] = &search->point[p].place[axis];
    qsort(order, (size_t)search->n_points, sizeof *order, by_place);
    for (int i = 0; i < search->n_points; i++) {
        const SearchPoint *point = search->point;
        while (&point->place[axis] != order[i])
            point++;
        const Json *value = search_value(point, &search->axis[axis]);
        table_number(out, panel);
        table_text(out, title);
        table_number(out, 0);
        table_number(out, batch_rank);
        table_number(out, (double)point->run->header.global_batch);
        table_number(out, point->place[axis]);
        table_text(out, value ? json_canonical(value, arena) : "");
        table_number(out, response_of(search, point->run));
        table_number(out, end_of(point->run));
        table_number(out, point == search->winner);
        table_text(out, response_name(search));
        table_number(out, search->search.n_axes);
        table_number(out, point->index);
    }
}

static void add_tics(Table *out, int panel, const char *title, const SearchCell *search, int axis,
                     double apart, Arena *arena) {
    AxisTic tic[AXIS_TICS_MAX];
    int n = axis_tics(tic, &search->axis[axis], apart, arena);
    for (int i = 0; i < n; i++) {
        table_number(out, panel);
        table_text(out, title);
        table_number(out, 1);
        table_number(out, NAN);
        table_number(out, NAN);
        table_number(out, tic[i].place);
        table_text(out, tic[i].label);
        for (int c = 0; c < 3; c++)
            table_number(out, NAN);
        table_text(out, response_name(search));
        table_number(out, search->search.n_axes);
        table_number(out, NAN);
    }
}

/* One optimizer along one axis, at the batches that have a colour. */
static void add_panel(Table *out, int panel, const Line *line, int axis, const int64_t *batches,
                      int n_batches, double apart, Arena *arena) {
    const SearchCell *first = search_of(line);
    const char *name = first->axis[axis].name;
    const char *title = arena_print(arena, "%s: %s", line->label, search_short_name(name));
    add_tics(out, panel, title, first, axis, apart, arena);
    for (int b = 0; b < n_batches; b++) {
        const Cell *cell = line_at(line, batches[b]);
        int own = cell && cell->search ? search_axis_of(cell->search, name) : -1;
        if (own >= 0)
            add_cell(out, panel, title, b + 1, cell->search, own, arena);
    }
}

static int count_panels(const Results *results) {
    int n = 0;
    for (int l = 0; l < results->lines.n; l++) {
        const SearchCell *search = search_of(&results->lines.line[l]);
        n += search ? search->search.n_axes : 0;
    }
    return n;
}

/* The lines that were searched. */
static Lines searched_lines(const Results *results, Arena *arena) {
    Lines out = {.line = ARENA_ARRAY(arena, Line, results->lines.n + 1)};
    for (int l = 0; l < results->lines.n; l++)
        if (search_of(&results->lines.line[l]))
            out.line[out.n++] = results->lines.line[l];
    return out;
}

static Table *table(const Results *results, Arena *arena) {
    Table *out = table_new("search_response", columns, sizeof columns / sizeof *columns, arena);
    Lines lines = searched_lines(results, arena);
    int64_t batches[LINES_MAX];
    int n_batches = lines_batches(batches, &lines, lines.n, arena), panel = 0;
    double apart = count_panels(results) > TALL_PANELS ? 0.24 : 0.12; /* a label's width */
    for (int l = 0; l < lines.n; l++) {
        const SearchCell *search = search_of(&lines.line[l]);
        for (int a = 0; a < search->search.n_axes && panel < MAX_PANELS; a++)
            add_panel(out, ++panel, &lines.line[l], a, batches, n_batches, apart, arena);
    }
    return out;
}

static const char *caption(const Results *results, Arena *arena) {
    Text text = text_new(arena);
    int n_cells = 0, n_points = 0, n_diverged = 0, n_edges = 0, n_panels = count_panels(results);
    for (int i = 0; i < results->cells->n_cells; i++) {
        const SearchCell *search = results->cells->cells[i].search;
        if (!search)
            continue;
        n_cells++;
        n_points += search->n_points;
        n_diverged += search->n_of[POINT_DIVERGED];
        n_edges += search->n_edges > 0;
    }
    text_add(&text,
             "%s in %s; rings: the winner of each batch. At the top, each batch in a row of its "
             "own: points that diverged (crosses), missed the target (triangles), were pruned "
             "(squares) or did not end (stars). Grey: within %.0f %% of an end of the range, where "
             "an optimum is a bound. %s of the points diverged",
             format_plural(n_points, "point", arena), format_plural(n_cells, "cell", arena),
             100 * SEARCH_EDGE, format_percent((double)n_diverged / fmax(1, n_points), arena));
    if (n_edges)
        text_add(&text, "; in %s of %s the optimum lies at an edge", format_count(n_edges, arena),
                 format_plural(n_cells, "cell", arena));
    text_add(&text, ".");
    if (n_panels > MAX_PANELS)
        text_add(&text, " %d of %d panels are drawn; every point is in tables/search.tsv.",
                 MAX_PANELS, n_panels);
    return text.data;
}

FIGURE_TYPE(search_response) = {
    .kind = {.name = "search_response",
             .summary = "What the search found along each axis",
             .detail = "A flat bottom forgives a wrong setting; a narrow one that moves with the "
                       "batch needs tuning at every batch.",
             .reference = "Shallue et al. 2019, JMLR 20(112)"},
    .missing = missing,
    .table = table,
    .caption = caption,
};
