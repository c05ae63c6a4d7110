/* Curvature of the training loss at the weights of an evaluation, by Hessian-vector products that
 * are central differences of gradients:
 *
 *   H v = |v| (g(w + e v/|v|) - g(w - e v/|v|)) / (2 e) + O(e^2),  e = step * |w|
 *
 * over a fixed seeded subset of m training examples, in the shards, tree and threads of a training
 * step, so the bits are those of every layout. The rounding of float32 gradients and weights (unit
 * u = 2^-24) adds an error of the order u/step, the third derivative one of step^2: the sum is
 * least near step = u^(1/3) = 2^-8, the default. Dot products of gradients are summed in double.
 *
 * With deviations d_s of the S shard means from their mean G, tr(H Sigma) = b/(S-1) sum d_s'H d_s.
 * A probe is one vector sum r_s d_s with random signs r_s: its quadratic form has that sum as its
 * expectation (Hutchinson 1989), so it costs three gradients instead of 2 S + 1. */
#include "lab/train/state.h"

#include "lab/base/rng.h"
#include "lab/base/vec.h"

#include <math.h>
#include <string.h>

/* Random streams of the models (dropout, drawn noise) that no training step uses. */
enum { FIRST_STREAM = 1 << 19 };

struct Curvature {
    int64_t examples; /* m */
    int64_t *index;   /* (own shards * b) of the subset */
    float *grad;      /* (n_weights) mean gradient G */
    float *vector;    /* (n_weights) of the product at hand */
    float *ahead;     /* (n_weights) gradient sum at w + e v / |v| */
    float *shifted;   /* (n_weights) weights there */
};

int64_t curvature_examples(const TrialSettings *settings, int64_t n_train) {
    int64_t m = settings->curvature.examples;
    return (m < n_train ? m : n_train) / settings->mini_batch * settings->mini_batch;
}

/* The first m of a permutation that is the same for every run of the trial. */
static void choose(const Trainer *trainer, int64_t *out, int64_t first, int64_t n) {
    int64_t n_train = trainer->data->n[SPLIT_TRAIN];
    Arena *scratch = arena_new();
    int32_t *order = ARENA_ARRAY(scratch, int32_t, n_train);
    sampler_permute(order, n_train, rng_new(trainer->seed, RNG_CURVATURE, 0));
    for (int64_t i = 0; i < n; i++)
        out[i] = order[first + i];
    arena_end(scratch);
}

void curvature_new(Trainer *trainer) {
    const TrialSettings *settings = trainer->settings;
    Arena *arena = trainer->arena;
    if (settings->curvature.every_examples == 0)
        return;
    int64_t n = trainer->model->n_weights, batch = trainer->global_batch;
    Curvature *curvature = ARENA_NEW(arena, Curvature);
    curvature->examples = curvature_examples(settings, trainer->data->n[SPLIT_TRAIN]);
    trainer_deal(trainer, curvature->examples);
    int64_t own = trainer->last_shard - trainer->first_shard, b = settings->mini_batch;
    curvature->index = ARENA_ARRAY(arena, int64_t, own * b);
    choose(trainer, curvature->index, trainer->first_shard * b, own * b);
    trainer_deal(trainer, batch);
    curvature->grad = ARENA_ARRAY(arena, float, n);
    curvature->vector = ARENA_ARRAY(arena, float, n);
    curvature->ahead = ARENA_ARRAY(arena, float, n);
    curvature->shifted = ARENA_ARRAY(arena, float, n);
    trainer->curvature = curvature;
}

/* 1 or -1 for each shard of a probe. */
float curvature_sign(const Trainer *trainer, int64_t shard) {
    uint64_t index = (uint64_t)trainer->step << 32 | (uint64_t)trainer->probe << 24;
    Rng rng = rng_new(trainer->seed, RNG_CURVATURE, index + (uint64_t)shard);
    return rng_word(&rng) & 1 ? 1.0F : -1.0F;
}

/* *Collective*: trainer->grad_sum over the subset at `weights`. */
static Error *gradient(Trainer *trainer, float *weights) {
    trainer->weights = weights;
    stage_compute(trainer);
    return stage_reduce(trainer);
}

static void shift(float *out, const float *weights, const float *vector, double by, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        out[i] = (float)((double)weights[i] + by * (double)vector[i]);
}

/* *Collective*: v' H v of curvature->vector; with `replace` the vector becomes H v. */
static Error *product(Trainer *trainer, double *out, float *weights, bool replace) {
    Curvature *curvature = trainer->curvature;
    int64_t n = trainer->model->n_weights;
    float *v = curvature->vector;
    double norm = sqrt(vec_sumsq(v, n)), size = sqrt(vec_sumsq(weights, n));
    double m = (double)curvature->examples;
    double length = trainer->settings->curvature.step * (size > 0 ? size : 1);
    *out = norm > 0 ? 0 : norm; /* NaN stays NaN */
    if (!(norm > 0 && isfinite(norm)))
        return NULL;
    double scale = norm / (2 * length * m);
    shift(curvature->shifted, weights, v, length / norm, n);
    PASS(gradient(trainer, curvature->shifted));
    double ahead = vec_dot(v, trainer->grad_sum, n);
    memcpy(curvature->ahead, trainer->grad_sum, sizeof(float) * (size_t)n);
    shift(curvature->shifted, weights, v, -length / norm, n);
    PASS(gradient(trainer, curvature->shifted));
    *out = scale * (ahead - vec_dot(v, trainer->grad_sum, n));
    for (int64_t i = 0; replace && i < n; i++)
        v[i] = (float)(scale * ((double)curvature->ahead[i] - (double)trainer->grad_sum[i]));
    return NULL;
}

/* *Collective*: curvature->vector = sum r_s d_s of probe number `probe`. */
static Error *deviate(Trainer *trainer, int probe, float *weights) {
    Curvature *curvature = trainer->curvature;
    double b = (double)trainer->settings->mini_batch, signs = 0;
    trainer->probe = probe;
    Error *error = gradient(trainer, weights);
    for (int64_t s = 0; s < trainer->n_shards; s++)
        signs += (double)curvature_sign(trainer, s);
    trainer->probe = 0;
    PASS(error);
    for (int64_t i = 0; i < trainer->model->n_weights; i++)
        curvature->vector[i] =
            (float)((double)trainer->grad_sum[i] / b - signs * (double)curvature->grad[i]);
    return NULL;
}

static Error *measure_trace(Trainer *trainer, double *out, float *weights) {
    int probes = (int)trainer->settings->curvature.probes;
    double sum = 0, form, shards = (double)trainer->n_shards;
    for (int probe = 1; probe <= probes; probe++) {
        PASS(deviate(trainer, probe, weights));
        PASS(product(trainer, &form, weights, false));
        sum += form;
    }
    *out = (double)trainer->settings->mini_batch / (shards - 1) * sum / probes;
    return NULL;
}

/* Power iteration from a seeded random vector: the Rayleigh quotient of the eigenvalue of largest
 * size. */
static Error *measure_top(Trainer *trainer, double *out, float *weights) {
    float *v = trainer->curvature->vector;
    int64_t n = trainer->model->n_weights;
    Rng rng = rng_new(trainer->seed, RNG_CURVATURE, (uint64_t)trainer->step << 32);
    for (int64_t i = 0; i < n; i++)
        v[i] = (float)rng_normal(&rng);
    for (int64_t k = 0; k < trainer->settings->curvature.iterations; k++) {
        double norm = sqrt(vec_sumsq(v, n));
        if (norm > 0)
            vec_scale(v, (float)(1 / norm), n);
        norm = vec_sumsq(v, n); /* of the unit vector as float32 has it */
        PASS(product(trainer, out, weights, true));
        *out /= norm;
    }
    return NULL;
}

/* G is known from m examples only: G'HG is too large by tr(H Sigma)/m, less what m covers of the
 * training set. */
static Error *measure(Trainer *trainer, float *weights) {
    CurvatureRow *row = &trainer->curvature_row;
    Curvature *curvature = trainer->curvature;
    int64_t n = trainer->model->n_weights;
    double m = (double)curvature->examples, units = 0, form;
    double seen = trainer->data->endless ? 0 : m / (double)trainer->data->n[SPLIT_TRAIN];
    PASS(gradient(trainer, weights));
    for (int i = 0; i < trainer->model->n_segments; i++)
        units += trainer->sums[SUM_SQNORMS + i];
    for (int64_t i = 0; i < n; i++)
        curvature->grad[i] = (float)((double)trainer->grad_sum[i] / m);
    NoiseEstimate noise = noise_of(trainer, units, vec_sumsq(curvature->grad, n));
    memcpy(curvature->vector, curvature->grad, sizeof(float) * (size_t)n);
    PASS(product(trainer, &form, weights, false));
    PASS(measure_trace(trainer, &row->trace_h_sigma, weights));
    PASS(measure_top(trainer, &row->top_eigenvalue, weights));
    row->ghg = form - (1 - seen) * row->trace_h_sigma / m;
    row->grad_sqnorm = noise.sqnorm;
    row->noise_trace = noise.trace;
    row->noise_scale = row->ghg > 0 ? row->trace_h_sigma / row->ghg : NAN;
    row->lr_max = row->ghg > 0 ? noise.sqnorm / row->ghg : NAN;
    return NULL;
}

bool curvature_is_due(const Trainer *trainer) {
    int64_t every = trainer->settings->curvature.every_examples;
    return trainer->curvature && trainer->examples / every > trainer->curvature_at / every;
}

Error *curvature_measure(Trainer *trainer) {
    float *weights = trainer->weights;
    int64_t batch = trainer->global_batch, *index = trainer->index;
    trainer->curvature_at = trainer->examples;
    trainer->curvature_row = (CurvatureRow){.step = trainer->step, .examples = trainer->examples};
    trainer_deal(trainer, trainer->curvature->examples);
    trainer->index = trainer->curvature->index;
    trainer->first_stream = FIRST_STREAM;
    Error *error = measure(trainer, weights);
    trainer->first_stream = 0;
    trainer->weights = weights;
    trainer->index = index;
    trainer_deal(trainer, batch);
    return error;
}
