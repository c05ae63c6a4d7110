#include "lab/base/stats.h"

#include "lab/base/arena.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double stats_mean(const double *x, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += x[i];
    return n > 0 ? sum / n : NAN;
}

double stats_sd(const double *x, int n) {
    if (n < 2)
        return NAN;
    double mean = stats_mean(x, n), sum = 0;
    for (int i = 0; i < n; i++)
        sum += (x[i] - mean) * (x[i] - mean);
    return sqrt(sum / (n - 1));
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double stats_quantile(const double *x, int n, double q) {
    if (n < 1)
        return NAN;
    Arena *arena = arena_new();
    double *sorted = ARENA_ARRAY(arena, double, n);
    memcpy(sorted, x, sizeof *x * (size_t)n);
    qsort(sorted, (size_t)n, sizeof *sorted, ascending);
    double at = q * (n - 1);
    int k = (int)floor(at);
    double low = sorted[k], high = sorted[k + 1 < n ? k + 1 : k];
    arena_end(arena);
    return low + (at - k) * (high - low);
}

double stats_median(const double *x, int n) {
    return stats_quantile(x, n, 0.5);
}

/* Continued fraction of the incomplete beta function (Numerical recipes' modified Lentz form). */
static double beta_fraction(double a, double b, double x) {
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < 1e-300 ? 1e-300 : d);
    double h = d;
    for (int m = 1; m < 500; m++) {
        double up = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        d = 1 + up * d;
        c = 1 + up / c;
        d = 1 / (fabs(d) < 1e-300 ? 1e-300 : d);
        c = fabs(c) < 1e-300 ? 1e-300 : c;
        h *= d * c;
        double down = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 + down * d;
        c = 1 + down / c;
        d = 1 / (fabs(d) < 1e-300 ? 1e-300 : d);
        c = fabs(c) < 1e-300 ? 1e-300 : c;
        h *= d * c;
        if (fabs(d * c - 1) < 1e-15)
            break;
    }
    return h;
}

static double beta_regular(double a, double b, double x) {
    if (x <= 0)
        return 0;
    if (x >= 1)
        return 1;
    double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
    if (x < (a + 1) / (a + b + 2))
        return front * beta_fraction(a, b, x) / a;
    return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

/* P(|t| > t0) with df degrees of freedom. */
static double t_two_tails(double t, double df) {
    return beta_regular(df / 2, 0.5, df / (df + t * t));
}

double stats_t_quantile(double confidence, double df) {
    double low = 0, high = 1;
    while (t_two_tails(high, df) > 1 - confidence && high < 1e12)
        high *= 2;
    for (int i = 0; i < 200; i++) {
        double middle = 0.5 * (low + high);
        if (t_two_tails(middle, df) > 1 - confidence)
            low = middle;
        else
            high = middle;
    }
    return 0.5 * (low + high);
}

double stats_f_tail(double f, double d1, double d2) {
    return f <= 0 ? 1 : beta_regular(d2 / 2, d1 / 2, d2 / (d2 + d1 * f));
}

double stats_chi2_tail(double x, double df) {
    double a = df / 2, z = x / 2;
    if (z <= 0)
        return 1;
    if (z < a + 1) { /* series for the lower part */
        double term = 1 / a, sum = term;
        for (int n = 1; n < 2000 && fabs(term) > 1e-17 * fabs(sum); n++)
            sum += term *= z / (a + n);
        return 1 - sum * exp(-z + a * log(z) - lgamma(a));
    }
    double b = z + 1 - a, c = 1e300, d = 1 / b, h = d; /* continued fraction for the upper part */
    for (int i = 1; i < 2000; i++) {
        double an = -i * (i - a);
        b += 2;
        d = 1 / (an * d + b);
        c = b + an / c;
        h *= d * c;
        if (fabs(d * c - 1) < 1e-15)
            break;
    }
    return h * exp(-z + a * log(z) - lgamma(a));
}
