/* Label smoothing: the target distribution that cross-entropy is taken against
 * (shared/specs/optimizers.md, Szegedy et al. 2016). */
#ifndef LAB_NN_SMOOTHING_H
#define LAB_NN_SMOOTHING_H

#include <stdbool.h>

/* eps goes to all classes alike, the right one too (torch, TF, optax), or to the others alone. */
typedef enum { SMOOTHING_ALL, SMOOTHING_OTHERS } SmoothingForm;

/* Weight of one class of n. The gradient of the loss with respect to a logit is softmax - weight in
 * both forms. */
static inline double smoothing_weight(SmoothingForm form, double eps, int n_classes,
                                      bool is_right) {
    if (form == SMOOTHING_OTHERS)
        return is_right ? 1 - eps : eps / (n_classes - 1);
    return eps / n_classes + (is_right ? 1 - eps : 0);
}

#endif
