/* Layouts: which measured layouts the hardware figures draw. They show one optimizer on one
 * workload; the tables hold the others too. */
#ifndef LAB_ANALYZE_LAYOUTS_H
#define LAB_ANALYZE_LAYOUTS_H

#include "lab/analyze/timing.h"

/* Same optimizer, model, dataset, threads, collective and label: may stand in one figure. */
bool layouts_match(const Timing *a, const Timing *b);

/* A representative of the group with the most layouts (the first of several), NULL when nothing was
 * measured. */
const Timing *layouts_shown(const Timings *timings);

/* "momentum, mlp on glyphs, 1 thread" */
const char *layouts_title(const Timing *timing, Arena *arena);

/* " Measured under other labels, in the table: ib, _2." than that of layouts_shown, or "". */
const char *layouts_other_labels(const Timings *timings, Arena *arena);

/* Replicas, with threads and hosts where there are several: "R4", "R4 T2", "R4 H2". */
const char *layouts_label(const Timing *timing, Arena *arena);

#endif
