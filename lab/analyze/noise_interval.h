/* An interval for the gradient noise scale tr(Sigma) / |G|^2 over a stretch of training, from the
 * raw unbiased estimates of every step. They are noisy, and neighbours are correlated. */
#ifndef LAB_ANALYZE_NOISE_INTERVAL_H
#define LAB_ANALYZE_NOISE_INTERVAL_H

#include "lab/analyze/cells.h"
#include "lab/analyze/hyperbola.h"

#define NOISE_CONFIDENCE 0.90
#define NOISE_BLOCKS 20    /* of one series; long against the correlation of neighbouring steps */
#define NOISE_BLOCKS_MIN 8 /* fewer tell no spread */
/* The same of blocks that are means over everything between two evaluations, so nearly normal. */
#define NOISE_WINDOWS_MIN 4

typedef struct NoiseInterval {
    double scale;     /* ratio of the means, examples; NaN when |G|^2 is not positive on average */
    Interval in;      /* block jackknife; NaN: unbounded on that side */
    Interval fieller; /* the same from Fieller's theorem on the block means, as a check */
    int n_blocks;
    double trace, sqnorm; /* means of the blocks: the ratio's two parts; NaN without blocks */
} NoiseInterval;

/* Of `n_series` series of n[k] steps (seeds of one cell), trace[k] and sqnorm[k]. Steps with a NaN
 * are passed over. The jackknife deletes a block of |G|^2 / tr(Sigma), whose denominator is
 * precise, and the interval is turned over: when |G|^2 cannot be told from zero there is no upper
 * end. */
NoiseInterval noise_interval(const double *const *trace, const double *const *sqnorm,
                             const int64_t *n, int n_series, Arena *arena);

/* Which noise: of the gradient, or of P times it, P the optimizer's preconditioner. */
typedef enum { NOISE_PLAIN, NOISE_PRECONDITIONED } NoiseMetric;

/* B_noise = tr(H Sigma) / G'HG where the curvature was measured, over the second half of every full
 * run of a cell; no blocks when it was not. */
NoiseInterval noise_interval_of_curvature(const Cell *cell, Arena *arena);

/* Of one tensor (its index in the header's layer_names), from its means between evaluations, each
 * a block or a part of one; NOISE_ALL_LAYERS: of all of them together. No blocks when the runs did
 * not record them. */
#define NOISE_ALL_LAYERS (-1)
NoiseInterval noise_interval_of_layer(const Cell *cell, int layer, Arena *arena);

/* Over the second half of every full run of a cell, on its way to the target; scale NaN and no
 * blocks when that was not recorded. */
NoiseInterval noise_interval_of(const Cell *cell, NoiseMetric metric, Arena *arena);

#endif
