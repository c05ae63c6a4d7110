#include "lab/nn/init.h"

#include "lab/base/rng.h"

#include <math.h>

void init_normal(float *weights, const Segment *segments, int index, uint64_t seed,
                 double variance) {
    const Segment *segment = &segments[index];
    Rng rng = rng_new(seed, RNG_INIT, (uint64_t)index);
    double sd = sqrt(variance);
    for (int64_t i = 0; i < segment->n; i++)
        weights[segment->offset + i] = (float)(sd * rng_normal(&rng));
}

void init_constant(float *weights, const Segment *segment, float value) {
    for (int64_t i = 0; i < segment->n; i++)
        weights[segment->offset + i] = value;
}

double init_he(double fan_in) {
    return 2.0 / fan_in;
}

double init_glorot(double fan_in, double fan_out) {
    return 2.0 / (fan_in + fan_out);
}
