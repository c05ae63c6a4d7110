/* Gate: did training change? Two lists of examples-to-target, one of the reference and one of what
 * is checked, over seeds; NaN stands for a run that missed the target. Everything here is a
 * function of such lists; who runs the seeds and keeps the references is another matter. */
#ifndef LAB_ANALYZE_GATE_H
#define LAB_ANALYZE_GATE_H

#include "lab/base/arena.h"

/* ---- the rule of MLPerf's reference convergence points, which refuses what is too fast */

/* Mean without the lowest and the highest of n >= 3 (a miss is the highest); a plain mean below
 * three. *n_kept and *sd (dividing by n_kept, as the rule does) may be NULL. NaN when a kept run
 * missed. */
double gate_olympic(const double *x, int n, int *n_kept, double *sd);

/* Smallest Olympic mean that `n_checked` runs may have: m_ref - t(0.95, n1 + n2 - 2) s sqrt(1/n1 +
 * 1/n2), n1 and n2 the runs kept. NaN when either side keeps none or too few. */
double gate_minimum(const double *reference, int n_reference, int n_checked);

/* ---- ours, two-sided */

#define GATE_ALARM                                                                                 \
    0.05                 /* chance that unchanged code fails a whole check, all its cells together \
                          */
#define GATE_POWER 0.80  /* of the stated detectable slowdown */
#define GATE_MARGIN 0.02 /* slowdowns that do not matter, unless the caller says otherwise */
#define GATE_BLIND 0.50  /* when not even this slowdown would be seen, `same` means nothing */

typedef enum { GATE_SAME, GATE_SLOWER, GATE_FASTER, GATE_MISSED, GATE_UNKNOWN } GateKind;

const char *gate_name(GateKind kind); /* "same", "slower", ... */

typedef struct GateInput {
    const double *reference, *checked; /* (n_reference), (n_checked) examples to the target */
    int n_reference, n_checked;
    double margin;  /* fraction of examples that does not matter */
    double quantum; /* examples between evaluations: what a result is rounded up to; 0: exact */
    double budget;  /* examples after which a run gives up, so a miss is later; 0: not known */
    int n_cells;    /* comparisons that share GATE_ALARM, because any of them fails the check */
} GateInput;

typedef struct Gate {
    GateKind kind;
    double slowdown, low, high; /* more examples than the reference, as a fraction, with interval */
    double pass_low, pass_high; /* a mean number of examples between these passes */
    double margin;
    double detectable; /* slowdown that these seeds see with GATE_POWER; NaN: none */
    int missed, n_checked, n_reference, reference_missed;
    const char *sentence; /* "same: 1.2 % more examples than the reference (-3.1 to 5.7 %); ..." */
} Gate;

/* `slower` and `faster` are shown: the pooled t interval of log examples lies beyond the margin,
 * at the confidence that leaves n_cells comparisons GATE_ALARM together. When a run missed, the
 * interval is of the runs inside the lowest and the highest of each side (Yuen 1974), and `missed`
 * is shown in one of two ways: more runs missed than the reference explains (gate_miss_chance), or
 * half of them and more where the reference never does, so late that counting them at their budget
 * suffices. */
Gate gate_check(const GateInput *input, Arena *arena);

/* Boschloo's exact test: the largest chance, over all probabilities of a miss that both sides could
 * share, of a table as lopsided (by Fisher's one-sided test) as this one. */
double gate_miss_chance(int missed, int n_checked, int reference_missed, int n_reference);

/* What the reference would need at `batch`: on the lower convex hull of its (batch, examples)
 * points (n, any order), since E(B) is a straight line at best and never above one. NaN outside
 * them. */
double gate_hull(double batch, const double *batches, const double *examples, int n, Arena *arena);

#endif
