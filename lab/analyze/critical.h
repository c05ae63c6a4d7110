/* Critical: the critical batch of every line by several estimators, side by side. They measure
 * different things (Merrill et al. 2025 found the noise scale far below the others), so each keeps
 * its name. */
#ifndef LAB_ANALYZE_CRITICAL_H
#define LAB_ANALYZE_CRITICAL_H

#include "lab/analyze/branched.h"
#include "lab/analyze/hyperbola.h"
#include "lab/analyze/lines.h"
#include "lab/analyze/noise_interval.h"
#include "lab/analyze/table.h"

/* The whole curve S(B) = s_min + e_min / B as one run's noise scale b_t predicts it (Pollux's
 * statistical epochs): S_pred(B) = sum_t (1 + b_t/B) / (1 + b_t/B_r). */
typedef struct Prediction {
    int64_t global_batch;        /* B_r: the smallest whose median trial reached the target */
    double e_min, s_min, b_crit; /* median over the seeds that reached it; NaN: no estimate */
    Interval b_crit_range;       /* smallest and largest over these seeds */
    NoiseInterval noise;         /* over the second half of these runs */
    NoiseInterval preconditioned, curvature; /* no blocks: not measured */
} Prediction;

typedef struct Critical {
    const char *label;
    const Line *line;
    const char *missing; /* why there is no fit, NULL when there is one */
    Hyperbola fit;
    double smallest, largest; /* batches of the fit */
    Prediction prediction;    /* global_batch 0: none */
} Critical;

typedef struct Criticals {
    int n;
    Critical *critical; /* (n) one a line */
} Criticals;

Criticals critical_make(const Lines *lines, Arena *arena);

/* Of one run that reached its target. */
Prediction critical_predict(const RunRecord *run);

/* A row an estimator and line (and point of branching): tables/critical_batch.tsv. */
Table *critical_table(const Criticals *criticals, const Brancheds *brancheds, Arena *arena);

/* "812 examples (90 % interval 690 to 960)", or why it is unknown, for a sentence. */
const char *critical_text(const Critical *critical, Arena *arena);

/* "Critical batch by the fit: 928 (701 to 1,260) with momentum; ..." over all lines, NULL when none
 * was fitted. */
const char *critical_headline(const Criticals *criticals, Arena *arena);

/* The fit of one line in sentences: least examples and steps, 20 % point, regime, and every caution
 * in words; NULL when there is none. */
const char *critical_sentence(const Critical *critical, Arena *arena);

#endif
