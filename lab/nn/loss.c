#include "lab/nn/loss.h"

#include "lab/base/vec.h"
#include "lab/nn/approx.h"
#include "lab/nn/smoothing.h"

#include <assert.h>
#include <math.h>

/* Index of the first largest. */
static int row_top(const float *z, int n) {
    int top = 0;
    for (int j = 1; j < n; j++)
        if (z[j] > z[top])
            top = j;
    return top;
}

VEC_CLONES
static void exp_all(float *x, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        x[i] = approx_exp(x[i]);
}

LossTarget loss_target(double smoothing, bool others_only, int n_classes) {
    SmoothingForm form = others_only ? SMOOTHING_OTHERS : SMOOTHING_ALL;
    return (LossTarget){(float)smoothing_weight(form, smoothing, n_classes, true),
                        (float)smoothing_weight(form, smoothing, n_classes, false), 1};
}

VEC_CLONES
static int rank_of(const float *z, int label, int n) {
    int rank = 0;
    for (int j = 0; j < label; j++)
        rank += z[j] >= z[label];
    for (int j = label + 1; j < n; j++)
        rank += z[j] > z[label];
    return rank;
}

int64_t loss_top5(const float *logits, const int32_t *labels, int n, int n_classes) {
    int64_t hits = 0;
    for (int i = 0; i < n; i++)
        hits += rank_of(logits + (int64_t)i * n_classes, labels[i], n_classes) < 5;
    return hits;
}

double loss_cross_entropy(float *logits, double *row_loss, const int32_t *labels, int n,
                          int n_classes, LossTarget target, int64_t *n_correct) {
    float on = (float)((double)target.on * target.weight);
    float off = (float)((double)target.off * target.weight);
    *n_correct = 0;
    for (int i = 0; i < n; i++) {
        float *z = logits + (int64_t)i * n_classes;
        int label = labels[i], top = row_top(z, n_classes);
        assert(label >= 0 && label < n_classes);
        float largest = z[top];
        *n_correct += top == label;
        row_loss[i] = (double)largest - (double)z[label];
        for (int j = 0; j < n_classes; j++)
            z[j] -= largest;
    }
    exp_all(logits, (int64_t)n * n_classes); /* rows are short: one vector loop over all of them */
    for (int i = 0; i < n; i++) {
        float *p = logits + (int64_t)i * n_classes;
        double sum = 0;
        for (int j = 0; j < n_classes; j++)
            sum += (double)p[j];
        row_loss[i] += log(sum);
        float scale = (float)(target.weight / sum);
        for (int j = 0; j < n_classes; j++)
            p[j] *= scale;
        if (off != 0)
            for (int j = 0; j < n_classes; j++)
                p[j] -= j == labels[i] ? 0 : off;
        p[labels[i]] -= on;
    }
    return vec_tree_sum(row_loss, n);
}
