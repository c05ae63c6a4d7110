#include "lab/comm/feedback.h"

const char *const feedback_names[] = {"gradient", "update", "none", NULL};

/* An update of e = lr_last * error is a gradient of e / lr today. Where a rate is zero there is no
 * such gradient, and the error stays as it is. */
void feedback_add(Feedback feedback, const CompressionStep *step, real *c, const real *error,
                  int64_t n) {
    if (feedback == FEEDBACK_NONE)
        return;
    bool rescale = feedback == FEEDBACK_UPDATE && step->lr > 0 && step->lr_last > 0;
    real factor = (real)(rescale ? step->lr_last / step->lr : 1);
    for (int64_t i = 0; i < n; i++)
        c[i] += factor * error[i];
}
