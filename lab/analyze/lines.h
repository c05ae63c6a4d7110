/* Lines: which series a figure draws. A figure stays readable with at most LINES_MAX of them;
 * beyond that each optimizer is represented by its best setting at every global batch (the protocol
 * of Shallue et al. 2019). */
#ifndef LAB_ANALYZE_LINES_H
#define LAB_ANALYZE_LINES_H

#include "lab/analyze/cells.h"

#define LINES_MAX 8
#define LINES_LABEL_WIDTH 52 /* characters of a legend entry that fit under a figure */

typedef struct Line {
    const char *label;
    int n;
    const Cell **cell; /* (n) by global_batch */
} Line;

typedef struct Lines {
    int n;
    Line *line;
    bool best_only; /* the lines show the best settings, not every series */
    int n_left_out; /* optimizers beyond LINES_MAX */
} Lines;

Lines lines_make(const Cells *cells, Arena *arena);

/* The same cells over the mini-batch: a line for each global batch, and for each of whatever else
 * differs, at which several mini-batches were trained; its cells by mini_batch. Lines beyond
 * LINES_MAX are left out. */
Lines lines_by_mini_batch(const Cells *cells, Arena *arena);

/* Why a figure against the global batch would show points without a line, as a sentence: only the
 * mini-batch was swept. NULL: it would not. */
const char *lines_flat(const Lines *lines, const Cells *cells, Arena *arena);

/* True when `a` did better than `b`: reached in more trials, then with fewer examples, then the
 * better accuracy. */
bool cell_is_better(const Cell *a, const Cell *b);

/* The global batches of the first `n_lines` lines, each once, growing; at most LINES_MAX of them.
 * Figures with a panel a line give each batch one colour in all panels. Returns how many. */
int lines_batches(int64_t batches[LINES_MAX], const Lines *lines, int n_lines, Arena *arena);

/* The cell of a line at a global batch, or NULL. */
const Cell *line_at(const Line *line, int64_t global_batch);

/* Indices of at most `most` of n things, evenly spread, first and last among them. Returns how
 * many. */
int lines_spread(int *index, int n, int most);

#endif
