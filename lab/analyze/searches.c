#include "lab/analyze/searches.h"

#include "lab/analyze/format.h"
#include "lab/base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *point_end_name(PointEnd end) {
    static const char *const names[POINT_N] = {"reached", "ended",  "missed",    "diverged",
                                               "pruned",  "failed", "unfinished"};
    return names[end];
}

PointEnd point_end(const RunRecord *run) {
    switch (run->summary.outcome) {
    case OUTCOME_REACHED:
        return POINT_REACHED;
    case OUTCOME_BUDGET_SPENT:
        return run->header.metric ? POINT_MISSED : POINT_ENDED;
    case OUTCOME_DIVERGED:
        return POINT_DIVERGED;
    case OUTCOME_FAILED:
        return POINT_FAILED;
    default:
        return run->summary.pruned_at_step > 0 ? POINT_PRUNED : POINT_UNFINISHED;
    }
}

/* ---- axes */

static int index_in(const Json *list, const Json *wanted, Arena *arena) {
    const char *text = json_canonical(wanted, arena);
    int i = 0;
    JSON_EACH (value, list) {
        if (strcmp(json_canonical(value, arena), text) == 0)
            return i;
        i++;
    }
    return -1;
}

/* A search that was widened holds points of both its spaces: the axis covers them all. */
static void cover(SearchAxis *axis, const SearchAxis *other) {
    if (axis->scale != other->scale || axis->scale == SCALE_CHOICE)
        return;
    axis->min = fmin(axis->min, other->min);
    axis->max = fmax(axis->max, other->max);
}

static double place_of(const SearchAxis *axis, const Json *value, Arena *arena) {
    if (!value)
        return NAN;
    if (axis->scale != SCALE_CHOICE)
        return value->kind == JSON_NUMBER ? search_axis_place(axis, value->number) : NAN;
    int i = index_in(axis->values, value, arena), n = axis->values->n;
    return i < 0 ? NAN : n < 2 ? 0.5 : (double)i / (n - 1);
}

const Json *search_value(const SearchPoint *point, const SearchAxis *axis) {
    return json_find(point->values, axis->name);
}

int search_axis_of(const SearchCell *cell, const char *name) {
    for (int a = 0; a < cell->search.n_axes; a++)
        if (strcmp(cell->axis[a].name, name) == 0)
            return a;
    return -1;
}

/* ---- grouping */

typedef struct Searched {
    const RunRecord *run;
    RunSearch search;
    const Json *values;
} Searched;

/* By cell, points before reruns, then by index and seed. */
static int by_place(const void *a, const void *b) {
    const Searched *x = a, *y = b;
    int order = strcmp(x->search.cell, y->search.cell);
    if (order == 0)
        order = (int)x->search.role - (int)y->search.role;
    if (order == 0)
        order = x->search.point - y->search.point;
    if (order == 0)
        order = (x->run->header.seed > y->run->header.seed) -
                (x->run->header.seed < y->run->header.seed);
    return order ? order : strcmp(x->run->header.trial_id, y->run->header.trial_id);
}

static SearchResult result_of(const SearchPoint *point) {
    return (SearchResult){point->index, &point->run->summary};
}

typedef struct Ranked {
    SearchPoint *point;
    const SearchGoal *goal;
} Ranked;

static int by_goal(const void *a, const void *b) {
    const Ranked *x = a, *y = b;
    SearchResult p = result_of(x->point), q = result_of(y->point);
    return search_is_better(p, q, x->goal) ? -1 : search_is_better(q, p, x->goal) ? 1 : 0;
}

static void rank(SearchCell *cell, Arena *arena) {
    Ranked *ranked = ARENA_ARRAY(arena, Ranked, cell->n_points + 1);
    for (int i = 0; i < cell->n_points; i++)
        ranked[i] = (Ranked){&cell->point[i], &cell->search.goal};
    qsort(ranked, (size_t)cell->n_points, sizeof *ranked, by_goal);
    for (int i = 0; i < cell->n_points; i++)
        ranked[i].point->rank = i + 1;
    if (cell->n_points == 0)
        return;
    cell->best = ranked[0].point;
    if (search_can_win(&cell->best->run->summary))
        cell->winner = cell->best;
}

/* 1: at the upper end, -1: at the lower end, 0: at neither. */
static int side(double place) {
    return place < SEARCH_EDGE ? -1 : place > 1 - SEARCH_EDGE ? 1 : 0;
}

/* Does the winner press against an end, or do most of the best points against the same one? */
static void find_edges(SearchCell *cell, Arena *arena) {
    cell->edge = ARENA_ARRAY(arena, SearchEdge, cell->search.n_axes + 1);
    for (int a = 0; cell->winner && a < cell->search.n_axes; a++) {
        int own = side(cell->winner->place[a]), top = 0, n = 0;
        if (cell->axis[a].scale == SCALE_CHOICE)
            continue;
        for (int i = 0; i < cell->n_points; i++)
            if (cell->point[i].rank <= SEARCH_TOP && search_can_win(&cell->point[i].run->summary)) {
                top += side(cell->point[i].place[a]);
                n++;
            }
        int pressed = own ? own : n == SEARCH_TOP && abs(top) >= 2 ? top : 0;
        if (pressed)
            cell->edge[cell->n_edges++] = (SearchEdge){a, pressed > 0, own != 0};
    }
}

static void add_point(SearchCell *cell, const Searched *searched, Arena *arena) {
    SearchPoint *point = &cell->point[cell->n_points++];
    *point = (SearchPoint){.index = searched->search.point,
                           .run = searched->run,
                           .values = searched->values,
                           .place = ARENA_ARRAY(arena, double, cell->search.n_axes + 1)};
    for (int a = 0; a < cell->search.n_axes; a++)
        point->place[a] = place_of(&cell->axis[a], search_value(point, &cell->axis[a]), arena);
    cell->n_of[point_end(point->run)]++;
}

/* The winner is known by what it sets, not by its number: another seed of the search numbers other
 * points. */
static void add_reruns(SearchCell *cell, const Searched *all, int n, Arena *arena) {
    const char *wanted = cell->winner ? json_canonical(cell->winner->values, arena) : NULL;
    cell->rerun = ARENA_ARRAY(arena, const RunRecord *, n + 1);
    for (int i = 0; i < n; i++)
        if (all[i].search.role == SEARCH_RERUN && wanted &&
            strcmp(json_canonical(all[i].values, arena), wanted) == 0)
            cell->rerun[cell->n_reruns++] = all[i].run;
}

/* All runs of one cell. */
static SearchCell cell_of(const Searched *all, int n, Arena *arena) {
    SearchCell cell = {.id = all[0].search.cell,
                       .search = all[0].search,
                       .axis = ARENA_ARRAY(arena, SearchAxis, all[0].search.n_axes + 1),
                       .point = ARENA_ARRAY(arena, SearchPoint, n)};
    if (cell.search.n_axes)
        memcpy(cell.axis, cell.search.axis, sizeof(SearchAxis) * (size_t)cell.search.n_axes);
    for (int i = 0; i < n; i++) {
        const RunSearch *search = &all[i].search;
        cell.trials = search->trials > cell.trials ? search->trials : cell.trials;
        for (int a = 0; a < search->n_axes && search->n_axes == cell.search.n_axes; a++)
            if (strcmp(cell.axis[a].name, search->axis[a].name) == 0)
                cover(&cell.axis[a], &search->axis[a]);
    }
    for (int i = 0; i < n; i++)
        if (all[i].search.role == SEARCH_POINT)
            add_point(&cell, &all[i], arena);
    rank(&cell, arena);
    find_edges(&cell, arena);
    add_reruns(&cell, all, n, arena);
    return cell;
}

Searches searches_make(const RunRecord *const *runs, int n, Arena *arena) {
    Searches out = {.cell = ARENA_ARRAY(arena, SearchCell, n + 1)};
    Searched *all = ARENA_ARRAY(arena, Searched, n + 1);
    int n_searched = 0;
    for (int i = 0; i < n; i++) {
        Searched *one = &all[n_searched];
        one->run = runs[i];
        if (!run_search(&one->search, runs[i], arena))
            continue;
        one->values = json_find(runs[i]->search, "values");
        n_searched++;
    }
    if (n_searched)
        qsort(all, (size_t)n_searched, sizeof *all, by_place);
    for (int i = 0, end; i < n_searched; i = end) {
        for (end = i + 1; end < n_searched; end++)
            if (strcmp(all[i].search.cell, all[end].search.cell) != 0)
                break;
        out.cell[out.n++] = cell_of(&all[i], end - i, arena);
    }
    return out;
}

/* ---- what is said about them */

double search_cost(const SearchCell *cell, const RunRecord *run) {
    switch (cell->search.goal.metric) {
    case GOAL_EXAMPLES_TO_TARGET:
        return run->summary.examples_to_target;
    case GOAL_VALID_LOSS:
        return run->summary.best_valid_loss;
    default:
        return 1 - run->summary.best_valid_accuracy;
    }
}

const char *search_cost_name(const SearchCell *cell) {
    switch (cell->search.goal.metric) {
    case GOAL_EXAMPLES_TO_TARGET:
        return "examples to the target";
    case GOAL_VALID_LOSS:
        return "validation loss";
    default:
        return "validation error";
    }
}

double search_infeasible(const SearchCell *cell) {
    int ended = 0;
    for (int e = 0; e <= POINT_PRUNED; e++)
        ended += cell->n_of[e];
    return ended ? (double)cell->n_of[POINT_DIVERGED] / ended : NAN;
}

const char *search_short_name(const char *name) {
    if (strcmp(name, "lr.base") == 0)
        return "lr";
    const char *dot = strrchr(name, '.');
    return dot ? dot + 1 : name;
}

static const char *value_text(const Json *value, Arena *arena) {
    if (value->kind == JSON_NUMBER)
        return arena_print(arena, "%.4g", value->number);
    const Json *name = value->kind == JSON_OBJECT ? json_find(value, "name") : NULL;
    return value->kind == JSON_TEXT          ? value->text
           : name && name->kind == JSON_TEXT ? name->text
                                             : json_canonical(value, arena);
}

const char *search_settings(const SearchCell *cell, const SearchPoint *point, Arena *arena) {
    Text text = text_new(arena);
    for (int a = 0; a < cell->search.n_axes; a++) {
        const Json *value = search_value(point, &cell->axis[a]);
        if (value)
            text_add(&text, "%s%s %s", text.n ? ", " : "", search_short_name(cell->axis[a].name),
                     value_text(value, arena));
    }
    return text.data;
}

const char *search_edges(const SearchCell *cell, Arena *arena) {
    Text text = text_new(arena);
    for (int e = 0; e < cell->n_edges; e++) {
        const SearchEdge *edge = &cell->edge[e];
        const SearchAxis *axis = &cell->axis[edge->axis];
        const char *name = search_short_name(axis->name);
        const Json *value = search_value(cell->winner, axis);
        text_add(&text, "%s", e ? "; " : "");
        if (edge->winner)
            text_add(&text, "best %s %s lies", name, value_text(value, arena));
        else
            text_add(&text, "most of the best %d points lie", SEARCH_TOP);
        text_add(&text, " within %.0f %% of the %s end of %s, %.4g", 100 * SEARCH_EDGE,
                 edge->high ? "upper" : "lower", name, edge->high ? axis->max : axis->min);
    }
    return text.data;
}
