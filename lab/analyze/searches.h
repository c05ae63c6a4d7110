/* Searches: what a search found in each of its cells. Its points were tried at one seed; the best
 * of them, the winner, was run again with fresh seeds.
 *
 * Statistics come from those reruns alone. The winner was chosen because its one run looked best,
 * so that run is too good on average (the luckiest of many): counting it in would favour whatever
 * was searched longest. */
#ifndef LAB_ANALYZE_SEARCHES_H
#define LAB_ANALYZE_SEARCHES_H

#include "lab/store/search_record.h"

#define SEARCH_EDGE                                                                                \
    0.10             /* of the axis, in its scale: closer than this to an end is at the edge       \
                      */
#define SEARCH_TOP 3 /* best points that are looked at beside the winner */

typedef struct SearchPoint {
    int index;
    const RunRecord *run;
    const Json *values; /* of its settings */
    double *place;      /* (n_axes) 0 to 1 along the axis; of a choice, evenly by its list */
    int rank;           /* 1: the winner, when there is one */
} SearchPoint;

/* The best points press against an end of an axis: the optimum may lie beyond it. */
typedef struct SearchEdge {
    int axis;
    bool high;   /* the upper end */
    bool winner; /* the winner itself is there, not only most of the best SEARCH_TOP */
} SearchEdge;

/* Why a search point ended, as a table says it. */
typedef enum {
    POINT_REACHED,
    POINT_ENDED,  /* spent its budget, and there is no target */
    POINT_MISSED, /* spent its budget before the target */
    POINT_DIVERGED,
    POINT_PRUNED,
    POINT_FAILED,
    POINT_UNFINISHED,
    POINT_N
} PointEnd;

const char *point_end_name(PointEnd end); /* "reached", "missed", ... */
PointEnd point_end(const RunRecord *run);

typedef struct SearchCell {
    const char *id;
    RunSearch search;   /* of its first run: goal, algorithm */
    int trials;         /* points that were planned */
    SearchAxis *axis;   /* (search.n_axes) over everything that was tried */
    int n_points;       /* points that ran */
    SearchPoint *point; /* (n_points) by index */
    int n_of[POINT_N];
    const SearchPoint *best;   /* by the goal, NULL without points */
    const SearchPoint *winner; /* `best`, when it is worth running again */
    int n_reruns;
    const RunRecord **rerun; /* (n_reruns) of the winner, by seed */
    int n_edges;
    SearchEdge *edge; /* (n_edges) */
} SearchCell;

typedef struct Searches {
    int n;
    SearchCell *cell; /* by id */
} Searches;

/* Of `runs` (n), one full run a trial; those of no search are passed over. */
Searches searches_make(const RunRecord *const *runs, int n, Arena *arena);

/* What a point sets on an axis; NULL when it sets nothing there. */
const Json *search_value(const SearchPoint *point, const SearchAxis *axis);
/* Index of an axis by its dotted name, -1 when there is none. */
int search_axis_of(const SearchCell *cell, const char *name);

/* Smaller is better: examples to the target, 1 - accuracy or loss, by the goal; NaN: none. */
double search_cost(const SearchCell *cell, const RunRecord *run);
/* "examples to the target", "validation error", "validation loss". */
const char *search_cost_name(const SearchCell *cell);

/* Diverged among the points that ended; NaN when none did. */
double search_infeasible(const SearchCell *cell);

/* "lr 0.0316, momentum 0.95" */
const char *search_settings(const SearchCell *cell, const SearchPoint *point, Arena *arena);

/* "best lr 0.9 lies within 10 % of the upper end, 1", "" when nothing does. */
const char *search_edges(const SearchCell *cell, Arena *arena);

/* "lr.base" -> "lr", "optimizer.momentum" -> "momentum": the name of a setting in a sentence. */
const char *search_short_name(const char *name);

#endif
