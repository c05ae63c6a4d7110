#include "lab/base/rng.h"
#include "lab/comm/dense_part.h"
#include "lab/comm/low_rank.h"

#include <string.h>

typedef struct PowersgdSettings {
    int64_t rank, start_steps;
    double least_gain;
    int error;
    bool warm_start;
} PowersgdSettings;

enum { ERROR_MEAN, ERROR_OWN };
static const char *const error_names[] = {"mean", "own", NULL};

typedef struct Powersgd {
    LowRank *shape;            /* (n_segments), r = 0: travels whole */
    bool *is_dense, *all;      /* (n_segments) */
    DensePart *dense, *before; /* before: of the first steps, everything */
    int64_t n_p, n_q;          /* elements of all P, all Q */
    real *error;               /* (own, n) */
    real *q, *p;               /* (n_q), of the last step; (n_p) */
    real *own_q, *own_p;       /* (own, n_q), (own, n_p) */
    real *product;             /* (n) of one worker's own Q */
    Slices *slices_p, *slices_q;
} Powersgd;

/* As (shape[0], the rest), where that is worth it. */
static LowRank shape_of(const Segment *segment, const PowersgdSettings *settings) {
    LowRank shape = {.rows = segment->shape[0], .r = (int)settings->rank};
    if (segment->n_dims < 2 || segment->n == 0)
        return (LowRank){0};
    shape.columns = segment->n / shape.rows;
    int64_t least = shape.rows < shape.columns ? shape.rows : shape.columns;
    shape.r = shape.r < least ? shape.r : (int)least;
    double gain = (double)segment->n / (double)((shape.rows + shape.columns) * shape.r);
    return gain >= settings->least_gain ? shape : (LowRank){0};
}

/* Another set of random vectors each time it is asked for. */
static void fill_q(const Compression *compression, uint64_t index) {
    const Powersgd *powersgd = compression->own;
    Rng rng = rng_new(compression->seed, RNG_COMPRESSION, index);
    for (int64_t i = 0; i < powersgd->n_q; i++)
        powersgd->q[i] = (real)rng_normal(&rng);
}

static void powersgd_open(Compression *compression) {
    const PowersgdSettings *settings = compression->settings;
    Arena *arena = compression->arena;
    Powersgd *powersgd = ARENA_NEW(arena, Powersgd);
    int n_segments = compression->n_segments, own = workers_own(compression->workers);
    compression->own = powersgd;
    powersgd->shape = ARENA_ARRAY(arena, LowRank, n_segments);
    powersgd->is_dense = ARENA_ARRAY(arena, bool, n_segments);
    powersgd->all = ARENA_ARRAY(arena, bool, n_segments);
    for (int s = 0; s < n_segments; s++) {
        LowRank shape = shape_of(&compression->segments[s], settings);
        powersgd->shape[s] = shape;
        powersgd->all[s] = true;
        powersgd->is_dense[s] = shape.r == 0;
        powersgd->n_p += shape.rows * shape.r;
        powersgd->n_q += shape.columns * shape.r;
    }
    powersgd->dense = dense_part_new(compression, powersgd->is_dense);
    if (settings->start_steps > 0)
        powersgd->before = dense_part_new(compression, powersgd->all);
    powersgd->error = compression_rows(compression, "compression.error", compression->n);
    powersgd->q = settings->warm_start
                      ? compression_common(compression, "compression.q", powersgd->n_q)
                      : ARENA_ARRAY(arena, real, powersgd->n_q);
    powersgd->p = ARENA_ARRAY(arena, real, powersgd->n_p);
    powersgd->own_p = ARENA_ARRAY(arena, real, own * powersgd->n_p);
    powersgd->own_q = ARENA_ARRAY(arena, real, own * powersgd->n_q);
    powersgd->product = ARENA_ARRAY(arena, real, compression->n);
    powersgd->slices_p = slices_new(compression->workers, &format_real, powersgd->n_p, arena);
    powersgd->slices_q = slices_new(compression->workers, &format_real, powersgd->n_q, arena);
    fill_q(compression, 0);
}

typedef enum { P_FROM_Q, Q_FROM_P, PRODUCT } Part;

/* Over all matrices of one gradient. */
static void each_matrix(const Compression *compression, Part part, real *matrix, real *p, real *q) {
    const Powersgd *powersgd = compression->own;
    for (int s = 0; s < compression->n_segments; s++) {
        const LowRank *shape = &powersgd->shape[s];
        real *d = matrix + compression->segments[s].offset;
        if (shape->r == 0)
            continue;
        if (part == P_FROM_Q)
            low_rank_right(shape, p, d, q);
        else if (part == Q_FROM_P)
            low_rank_left(shape, q, d, p);
        else
            low_rank_product(shape, d, p, q);
        p += shape->rows * shape->r;
        q += shape->columns * shape->r;
    }
}

static void orthonormalise(const Compression *compression) {
    const Powersgd *powersgd = compression->own;
    real *p = powersgd->p;
    for (int s = 0; s < compression->n_segments; s++) {
        low_rank_orthonormalise(&powersgd->shape[s], p);
        p += powersgd->shape[s].rows * powersgd->shape[s].r;
    }
}

/* error = D less what has been sent of it, nothing where a tensor travels whole. */
static void keep_error(const Compression *compression, int own, const real *d, const real *mean) {
    const PowersgdSettings *settings = compression->settings;
    Powersgd *powersgd = compression->own;
    real *error = powersgd->error + own * compression->n;
    if (settings->error == ERROR_OWN) {
        each_matrix(compression, PRODUCT, powersgd->product, powersgd->p,
                    powersgd->own_q + own * powersgd->n_q);
        mean = powersgd->product;
    }
    for (int s = 0; s < compression->n_segments; s++) {
        const Segment *segment = &compression->segments[s];
        for (int64_t i = segment->offset;
             i < segment->offset + segment->n && !powersgd->is_dense[s]; i++)
            error[i] = d[i] - mean[i];
    }
}

static void powersgd_mean(Compression *compression, const CompressionStep *step, real *grads,
                          real *out) {
    const PowersgdSettings *settings = compression->settings;
    Powersgd *powersgd = compression->own;
    int64_t n = compression->n;
    int own = workers_own(compression->workers);
    if (step->step < settings->start_steps) {
        dense_part_mean(powersgd->before, grads, out);
        return;
    }
    if (!settings->warm_start)
        fill_q(compression, (uint64_t)step->step + 1);
    for (int i = 0; i < own; i++) {
        for (int64_t j = 0; j < n; j++)
            grads[i * n + j] += powersgd->error[i * n + j];
        each_matrix(compression, P_FROM_Q, grads + i * n, powersgd->own_p + i * powersgd->n_p,
                    powersgd->q);
    }
    slices_sum(powersgd->slices_p, powersgd->own_p, 1, NULL, powersgd->p);
    orthonormalise(compression);
    for (int i = 0; i < own; i++)
        each_matrix(compression, Q_FROM_P, grads + i * n, powersgd->p,
                    powersgd->own_q + i * powersgd->n_q);
    slices_sum(powersgd->slices_q, powersgd->own_q, 1.0 / compression->workers->n, NULL,
               powersgd->q);
    each_matrix(compression, PRODUCT, out, powersgd->p, powersgd->q);
    dense_part_mean(powersgd->dense, grads, out);
    for (int i = 0; i < own; i++)
        keep_error(compression, i, grads + i * n, out);
}

static const Param rows[] = {
    PARAM(COUNT, PowersgdSettings, rank, "2", 1, LOW_RANK_MOST, "1", "columns of P and of Q"),
    PARAM(COUNT, PowersgdSettings, start_steps, "0", 0, 1e9, "steps",
          "gradients travel whole before that"),
    PARAM(NUMBER, PowersgdSettings, least_gain, "2", 0, 1e9, "1",
          "matrices that would shrink by less travel whole"),
    PARAM_FROM(PowersgdSettings, error, "\"mean\"", error_names,
               "what a worker's error leaves out: P times the mean Q, or times its own"),
    PARAM(FLAG, PowersgdSettings, warm_start, "true", 0, 0, "1",
          "Q of the last step, else random vectors every step"),
    PARAM_END,
};

COMPRESSION_TYPE(powersgd) = {
    .kind = {.name = "powersgd",
             .summary = "matrices as products of two thin ones, one power iteration a step",
             .detail = "D_i = g_i + e_i as (outputs, rest); P = orthonormal columns of sum D_i Q; "
                       "Q = mean D_i' P; the optimizer\n"
                       "gets P Q', e_i = D_i - P Q'. Vectors travel whole, and so do matrices "
                       "that would hardly shrink.",
             .reference = "Vogels, Karimireddy, Jaggi 2019, arXiv 1905.13727",
             .settings_bytes = sizeof(PowersgdSettings),
             .params = rows},
    .open = powersgd_open,
    .mean = powersgd_mean,
};
