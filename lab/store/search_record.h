/* What a run knows of the search it belongs to, and the ranking of a search's points, which those
 * who run the winner again and those who report it must share.
 *
 * A search tries the same points in every cell: trials that differ only in the searched settings
 * and the seed. Its first stage trains every point at the first seed; the second trains the best
 * point of each cell again with fresh seeds. In the journal's header and as HDF5 attribute
 * `search` this is one JSON object:
 *
 *   {"cell": "0123456789abcdef", "point": 3, "role": "point", "trials": 16,
 *    "algorithm": "halton", "seed": 0,
 *    "space": {"lr.base": {"min": 0.001, "max": 1, "scale": "log"}},
 *    "values": {"lr.base": 0.0316228},
 *    "goal": {"metric": "examples_to_target", "direction": "minimize",
 *             "otherwise": "valid_accuracy"}}
 */
#ifndef LAB_STORE_SEARCH_RECORD_H
#define LAB_STORE_SEARCH_RECORD_H

#include "lab/store/run.h"
#include "lab/store/search_axis.h"

typedef enum {
    SEARCH_POINT, /* one of the points, at the first seed */
    SEARCH_RERUN, /* the best of them once more, with another seed */
} SearchRole;

typedef enum {
    GOAL_EXAMPLES_TO_TARGET,
    GOAL_VALID_ACCURACY, /* best of all evaluations */
    GOAL_VALID_LOSS,     /* best of all evaluations */
    GOAL_N
} GoalMetric;

extern const char *const goal_metric_names[]; /* as in JSON, NULL-terminated */

typedef struct SearchGoal {
    GoalMetric metric;
    bool maximize;
    GoalMetric otherwise; /* ranks equals, and those that missed the target; never examples */
} SearchGoal;

typedef struct RunSearch {
    const char *cell; /* 16 hex digits */
    int point;        /* 0 .. trials - 1 */
    SearchRole role;
    int trials; /* points of the cell, when this run was made: they may have become more */
    const char *algorithm;
    int64_t seed; /* of the search */
    int n_axes;
    const SearchAxis *axis;   /* (n_axes) by name */
    const Json *const *value; /* (n_axes) what this point sets; a number unless it is a choice */
    SearchGoal goal;
} RunSearch;

#define SEARCH_CELL_ROOM 17

/* False: the run belongs to no search (or a newer program wrote something else there). */
bool run_search(RunSearch *out, const RunRecord *run, Arena *arena);
/* The same from the object itself. */
bool run_search_read(RunSearch *out, const Json *object, Arena *arena);
Json *run_search_write(const RunSearch *search, Arena *arena);

Json *search_goal_write(const SearchGoal *goal, Arena *arena);
/* What a search seeks when nobody says: fewest examples where there is a target, else the best
 * accuracy, or the smallest loss where there are no classes. `metric` is that of the stop rule,
 * NULL without. */
SearchGoal search_goal_default(const char *metric, bool has_classes);

/* One point and how it ended. */
typedef struct SearchResult {
    int point;
    const RunSummary *summary;
} SearchResult;

/* The ranking. Points that ended by themselves come before pruned ones, those before diverged,
 * failed and unfinished ones. Among the first, those that reached the target come first, by the
 * goal's metric; then `otherwise`; then the smaller point. */
bool search_is_better(SearchResult a, SearchResult b, const SearchGoal *goal);
/* A winner is worth running again: it did not diverge, fail or stop half-way. */
bool search_can_win(const RunSummary *summary);

#endif
