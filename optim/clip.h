/* Gradient clipping by norm: the factor that a gradient is multiplied by, before any decay or trust
 * ratio (shared/specs/optimizers.md section 7). */
#ifndef OPTIM_CLIP_H
#define OPTIM_CLIP_H

#include <math.h>

/* CLIP_TF: 1 below the limit, limit / norm from there on (TensorFlow, optax, apex LAMB).
 * CLIP_TORCH: limit / (norm + 1e-6), at most 1: already at the limit it shrinks by 1e-6 / limit. */
typedef enum { CLIP_TF, CLIP_TORCH } ClipForm;

/* A norm that is not a number gives a factor that is not, in both forms. */
static inline double clip_factor(ClipForm form, double norm, double limit) {
    if (form == CLIP_TF)
        return norm < limit ? 1 : limit / norm;
    double factor = limit / (norm + 1e-6);
    return factor >= 1 ? 1 : factor;
}

#endif
