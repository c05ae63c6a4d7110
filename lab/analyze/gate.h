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

#define GATE_CONFIDENCE 0.95 /* of the interval: `slower` and `faster` are wrong once in 40 each   \
                              */
#define GATE_POWER 0.80      /* of the stated detectable slowdown */
#define GATE_MARGIN 0.02     /* slowdowns that do not matter, unless the caller says otherwise */
#define GATE_BLIND 0.50      /* when not even this slowdown would be seen, `same` means nothing */

typedef enum { GATE_SAME, GATE_SLOWER, GATE_FASTER, GATE_MISSED, GATE_UNKNOWN } GateKind;

const char *gate_name(GateKind kind); /* "same", "slower", ... */

typedef struct GateInput {
    const double *reference, *checked; /* (n_reference), (n_checked) examples to the target */
    int n_reference, n_checked;
    double margin;  /* fraction of examples that does not matter */
    double quantum; /* examples between evaluations: what a result is rounded up to; 0: exact */
} GateInput;

typedef struct Gate {
    GateKind kind;
    double slowdown, low, high; /* more examples than the reference, as a fraction, with interval */
    double margin;
    double detectable; /* slowdown that these seeds see with GATE_POWER; NaN: none */
    int missed, n_checked, n_reference, reference_missed;
    const char
        *sentence; /* "same: 1.2 % more examples (-3.1 to 5.7 %); 5 seeds see a slowdown ..." */
} Gate;

/* Pooled t interval of log examples over all runs; when a run missed, over the runs inside the
 * lowest and the highest of each side (Yuen 1974). Two missing runs that the reference does not
 * explain are `missed`. */
Gate gate_check(const GateInput *input, Arena *arena);

/* What the reference would need at `batch`: on the lower convex hull of its (batch, examples)
 * points (n, any order), since E(B) is a straight line at best and never above one. NaN outside
 * them. */
double gate_hull(double batch, const double *batches, const double *examples, int n, Arena *arena);

#endif
