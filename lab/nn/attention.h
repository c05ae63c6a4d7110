/* Causal multi-head self-attention of one sequence (Vaswani et al. 2017, section 3.2), between the
 * projections:
 *
 *   P_h = softmax(mask(Q_h K_h^T / sqrt(head))),  out_h = drop(P_h) V_h
 *
 * Scores right of the diagonal are neither computed nor touched beyond the block of rows at hand.
 */
#ifndef LAB_NN_ATTENTION_H
#define LAB_NN_ATTENTION_H

#include "lab/nn/dropout.h"

typedef struct Attention {
    int context, heads, head; /* head: width of one */
    Dropout dropout;          /* of the probabilities */
    int64_t position;         /* of the sequence in the global batch, for dropout */
    int site;                 /* dropout site of head 0; the others follow */
    float *scratch[2];        /* (ATTENTION_ROWS, context) each */
} Attention;

#define ATTENTION_ROWS 64 /* rows of a block */

/* qkv (context, 3 width): queries, keys and values side by side, width = heads head;
 * probability (heads, context, context): out; out (context, width). */
void attention_forward(const Attention *attention, const float *qkv, float *probability,
                       float *out);

/* delta (context, width) = dL/d(out); grad (context, 3 width): out, dL/d(qkv). */
void attention_backward(const Attention *attention, const float *qkv, const float *probability,
                        const float *delta, float *grad);

#endif
