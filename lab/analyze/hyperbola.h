/* Hyperbola: examples to the target against the global batch,
 *     E(B) = E_min (1 + B / B_crit),  S(B) = S_min + E_min / B,  B_crit = E_min / S_min
 * (McCandlish et al. 2018, arXiv 1812.06162; Shallue et al. 2019), fitted by least squares with
 * E_min, S_min >= 0, and intervals that hold what they promise. Which interval and why:
 * notebooks/design/0006-critical-batch.md. */
#ifndef LAB_ANALYZE_HYPERBOLA_H
#define LAB_ANALYZE_HYPERBOLA_H

#include "lab/analyze/profile.h"

#include <stdint.h>

#define HYPERBOLA_CONFIDENCE 0.90
/* A side of B_crit counts as told from nothing only at this confidence (two-sided): else the
 * interval is open there. */
#define HYPERBOLA_SURE 0.99
#define HYPERBOLA_BOOTSTRAP 1000
#define HYPERBOLA_SEEDS 5 /* fewer at some batch is a warning */
#define HYPERBOLA_WARNINGS 6

typedef enum {
    HYPERBOLA_LOG,  /* residuals of log examples: noise in proportion */
    HYPERBOLA_NONE, /* ordinary least squares of examples on B */
} HyperbolaWeights;

typedef struct Interval {
    double low, high; /* NaN: unknown, or no bound on that side */
} Interval;

typedef struct Hyperbola {
    HyperbolaWeights weights;
    int n, n_batches, n_seeds; /* points, batches, points of the batch that has fewest */
    double e_min, s_min;       /* examples, steps */
    double b_crit;             /* examples; NaN when unidentified */
    Interval e_min_in, s_min_in, b_crit_in; /* HYPERBOLA_CONFIDENCE */
    double r2;                              /* of what was fitted: log examples, or examples */
    double residual; /* standard deviation, as a fraction for log weights, else examples */
    bool by_batch;   /* batches lie off the curve by more than seeds differ: they are the sample */
    const char *unidentified; /* the reason, NULL when B_crit is known */
    int n_warnings;
    const char *warning[HYPERBOLA_WARNINGS];
    double best_c,
        quantile; /* for hyperbola_band: point estimate even when unidentified, t quantile */
    Profile profile;
} Hyperbola;

/* Fits `n` points of at least three different batches; all numbers positive and finite. `seed` is
 * the bootstrap's. */
Hyperbola hyperbola_fit(const double *batch, const double *examples, int n,
                        HyperbolaWeights weights, uint64_t seed, Arena *arena);

/* Number of different values among `batch` (n). */
int hyperbola_batches(const double *batch, int n, Arena *arena);

/* Examples to the target at a batch, and the curve's HYPERBOLA_CONFIDENCE band there (pointwise).
 */
double hyperbola_examples(const Hyperbola *fit, double batch);
Interval hyperbola_band(const Hyperbola *fit, double batch);

/* Is there a curve to draw: a fit with neither E_min nor S_min at zero? False for an empty fit. */
bool hyperbola_curved(const Hyperbola *fit);

/* The largest batch that needs at most 20 % more examples than b0 does: 0.2 B_crit + 1.2 b0. */
double hyperbola_overhead20(const Hyperbola *fit, double b0);

/* The regime of a batch (Shallue et al. 2019), by the slope of log steps on log batch: at least 0.9
 * is perfect scaling, at most 0.1 maximal data parallelism. */
typedef enum { REGIME_PERFECT, REGIME_DIMINISHING, REGIME_MAXIMAL } Regime;
Regime hyperbola_regime(const Hyperbola *fit, double batch);
const char *hyperbola_regime_name(Regime regime);
/* The largest batch of a regime; of the last one there is none (infinity). */
double hyperbola_border(const Hyperbola *fit, Regime regime);

#endif
