/* Scaling: speed-up and efficiency against replicas, and a first model of them (methods 7): the
 * work of one replica divided by R, plus communication a + b log2 R. */
#ifndef LAB_ANALYZE_SCALING_H
#define LAB_ANALYZE_SCALING_H

#include "lab/analyze/timing.h"

typedef enum {
    SCALING_STRONG, /* the global batch stays: R replicas share it */
    SCALING_WEAK,   /* the examples per replica stay: the global batch grows with R */
} ScalingKind;

typedef struct ScalingPoint {
    const Timing *timing;
    double examples_s, examples_low_s, examples_high_s; /* rate: median and quartiles over steps */
    double speedup; /* of the rate against one replica, NaN without that measurement */
    double efficiency, efficiency_low, efficiency_high; /* speedup / R */
    double reduce_extra_s; /* reduce column beyond the replica's own additions: communication; NaN
                              for R = 1 */
    double predicted_s;    /* step, by the model; NaN when it says nothing */
    double predicted_low_s, predicted_high_s; /* 90 % band, by how far the model misses measured
                                                 layouts; NaN when too few were */
    bool fitted; /* its communication went into the fit; false for R = 1, oversubscribed and
                    held-out points */
    bool held_out;
} ScalingPoint;

/* Points of one curve, by replicas; the first is R = 1 when that was measured. All points of one R
 * were on as many hosts. */
typedef struct ScalingLine {
    ScalingKind kind;
    int64_t examples; /* strong: global_batch; weak: examples per replica */
    int n;
    ScalingPoint *point;
} ScalingLine;

/* communication(R) = start_s + round_s log2 R for R > 1: the rounds of a binomial tree. Fitted for
 * one weight count, thread count, collective and label over all batches, on one host or on several.
 */
typedef struct CommFit {
    const RunHeader *header;  /* of one of its runs */
    double start_s, round_s;  /* both >= 0 */
    int n_points, n_replicas; /* fitted points; distinct R among them (1: start_s is set to 0) */
    int held_out_replicas; /* largest measured R, kept out of the fit; 0: too few R to keep one out
                            */
} CommFit;

typedef struct Scaling {
    int n_lines;
    ScalingLine *line; /* strong ones first; only lines with more than one R */
    int n_fits;
    CommFit *fit;
    double error; /* sd of log(predicted / measured) over layouts of several replicas; NaN for fewer
                     than three */
} Scaling;

Scaling scaling_make(const Timings *timings, Arena *arena);

/* Least squares of seconds (n) on log2 R (x), both coefficients >= 0. With one distinct x, start_s
 * = 0. */
void scaling_fit(double *start_s, double *round_s, const double *x, const double *seconds, int n);

/* Relative errors |predicted / measured - 1| of the points with R > 1 that are not oversubscribed,
 * median and largest; of held-out points only, or of the others only. Returns how many points. */
int scaling_errors(double *median, double *largest, const Scaling *scaling, bool held_out,
                   Arena *arena);

#endif
