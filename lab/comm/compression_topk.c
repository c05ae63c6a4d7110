#include "lab/comm/feedback.h"
#include "lab/comm/sparse.h"

#include <string.h>

typedef struct TopkSettings {
    double ratio;
    int feedback;
} TopkSettings;

typedef struct Topk {
    real *error; /* (own, n), NULL: none is kept */
    Sparse *sparse;
} Topk;

static void topk_open(Compression *compression) {
    const TopkSettings *settings = compression->settings;
    Topk *topk = ARENA_NEW(compression->arena, Topk);
    topk->sparse = sparse_new(compression, NULL, settings->ratio);
    if (settings->feedback != FEEDBACK_NONE)
        topk->error = compression_rows(compression, "compression.error", compression->n);
    compression->own = topk;
}

static void topk_mean(Compression *compression, const CompressionStep *step, real *grads,
                      real *out) {
    const TopkSettings *settings = compression->settings;
    Topk *topk = compression->own;
    int64_t n = compression->n;
    for (int i = 0; i < workers_own(compression->workers); i++) {
        real *c = grads + i * n, *error = topk->error ? topk->error + i * n : NULL;
        feedback_add((Feedback)settings->feedback, step, c, error, n);
        sparse_select(topk->sparse, i, c);
        if (!error)
            continue;
        memcpy(error, c, sizeof(real) * (size_t)n);
        sparse_clear(topk->sparse, i, error);
    }
    sparse_mean(topk->sparse, out);
}

static const Param rows[] = {
    PARAM(NUMBER, TopkSettings, ratio, "0.01", 1e-6, 1, "1",
          "share of each tensor's elements that a worker sends, at least one"),
    FEEDBACK_ROW(TopkSettings, "\"gradient\""),
    PARAM_END,
};

COMPRESSION_TYPE(topk) = {
    .kind = {.name = "topk",
             .summary = "the largest elements of each tensor, the rest waits",
             .detail = "c_i = g_i + e_i; worker i sends its k = ratio n largest |c_i| of each "
                       "tensor with their indices,\n"
                       "e_i = c_i elsewhere and 0 there; the mean over workers goes to the "
                       "optimizer. Ties: lowest index.",
             .reference = "Aji, Heafield 2017, arXiv 1704.05021; Stich et al. 2018, arXiv "
                          "1809.07599",
             .settings_bytes = sizeof(TopkSettings),
             .params = rows},
    .open = topk_open,
    .mean = topk_mean,
};
