/* What bf16 and fp16 share: gradients and their sums travel in 16 bits. */
#ifndef LAB_COMM_HALF_H
#define LAB_COMM_HALF_H

#include "lab/comm/compression.h"
#include "lab/comm/slices.h"

typedef struct HalfSettings {
    bool error_feedback;
} HalfSettings;

typedef struct Half {
    Slices *slices;
    SliceErrors errors;
} Half;

extern const Param half_rows[];

void half_open(Compression *compression, const NumberFormat *format);
void half_mean(Compression *compression, const CompressionStep *step, real *grads, real *out);

#endif
