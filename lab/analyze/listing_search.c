/* The tables of searches. */
#include "lab/analyze/listing.h"

#include <math.h>
#include <string.h>

/* ---- search.tsv: a row a point */

static const TableColumn before[] = {
    {"series", NULL}, {"global_batch", "examples"}, {"cell", NULL},    {"point", "1"},
    {"rank", "1"},    {"winner", "flag"},           {"outcome", NULL},
};

static const TableColumn after[] = {
    {"steps_to_target", "steps"},
    {"examples_to_target", "examples"},
    {"best_valid_accuracy", "1"},
    {"best_valid_loss", "nat"},
    {"steps_run", "steps"},
    {"pruned_at_step", "steps"},
    {"seed", "1"},
    {"trial_id", NULL},
};

#define N_BEFORE ((int)(sizeof before / sizeof *before))
#define N_AFTER ((int)(sizeof after / sizeof *after))

/* The axes of all searches, one column each. */
typedef struct AxisColumns {
    int n;
    const SearchAxis **axis; /* (n) */
} AxisColumns;

static AxisColumns axes_of(const Cells *cells, Arena *arena) {
    int room = 1;
    for (int i = 0; i < cells->n_cells; i++)
        room += cells->cells[i].search ? cells->cells[i].search->search.n_axes : 0;
    AxisColumns out = {.axis = ARENA_ARRAY(arena, const SearchAxis *, room)};
    for (int i = 0; i < cells->n_cells; i++) {
        const SearchCell *search = cells->cells[i].search;
        for (int a = 0; search && a < search->search.n_axes; a++) {
            bool known = false;
            for (int k = 0; k < out.n; k++)
                known |= strcmp(out.axis[k]->name, search->axis[a].name) == 0;
            if (!known)
                out.axis[out.n++] = &search->axis[a];
        }
    }
    return out;
}

static void add_setting(Table *out, const SearchPoint *point, const SearchAxis *axis) {
    const Json *value = search_value(point, axis);
    if (axis->scale != SCALE_CHOICE)
        table_number(out, value && value->kind == JSON_NUMBER ? value->number : NAN);
    else
        table_text(out, !value                     ? ""
                        : value->kind == JSON_TEXT ? value->text
                                                   : json_canonical(value, out->arena));
}

static void add_point(Table *out, const char *label, const SearchCell *search,
                      const SearchPoint *point, const AxisColumns *axes) {
    const RunRecord *run = point->run;
    const RunSummary *summary = &run->summary;
    table_text(out, label);
    table_number(out, (double)run->header.global_batch);
    table_text(out, search->id);
    table_number(out, point->index);
    table_number(out, point->rank);
    table_number(out, point == search->winner);
    table_text(out, point_end_name(point_end(run)));
    for (int a = 0; a < axes->n; a++)
        add_setting(out, point, axes->axis[a]);
    table_number(out, summary->steps_to_target);
    table_number(out, summary->examples_to_target);
    table_number(out, summary->best_valid_accuracy);
    table_number(out, summary->best_valid_loss);
    table_number(out, (double)summary->steps_run);
    table_number(out, summary->pruned_at_step > 0 ? (double)summary->pruned_at_step : NAN);
    table_number(out, (double)run->header.seed);
    table_text(out, run->header.trial_id);
}

Table *listing_search(const Results *results, Arena *arena) {
    const Cells *cells = results->cells;
    AxisColumns axes = axes_of(cells, arena);
    TableColumn *columns = ARENA_ARRAY(arena, TableColumn, N_BEFORE + axes.n + N_AFTER);
    memcpy(columns, before, sizeof before);
    for (int a = 0; a < axes.n; a++)
        columns[N_BEFORE + a] =
            (TableColumn){axes.axis[a]->name, axes.axis[a]->scale == SCALE_CHOICE ? NULL : "1"};
    memcpy(&columns[N_BEFORE + axes.n], after, sizeof after);
    Table *out = table_new("search", columns, N_BEFORE + axes.n + N_AFTER, arena);
    for (int i = 0; i < cells->n_cells; i++) {
        const SearchCell *search = cells->cells[i].search;
        for (int p = 0; search && p < search->n_points; p++)
            add_point(out, cells->series[cells->cells[i].series].label, search, &search->point[p],
                      &axes);
    }
    return out;
}

/* ---- search_cells.tsv: a row a cell */

static const TableColumn cell_columns[] = {
    {"series", NULL},
    {"global_batch", "examples"},
    {"cell", NULL},
    {"algorithm", NULL},
    {"trials", "1"},
    {"ran", "1"},
    {"reached", "1"},
    {"ended", "1"},
    {"missed", "1"},
    {"diverged", "1"},
    {"pruned", "1"},
    {"failed", "1"},
    {"unfinished", "1"},
    {"infeasible", "1"}, /* diverged among those that ended */
    {"best_point", "1"},
    {"settings", NULL},
    {"edge", NULL},         /* warning, empty: none */
    {"own_steps", "steps"}, /* of the one run that won: too good on average */
    {"own_examples", "examples"},
    {"reruns", "1"},
    {"reruns_reached", "1"},
    {"selected", "flag"}, /* no rerun: the numbers that follow are those of the run that won */
    {"steps_median", "steps"},
    {"steps_low", "steps"},
    {"steps_high", "steps"},
    {"examples_median", "examples"},
    {"examples_low", "examples"},
    {"examples_high", "examples"},
    {"best_valid_accuracy", "1"},
    {"final_valid_loss", "nat"},
};

static void add_winner(Table *out, const SearchCell *search, Arena *arena) {
    const SearchPoint *winner = search->winner;
    table_number(out, winner ? (double)winner->index : NAN);
    table_text(out, winner ? search_settings(search, winner, arena) : "");
    table_text(out, search_edges(search, arena));
    table_number(out, winner ? winner->run->summary.steps_to_target : NAN);
    table_number(out, winner ? winner->run->summary.examples_to_target : NAN);
    int reached = 0;
    for (int r = 0; r < search->n_reruns; r++)
        reached += search->rerun[r]->summary.outcome == OUTCOME_REACHED;
    table_number(out, search->n_reruns);
    table_number(out, reached);
}

static void add_spread(Table *out, const Spread *spread) {
    table_number(out, spread->median);
    table_number(out, spread->low);
    table_number(out, spread->high);
}

static void add_cell(Table *out, const char *label, const Cell *cell, Arena *arena) {
    const SearchCell *search = cell->search;
    table_text(out, label);
    table_number(out, (double)cell->global_batch);
    table_text(out, search->id);
    table_text(out, search->search.algorithm);
    table_number(out, search->trials);
    table_number(out, search->n_points);
    for (int e = 0; e < POINT_N; e++)
        table_number(out, search->n_of[e]);
    table_number(out, search_infeasible(search));
    add_winner(out, search, arena);
    table_number(out, cell->selected);
    add_spread(out, &cell->steps);
    add_spread(out, &cell->examples);
    table_number(out, cell->best_accuracy.median);
    table_number(out, cell->final_loss.median);
}

Table *listing_search_cells(const Results *results, Arena *arena) {
    const Cells *cells = results->cells;
    Table *out =
        table_new("search_cells", cell_columns, sizeof cell_columns / sizeof *cell_columns, arena);
    for (int i = 0; i < cells->n_cells; i++)
        if (cells->cells[i].search)
            add_cell(out, cells->series[cells->cells[i].series].label, &cells->cells[i], arena);
    return out;
}
