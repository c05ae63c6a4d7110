/* Initial weights. Every segment draws from its own stream, a function of (seed, segment index). */
#ifndef LAB_NN_INIT_H
#define LAB_NN_INIT_H

#include "lab/base/segment.h"

/* N(0, variance) into the elements of segment number `index` of the flat `weights`. */
void init_normal(float *weights, const Segment *segments, int index, uint64_t seed,
                 double variance);

/* Every element `value`. */
void init_constant(float *weights, const Segment *segment, float value);

/* Variances: He et al. 2015 with fan-in (for rectifiers), Glorot and Bengio 2010. */
double init_he(double fan_in);
double init_glorot(double fan_in, double fan_out);

#endif
