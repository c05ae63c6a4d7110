/* What was searched, and what the search found in every cell. */
#include "lab/analyze/report.h"

#include "lab/analyze/format.h"
#include "lab/analyze/html.h"

#include <math.h>
#include <string.h>

#define MAX_ROWS 200

static const char *axis_text(const SearchAxis *axis, Arena *arena) {
    static const char *const scales[] = {"linear", "logarithmic", "logarithmic in 1 - x"};
    if (axis->scale == SCALE_CHOICE)
        return arena_print(arena, "%s (%s)", axis->name,
                           format_plural(axis->values->n, "value", arena));
    return arena_print(arena, "%s from %.4g to %.4g (%s)", axis->name, axis->min, axis->max,
                       scales[axis->scale]);
}

/* One sentence for every search that is not like the one before: lines may have spaces of their
 * own. */
static void add_spaces(Text *out, const Cells *cells, Arena *arena) {
    const char *said = NULL;
    text_add(out, "<ul>\n");
    for (int i = 0; i < cells->n_cells; i++) {
        const SearchCell *search = cells->cells[i].search;
        if (!search)
            continue;
        const char **axes = ARENA_ARRAY(arena, const char *, search->search.n_axes + 1);
        for (int a = 0; a < search->search.n_axes; a++)
            axes[a] = axis_text(&search->axis[a], arena);
        const char *text = arena_print(
            arena, "%s: %s trials in every cell (%s) over %s",
            cells->series[cells->cells[i].series].label, format_count(search->trials, arena),
            search->search.algorithm, format_list(axes, search->search.n_axes, arena));
        if (!said || strcmp(said, text) != 0)
            html_element(out, "li", text);
        said = text;
    }
    text_add(out, "</ul>\n");
}

static const TableColumn columns[] = {
    {"series", NULL},
    {"global_batch", "examples"},
    {"best_settings", NULL},
    {"examples_to_target", "reruns' median (range)"},
    {"best_valid_accuracy", "reruns' median, %"},
    {"reruns", NULL},
    {"points", NULL},
    {"diverged", "%"},
    {"warning", NULL},
};

/* "12: 9 reached, 2 diverged, 1 pruned" */
static const char *points_text(const SearchCell *search, Arena *arena) {
    const char *parts[POINT_N];
    int n = 0;
    for (int e = 0; e < POINT_N; e++)
        if (search->n_of[e])
            parts[n++] = arena_print(arena, "%d %s", search->n_of[e], point_end_name((PointEnd)e));
    const char *missing =
        search->n_points < search->trials ? arena_print(arena, " of %d", search->trials) : "";
    return arena_print(arena, "%d%s: %s", search->n_points, missing, format_list(parts, n, arena));
}

static const char *spread_text(const Spread *spread, Arena *arena) {
    if (!isfinite(spread->median))
        return "-";
    if (spread->low == spread->high)
        return format_count(spread->median, arena);
    return arena_print(arena, "%s (%s-%s)", format_count(spread->median, arena),
                       format_count(spread->low, arena), format_count(spread->high, arena));
}

static const char *warning_text(const Cell *cell, Arena *arena) {
    const SearchCell *search = cell->search;
    if (!search->winner)
        return "no point is worth running again";
    const char *own = search->search.goal.metric == GOAL_EXAMPLES_TO_TARGET &&
                              search->winner->run->summary.outcome != OUTCOME_REACHED
                          ? "no point reached the target"
                          : "";
    const char *edges = search_edges(search, arena);
    return arena_print(arena, "%s%s%s", own, *own && *edges ? "; " : "", edges);
}

static void add_row(Table *table, const char *label, const Cell *cell, Arena *arena) {
    const SearchCell *search = cell->search;
    table_text(table, label);
    table_number(table, (double)cell->global_batch);
    table_text(table, search->winner ? search_settings(search, search->winner, arena) : "-");
    table_text(table, spread_text(&cell->examples, arena));
    table_number(table, 100 * cell->best_accuracy.median);
    table_text(table, cell->selected ? "none: the search's own run"
                                     : arena_print(arena, "%d of %d reached",
                                                   cell->n_of[OUTCOME_REACHED], cell->n_trials));
    table_text(table, points_text(search, arena));
    table_number(table, 100 * search_infeasible(search));
    table_text(table, warning_text(cell, arena));
}

static void add_note(Text *out, const Cells *cells) {
    bool selected = false;
    for (int i = 0; i < cells->n_cells; i++)
        selected |= cells->cells[i].selected;
    text_add(out,
             "<p class=\"note\">Medians, intervals and fits of a searched cell are of its winner's "
             "reruns with fresh seeds. The run that won is left out of them: it was chosen among "
             "many because it looked best, so it is too good on average.%s Every point, with its "
             "outcome, is in tables/search.tsv.</p>\n",
             selected ? " Cells without a rerun show that run all the same, and say so." : "");
}

void report_search(Text *out, const Results *results, Arena *arena) {
    const Cells *cells = results->cells;
    Table *table = table_new("search_cells", columns, sizeof columns / sizeof *columns, arena);
    for (int i = 0; i < cells->n_cells; i++)
        if (cells->cells[i].search)
            add_row(table, cells->series[cells->cells[i].series].label, &cells->cells[i], arena);
    if (table_rows(table) == 0)
        return;
    text_add(out, "<section id=\"search\">\n<h2>The search</h2>\n");
    add_spaces(out, cells, arena);
    html_table(out, table, MAX_ROWS, arena);
    add_note(out, cells);
    text_add(out, "</section>\n");
}
