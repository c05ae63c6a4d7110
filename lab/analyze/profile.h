/* Profile: the hyperbola E(B) = E_min (1 + B/c) as a function of c alone. For a given c the best
 * E_min is a closed form, so the residual sum of squares is a curve in c whose two limits exist:
 * c = INFINITY is E(B) = E_min, c = 0 is E(B) = S_min B. */
#ifndef LAB_ANALYZE_PROFILE_H
#define LAB_ANALYZE_PROFILE_H

#include "lab/base/arena.h"

#include <stdbool.h>

/* Points grouped by batch: sums of squares need no more than this. */
typedef struct Profile {
    bool log;      /* residuals of log examples (multiplicative noise), else of examples */
    int k;         /* batches */
    double n;      /* points */
    double *batch; /* (k) growing */
    double *count; /* (k) points of each batch */
    double *mean;  /* (k) of examples, or of their logarithm */
    double within; /* sum of squares around those means */
} Profile;

/* Groups `n` points; all numbers positive. */
Profile profile_make(const double *batch, const double *examples, int n, bool log, Arena *arena);

/* Residual sum of squares at c in [0, INFINITY]. */
double profile_rss(const Profile *profile, double c);

/* The c of least squares; 0 or INFINITY where a limit is best. `start` > 0 is a guess near it, 0:
 * no guess. */
double profile_best(const Profile *profile, double start);

/* Best E_min and S_min at c. */
double profile_e_min(const Profile *profile, double c);
double profile_s_min(const Profile *profile, double c);

/* What the curve says at `batch`: examples, or their logarithm. */
double profile_at(const Profile *profile, double c, double batch);

/* Standard errors for a residual standard deviation of 1: of (log E_min, log S_min), or of
 * (E_min, S_min) without the logarithm. 0 < c < INFINITY. */
void profile_errors(double *e_min, double *s_min, const Profile *profile, double c);

/* Standard error of the curve itself at `batch`, in the units of profile_at, likewise. */
double profile_error_at(const Profile *profile, double c, double batch);

#endif
