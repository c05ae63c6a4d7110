/* Cross-entropy of a softmax. */
#ifndef LAB_NN_LOSS_H
#define LAB_NN_LOSS_H

#include <stdint.h>

/* logits (n, n_classes): out p - onehot(label), the gradient of the summed loss with respect to the
 * logits; row_loss (n): scratch. Returns the loss -log p(label) summed over examples in double, in
 * the canonical tree; *n_correct counts rows whose largest logit (the first of equals) is the
 * label's. */
double loss_cross_entropy(float *logits, double *row_loss, const int32_t *labels, int n,
                          int n_classes, int64_t *n_correct);

#endif
