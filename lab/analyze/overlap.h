/* Overlap: what runs in buckets hid of their sums, as the exponent of work_join (methods 7). */
#ifndef LAB_ANALYZE_OVERLAP_H
#define LAB_ANALYZE_OVERLAP_H

#include "lab/analyze/timing.h"

#define OVERLAP_MOST 10.0

/* The g in [1, OVERLAP_MOST] for which work_join(passes_s, sum_s, g) = both_s; 1 when they took
 * their sum and longer. */
double overlap_exponent(double passes_s, double sum_s, double both_s);

typedef struct Overlap {
    double exponent; /* median over the layouts, NaN: none */
    int n;           /* layouts that were timed whole and in buckets */
} Overlap;

/* Layouts of the model, dataset and optimizer of `like` that fit their cores. Passes and sum are
 * those of the whole one; what the step does besides is taken off both. */
Overlap overlap_fit(const Timings *timings, const RunHeader *like, Arena *arena);

#endif
