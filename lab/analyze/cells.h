/* Cells: the statistical side. Trials that differ only in their seed form a cell; cells that
 * continue each other over the global batch form a series, one line in a figure. A search is one
 * cell per cell of its sweep, and its winner speaks for it (searches.h). */
#ifndef LAB_ANALYZE_CELLS_H
#define LAB_ANALYZE_CELLS_H

#include "lab/analyze/searches.h"

/* A quantity over the seeds of a cell. A trial that never got there counts as later than all
 * others, so the median is NaN when half of the trials or more missed. */
typedef struct Spread {
    int n;                    /* trials with a value */
    double median, low, high; /* low and high: smallest and largest value there is, NaN for n = 0 */
} Spread;

typedef struct Cell {
    const char *config;       /* canonical JSON without the seed: what makes the cell */
    const SearchCell *search; /* what was searched here, NULL: nothing */
    bool selected; /* of a search without reruns: its one run was chosen because it looked best */
    const RunRecord *first;
    int series; /* index into Cells.series */
    int64_t global_batch, mini_batch;
    bool has_target;
    int n_trials;
    const RunRecord **runs; /* (n_trials) the full run of each trial, by seed */
    int n_of[OUTCOME_N];    /* trials by outcome */
    Spread steps, examples,
        seconds; /* to target; seconds only of runs that had the machine to themselves */
    Spread final_accuracy, best_accuracy, test_accuracy, final_loss,
        best_loss; /* validation; test at the best validation */
} Cell;

typedef struct Series {
    const char *label; /* "momentum" or "momentum, scaling linear": what tells it from the others */
    const char *optimizer;
    int n_cells;
    Cell *cells; /* (n_cells) by global_batch */
} Series;

typedef struct Cells {
    int n_cells;
    Cell *cells; /* in the order of the series */
    int n_series;
    Series *series; /* optimizers in the order of their registry */
} Cells;

/* One full run per trial among `runs` (n), a finished one if there is one, equal configs together
 * and in them by seed: of ordinary trials, or of branches off them. Runs without a parsed config
 * are left out. */
const RunRecord **cells_speaking(int *n_out, const RunRecord *runs, int n, bool branches,
                                 Arena *arena);

/* Groups the ordinary trials among `runs` (n); branches stand in branched.h. */
Cells *cells_make(const RunRecord *runs, int n, Arena *arena);

/* Trials that ended by themselves: reached, budget spent or diverged. */
int cell_n_done(const Cell *cell);

/* Place of an optimizer in its registry; unknown ones come last. */
int cells_optimizer_rank(const char *name);

/* Spread of `values` (n), NaN for "never". */
Spread spread_make(const double *values, int n, Arena *arena);

#endif
