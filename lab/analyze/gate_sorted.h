/* Internal to the gate: runs in the order in which they reached the target. */
#ifndef LAB_ANALYZE_GATE_SORTED_H
#define LAB_ANALYZE_GATE_SORTED_H

#include "lab/base/arena.h"

/* A copy of `x` (n, may be NULL for n = 0), ascending, NaN (a miss) last. */
double *gate_sorted(const double *x, int n, Arena *arena);

#endif
