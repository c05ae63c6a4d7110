/* MLPerf's rule (methods 8). */
#include "lab/analyze/gate.h"

#include "lab/analyze/gate_sorted.h"
#include "lab/base/stats.h"

#include <math.h>

double gate_olympic(const double *x, int n, int *n_kept, double *sd) {
    Arena *arena = arena_new();
    double *sorted = gate_sorted(x, n, arena);
    int from = n >= 3, kept = n >= 3 ? n - 2 : n;
    double mean = stats_mean(sorted + from, kept), sum = 0;
    for (int i = from; i < from + kept; i++)
        sum += (sorted[i] - mean) * (sorted[i] - mean);
    arena_end(arena);
    if (n_kept)
        *n_kept = kept;
    if (sd)
        *sd = kept ? sqrt(sum / kept) : NAN;
    return mean;
}

double gate_minimum(const double *reference, int n_reference, int n_checked) {
    int n1, n2 = n_checked >= 3 ? n_checked - 2 : n_checked;
    double sd, mean = gate_olympic(reference, n_reference, &n1, &sd);
    if (n1 < 1 || n2 < 1 || n1 + n2 < 3)
        return NAN;
    /* one-sided 95 % is two-sided 90 % */
    return mean - stats_t_quantile(0.90, n1 + n2 - 2) * sd * sqrt(1.0 / n1 + 1.0 / n2);
}
