/* Cross-entropy of a softmax. */
#ifndef LAB_NN_LOSS_H
#define LAB_NN_LOSS_H

#include <stdbool.h>
#include <stdint.h>

/* What the training target holds for the label and for every other class; {1, 0} is the plain
 * one-hot target. */
typedef struct LossTarget {
    float on, off;
    double weight; /* of a row in the gradient: 1, or 1 / positions where an example has several */
} LossTarget;

/* Label smoothing e over n_classes (optimizers.md 9): e/K on all classes, or e/(K - 1) on the
 * others. */
LossTarget loss_target(double smoothing, bool others_only, int n_classes);

/* logits (n, n_classes): out weight (p - target), the gradient of the summed (smoothed) loss with
 * respect to the logits; row_loss (n): scratch. Returns the plain loss -log p(label) summed over
 * examples in double, in the canonical tree; *n_correct counts rows whose largest logit (the first
 * of equals) is the label's. */
double loss_cross_entropy(float *logits, double *row_loss, const int32_t *labels, int n,
                          int n_classes, LossTarget target, int64_t *n_correct);

/* Rows of logits (n, n_classes) whose label is among the five largest; of equals the first counts
 * as larger. */
int64_t loss_top5(const float *logits, const int32_t *labels, int n, int n_classes);

#endif
