/* Runs that missed the target, counted. */
#include "lab/analyze/gate.h"

#include <math.h>

static double log_choose(int n, int k) {
    return lgamma(n + 1.0) - lgamma(k + 1.0) - lgamma(n - k + 1.0);
}

/* Fisher's exact test: how often at least k1 of n1 would miss when the k1 + k2 misses fell on any
 * of the n1 + n2 runs alike. */
static double fisher(int k1, int n1, int k2, int n2) {
    int total = k1 + k2;
    double p = 0;
    for (int k = k1; k <= total && k <= n1; k++)
        if (total - k <= n2)
            p += exp(log_choose(n1, k) + log_choose(n2, total - k) - log_choose(n1 + n2, total));
    return p;
}

/* Natural logarithm of the number of ways to `total` misses in tables at least as lopsided as
 * `limit`; -INFINITY when there is none. */
static double log_ways(int total, int n1, int n2, double limit) {
    double ways = 0, top = log_choose(n1 + n2, total);
    for (int k = 0; k <= total && k <= n1; k++)
        if (total - k <= n2 && fisher(k, n1, total - k, n2) <= limit)
            ways += exp(log_choose(n1, k) + log_choose(n2, total - k) - top);
    return log(ways) + top;
}

double gate_miss_chance(int missed, int n_checked, int reference_missed, int n_reference) {
    enum { GRID = 128 };
    int n = n_checked + n_reference;
    double limit = fisher(missed, n_checked, reference_missed, n_reference) * (1 + 1e-9);
    double chance[GRID] = {0}, largest = 0;
    if (limit >= 1) /* no miss at all, among others */
        return 1;
    for (int total = 1; total <= n; total++) {
        double ways = log_ways(total, n_checked, n_reference, limit);
        for (int i = 0; isfinite(ways) && i < GRID; i++) {
            double q = (i + 0.5) / GRID; /* of a miss */
            chance[i] += exp(ways + n * log1p(-q) + total * log(q / (1 - q)));
        }
    }
    for (int i = 0; i < GRID; i++)
        largest = fmax(largest, chance[i]);
    return fmin(largest, 1);
}
