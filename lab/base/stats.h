/* Statistics of small samples. All return NaN for n = 0. */
#ifndef LAB_BASE_STATS_H
#define LAB_BASE_STATS_H

double stats_mean(const double *x, int n);
double stats_sd(const double *x, int n); /* sample standard deviation, NaN for n < 2 */
/* Quantile q in [0, 1], linear between order statistics (type 7). Leaves x unsorted as it was. */
double stats_quantile(const double *x, int n, double q);
double stats_median(const double *x, int n);
/* Two-sided Student t quantile: P(|t_df| <= result) = confidence. */
double stats_t_quantile(double confidence, double df);
/* P(F > f) with d1 and d2 degrees of freedom. */
double stats_f_tail(double f, double d1, double d2);
/* P(chi-square with df > x). */
double stats_chi2_tail(double x, double df);

#endif
