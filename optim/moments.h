/* The moving averages m and v of Adam, and what the rules built on them (adam, adamw, lamb, lans)
 * share. Inlined into VEC_CLONES kernels. Numbers that switch an option off are 0 or 1, and exact.
 */
#ifndef OPTIM_MOMENTS_H
#define OPTIM_MOMENTS_H

#include "lab/base/real.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

/* Where eps stands: sqrt(v / c2) + eps; Kingma and Ba's "epsilon hat", sqrt(v) + eps beside a step
 * of lr * sqrt(c2) / c1 (TF 1, Keras); or sqrt(v / c2 + eps) (optax's eps_root). */
enum { EPS_OUTSIDE, EPS_HAT, EPS_INSIDE };

/*   d = factor * g + l2 * w
 *   m = b1 * m + a1 * d,  v = b2 * v + a2 * d^2
 *   ascent = (c1 * m) / (sqrt(c2 * v + eps_in) + eps_out) */
typedef struct Moments {
    real factor, l2;
    real b1, a1, b2, a2; /* a = 1 - b */
    real c1, c2, eps_in, eps_out;
} Moments;

/* t is 1-based; c1 and c2 stay 1 without bias correction. */
static inline Moments moments_make(double beta1, double beta2, double eps, int eps_placement,
                                   bool bias_correction, int64_t t) {
    double c1 = bias_correction ? 1 / (1 - pow(beta1, (double)t)) : 1;
    double c2 = bias_correction ? 1 / (1 - pow(beta2, (double)t)) : 1;
    if (eps_placement == EPS_HAT) {
        c1 /= sqrt(c2);
        c2 = 1;
    }
    return (Moments){.factor = 1,
                     .b1 = (real)beta1,
                     .a1 = (real)(1 - beta1),
                     .b2 = (real)beta2,
                     .a2 = (real)(1 - beta2),
                     .c1 = (real)c1,
                     .c2 = (real)c2,
                     .eps_in = (real)(eps_placement == EPS_INSIDE ? eps : 0),
                     .eps_out = (real)(eps_placement == EPS_INSIDE ? 0 : eps)};
}

/* Moves one element of m and v and returns d. */
static inline real moments_see(const Moments *k, real *m, real *v, real w, real g) {
    real d = k->factor * g + k->l2 * w;
    *m = k->b1 * *m + k->a1 * d;
    *v = k->b2 * *v + k->a2 * (d * d);
    return d;
}

static inline real moments_scale(const Moments *k, real v) {
    return real_sqrt(v * k->c2 + k->eps_in) + k->eps_out;
}

static inline real moments_ascent(const Moments *k, real m, real v) {
    return (m * k->c1) / moments_scale(k, v);
}

/* What the gradient is multiplied by: the diagonal preconditioner. 0 for a weight that has not seen
 * a gradient yet: 1/eps would be said of it, but its first gradient enters v before it is used. */
static inline void moments_precondition(real *restrict p, const real *restrict v, int64_t n,
                                        Moments k) {
    for (int64_t i = 0; i < n; i++)
        p[i] = v[i] > 0 ? 1 / moments_scale(&k, v[i]) : 0;
}

/* One step of Adam: w = w - (lr * ascent + shrink * w). */
static inline void moments_move(real *restrict w, real *restrict m, real *restrict v,
                                const real *restrict g, int64_t n, real lr, real shrink,
                                Moments k) {
    for (int64_t i = 0; i < n; i++) {
        moments_see(&k, &m[i], &v[i], w[i], g[i]);
        w[i] -= lr * moments_ascent(&k, m[i], v[i]) + shrink * w[i];
    }
}

#endif
