/* Layer norm (Ba, Kiros, Hinton 2016), fused with the residual sum before it.
 *
 *   s = x + y + bias,  out = gain (s - mean(s)) / sqrt(var(s) + 1e-5) + shift   for each row
 *
 * with the biased variance. Sums over a row run over 16 lanes, so the bits do not depend on the
 * instruction set. */
#ifndef LAB_NN_LAYER_NORM_H
#define LAB_NN_LAYER_NORM_H

/* What forward keeps of a row for backward. */
typedef struct RowNorm {
    float mean, scale; /* 1 / sqrt(var + eps) */
} RowNorm;

/* Forward, n rows of `width`: sum and out are written; y and bias may be NULL (then they are 0);
 * x may be sum itself. */
typedef struct LayerNorm {
    const float *gain, *shift; /* (width) */
    float *sum, *out;          /* (n, width) */
    RowNorm *row;              /* (n) */
} LayerNorm;
void layer_norm_forward(const LayerNorm *norm, const float *x, const float *y, const float *bias,
                        int n, int width);

/* delta (n, width) = dL/d(out); adds dL/d(sum) to `grad` (n, width) and the sums over rows to
 * grad_gain and grad_shift (width). */
void layer_norm_backward(const LayerNorm *norm, const float *delta, float *grad, float *grad_gain,
                         float *grad_shift, int n, int width);

#endif
