/* Internal to advice: the statistical side of one line, at the batches that are considered. */
#ifndef LAB_ANALYZE_ADVICE_CURVE_H
#define LAB_ANALYZE_ADVICE_CURVE_H

#include "lab/analyze/advice.h"
#include "lab/base/rng.h"

typedef struct AdvicePoint {
    int64_t global_batch, mini_batch;
    double examples;      /* to the target */
    Interval examples_in; /* 90 %; NaN: unknown */
    bool extrapolated;
} AdvicePoint;

typedef struct AdviceCurve {
    const Hyperbola *fit; /* NULL: medians of trained batches */
    bool guessed_mini;    /* some mini-batch is that of a neighbour */
    int n;
    AdvicePoint *point; /* (n) by global batch */
} AdviceCurve;

/* Trained batches that every seed reached the target at, and powers of two between them; beyond
 * them only when the critical batch is identified, up to ADVICE_BEYOND times and below any batch at
 * which runs missed. Without a curve the batches whose median trial got there. */
void advice_curve_make(AdviceCurve *out, const Line *line, const Critical *critical, Arena *arena);

/* factor[i] (n): what point i's seconds would be multiplied by in the same study with other seeds
 * and steps; `step_error` is the sd of the log of a step. Only with a fit. */
void advice_curve_redraw(double *factor, const AdviceCurve *curve, double step_error, Rng *rng,
                         Arena *arena);

/* Index of a batch. */
int advice_curve_at(const AdviceCurve *curve, int64_t global_batch);

/* What was assumed, and what goes beyond what was measured (advice_notes.c). */
void advice_note(Advice *advice, const AdviceCurve *curve, Arena *arena);

#endif
