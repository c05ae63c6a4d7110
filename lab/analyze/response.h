/* Response: where the best value along one axis of a search lies, from all of its points, with an
 * interval. The winner alone is one lucky point of a coarse grid. */
#ifndef LAB_ANALYZE_RESPONSE_H
#define LAB_ANALYZE_RESPONSE_H

#include "lab/analyze/hyperbola.h"

#define RESPONSE_CONFIDENCE 0.90
#define RESPONSE_TOP 2.0   /* points of at most this many times the least cost are fitted */
#define RESPONSE_CLOSE 1.1 /* of at most this many times are as good as the best */

typedef struct Response {
    double best;    /* x of the least cost; NaN: no point has one */
    double optimum; /* where the parabola is least, or `best` */
    Interval in;    /* of the optimum */
    int n;          /* points of the parabola */
    bool curved;    /* the optimum and its interval are the parabola's (Fieller's theorem); else the
                       interval reaches to the points beside those that are as good as the best */
} Response;

/* `x` (n) in the axis' own scale, `cost` (n) positive, smaller is better, NaN: did not get there.
 * A parabola of log cost in x through the points within RESPONSE_TOP of the least cost, four or
 * more. The interval is cut at [min, max], the ends of the axis. */
Response response_fit(const double *x, const double *cost, int n, double min, double max);

#endif
