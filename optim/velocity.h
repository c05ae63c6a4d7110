/* The heavy-ball family in one loop: SGD with momentum in the torch, Caffe and average forms, SGDW
 * and LARS differ in five numbers only. Multiplying by one and adding nothing is exact, so a form
 * pays for the others nothing but arithmetic that hides behind memory. Inlined into VEC_CLONES
 * kernels. */
#ifndef OPTIM_VELOCITY_H
#define OPTIM_VELOCITY_H

#include "lab/base/real.h"

#include <stdint.h>

/*   d = gain * (g + decay * w)
 *   v = keep * v + d
 *   w = w - (rate * v + shrink * w)          ahead (Nesterov): rate * (mu * v + d) instead of rate
 * * v */
typedef struct Velocity {
    real keep, gain, decay, rate, shrink, mu;
} Velocity;

static inline void velocity_move(real *restrict w, real *restrict v, const real *restrict g,
                                 int64_t n, Velocity k) {
    for (int64_t i = 0; i < n; i++) {
        v[i] = k.keep * v[i] + k.gain * (g[i] + k.decay * w[i]);
        w[i] -= k.rate * v[i] + k.shrink * w[i];
    }
}

static inline void velocity_move_ahead(real *restrict w, real *restrict v, const real *restrict g,
                                       int64_t n, Velocity k) {
    for (int64_t i = 0; i < n; i++) {
        real d = k.gain * (g[i] + k.decay * w[i]);
        v[i] = k.keep * v[i] + d;
        w[i] -= k.rate * (k.mu * v[i] + d) + k.shrink * w[i];
    }
}

#endif
