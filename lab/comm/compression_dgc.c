#include "lab/comm/bits.h"
#include "lab/comm/dense_part.h"
#include "lab/comm/dgc_ratio.h"
#include "lab/comm/sparse.h"

#include <math.h>
#include <string.h>

typedef struct DgcSettings {
    double ratio, momentum, weight_decay, clip_norm;
    int64_t warmup_epochs;
    bool nesterov;
} DgcSettings;

typedef struct Dgc {
    real *u, *v;    /* (own, n) velocity, and what of it has not been sent */
    real *velocity; /* (n) of the tensors that travel whole */
    real *decay;    /* (n) velocity of the weight decay, NULL: none */
    bool *is_dense; /* (n_segments) */
    DensePart *dense;
    Sparse *sparse;
} Dgc;

double dgc_ratio(double ratio, double warmup_epochs, double epoch) {
    double whole = floor(epoch);
    return whole < warmup_epochs ? pow(ratio, (whole + 1) / (warmup_epochs + 1)) : ratio;
}

static void dgc_open(Compression *compression) {
    const DgcSettings *settings = compression->settings;
    Arena *arena = compression->arena;
    Dgc *dgc = ARENA_NEW(arena, Dgc);
    dgc->is_dense = ARENA_ARRAY(arena, bool, compression->n_segments);
    for (int s = 0; s < compression->n_segments; s++)
        dgc->is_dense[s] = compression->segments[s].n_dims <= 1;
    dgc->dense = dense_part_new(compression, dgc->is_dense);
    double most = dgc_ratio(settings->ratio, (double)settings->warmup_epochs, 0);
    dgc->sparse = sparse_new(compression, dgc->is_dense, most);
    dgc->u = compression_rows(compression, "compression.velocity", compression->n);
    dgc->v = compression_rows(compression, "compression.unsent", compression->n);
    dgc->velocity = compression_common(compression, "compression.dense_velocity", compression->n);
    if (settings->weight_decay > 0)
        dgc->decay = compression_common(compression, "compression.decay", compression->n);
    compression->own = dgc;
}

/* A worker's share of a limit on the norm of the mean gradient. */
static void clip(const Compression *compression, real *g) {
    const DgcSettings *settings = compression->settings;
    if (settings->clip_norm <= 0)
        return;
    double limit = settings->clip_norm / sqrt(compression->workers->n);
    double norm = sqrt(bits_sumsq(g, compression->n));
    real factor = (real)(limit / norm);
    for (int64_t i = 0; i < compression->n && norm > limit; i++)
        g[i] *= factor;
}

/* u = mu u + g, v = v + u, or with Nesterov's u = mu (u + g), v = v + u + g; sent is the largest of
 * v, and both are zero where it is. */
static void select_of(const Compression *compression, int own, const real *g) {
    const DgcSettings *settings = compression->settings;
    const Dgc *dgc = compression->own;
    int64_t n = compression->n;
    real *u = dgc->u + own * n, *v = dgc->v + own * n, mu = (real)settings->momentum;
    for (int s = 0; s < compression->n_segments; s++) {
        const Segment *segment = &compression->segments[s];
        for (int64_t i = segment->offset; i < segment->offset + segment->n && !dgc->is_dense[s];
             i++) {
            u[i] = settings->nesterov ? mu * (u[i] + g[i]) : mu * u[i] + g[i];
            v[i] += settings->nesterov ? u[i] + g[i] : u[i];
        }
    }
    sparse_select(dgc->sparse, own, v);
    sparse_clear(dgc->sparse, own, u);
    sparse_clear(dgc->sparse, own, v);
}

/* Momentum on the mean of what travels whole, decay as a velocity of its own on the rest. */
static void finish_tensor(const Compression *compression, int s, const real *weights, real *out) {
    const DgcSettings *settings = compression->settings;
    const Dgc *dgc = compression->own;
    const Segment *segment = &compression->segments[s];
    real mu = (real)settings->momentum;
    real decay = segment->decay ? (real)settings->weight_decay : 0;
    for (int64_t i = segment->offset; i < segment->offset + segment->n; i++) {
        if (dgc->is_dense[s]) {
            real g = decay > 0 ? out[i] + decay * weights[i] : out[i];
            dgc->velocity[i] = mu * dgc->velocity[i] + g;
            out[i] = settings->nesterov ? g + mu * dgc->velocity[i] : dgc->velocity[i];
        } else if (decay > 0) {
            dgc->decay[i] = mu * dgc->decay[i] + decay * weights[i];
            out[i] += dgc->decay[i];
        }
    }
}

static void dgc_mean(Compression *compression, const CompressionStep *step, real *grads,
                     real *out) {
    const DgcSettings *settings = compression->settings;
    Dgc *dgc = compression->own;
    sparse_set_ratio(dgc->sparse,
                     dgc_ratio(settings->ratio, (double)settings->warmup_epochs, step->epoch));
    for (int i = 0; i < workers_own(compression->workers); i++) {
        real *g = grads + i * compression->n;
        clip(compression, g);
        select_of(compression, i, g);
    }
    dense_part_mean(dgc->dense, grads, out);
    sparse_mean(dgc->sparse, out);
    for (int s = 0; s < compression->n_segments; s++)
        finish_tensor(compression, s, step->weights, out);
}

static const Param rows[] = {
    PARAM(NUMBER, DgcSettings, ratio, "0.001", 1e-6, 1, "1",
          "share of each matrix's elements that a worker sends, at least one"),
    PARAM(COUNT, DgcSettings, warmup_epochs, "4", 0, 1e6, "epochs",
          "the share falls to `ratio` over so many: ratio^((epoch + 1) / (warmup + 1))"),
    PARAM(NUMBER, DgcSettings, momentum, "0.9", 0, 1, "1", "of every worker by itself"),
    PARAM(FLAG, DgcSettings, nesterov, "false", 0, 0, "1", "Nesterov's form of it"),
    PARAM(NUMBER, DgcSettings, weight_decay, "0", 0, 1, "1",
          "L2, with a velocity of its own that is never compressed"),
    PARAM(NUMBER, DgcSettings, clip_norm, "0", 0, 1e30, "1",
          "a worker's gradient is clipped to this over sqrt(workers), 0: it is not"),
    PARAM_END,
};

COMPRESSION_TYPE(dgc) = {
    .kind = {.name = "dgc",
             .summary = "Deep Gradient Compression: top-k of momentum that every worker keeps",
             .detail = "u_i = mu u_i + g_i, v_i = v_i + u_i; worker i sends its largest |v_i| of "
                       "each matrix, and u_i and v_i\n"
                       "are zero there; vectors travel whole, with momentum on their mean. The "
                       "optimizer is sgd: momentum\n"
                       "and decay are settings of the compression.",
             .reference = "Lin et al. 2018, arXiv 1712.01887",
             .settings_bytes = sizeof(DgcSettings),
             .params = rows},
    .own_momentum = true,
    .open = dgc_open,
    .mean = dgc_mean,
};
