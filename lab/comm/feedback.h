/* Error feedback: what a worker's message leaves out is added to its next gradient
 * (shared/specs/optimizers.md 10). The error may be counted as a gradient, or as an update, which
 * keeps its size when the learning rate changes. */
#ifndef LAB_COMM_FEEDBACK_H
#define LAB_COMM_FEEDBACK_H

#include "lab/comm/compression.h"

typedef enum { FEEDBACK_GRADIENT, FEEDBACK_UPDATE, FEEDBACK_NONE } Feedback;

#define FEEDBACK_ROW(Settings, standard)                                                           \
    PARAM_FROM(Settings, feedback, standard, feedback_names,                                       \
               "the error that is kept: of gradients, of updates (it holds the learning rate), "   \
               "or none")

extern const char *const feedback_names[];

/* c becomes c + the error as a gradient of this step. error (n); NULL: FEEDBACK_NONE. */
void feedback_add(Feedback feedback, const CompressionStep *step, real *c, const real *error,
                  int64_t n);

#endif
