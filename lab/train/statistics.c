/* From the gradient sum to the mean gradient, its norms and the noise scale. */
#include "lab/train/state.h"

#include "lab/base/vec.h"
#include "optim/clip.h"

#include <math.h>

/* One multiplication by 1/B, and the sums of squares after it, over fixed chunks (DESIGN 2.2, 2.4).
 */
void whole_square(Trainer *trainer) {
    const Model *model = trainer->model;
    float factor = trainer->grad_factor;
    double *chunk_sumsq = trainer->chunk_sumsq;
    for (int i = 0; i < model->n_segments; i++) {
        const Segment *segment = &model->segments[i];
        const float *sum = trainer->grad_sum + segment->offset;
        float *grad = trainer->grad + segment->offset;
        int64_t n_chunks = vec_chunks(segment->n);
        /* a region costs microseconds: only worth it for a few chunks a thread */
#pragma omp parallel for num_threads(trainer->threads) if (n_chunks >= 4 * trainer->threads)       \
    schedule(static)
        for (int64_t chunk = 0; chunk < n_chunks; chunk++) {
            int64_t at = chunk * VEC_CHUNK, left = segment->n - at;
            chunk_sumsq[chunk] = vec_chunk_scale_sumsq(grad + at, sum + at, factor,
                                                       left < VEC_CHUNK ? left : VEC_CHUNK);
        }
        trainer->layers[i].grad_sumsq = vec_tree_sum(chunk_sumsq, n_chunks);
    }
}

NoiseEstimate noise_of(const Trainer *trainer, double unit_sumsq, double grad_sumsq) {
    if (!trainer->method->mean_grad)
        return (NoiseEstimate){NAN, NAN};
    double batch = (double)trainer->global_batch, span = (double)trainer->settings->mini_batch;
    double seen = trainer->data->endless ? 0 : batch / (double)trainer->data->n[SPLIT_TRAIN];
    if (trainer->model->noise_unit == NOISE_UNIT_EXAMPLE)
        return noise_estimate((int64_t)batch, 1, unit_sumsq / batch, grad_sumsq, seen);
    double shards = (double)trainer->n_shards; /* norms are of sums over b examples */
    return noise_estimate((int64_t)shards, span, unit_sumsq / (span * span) / shards, grad_sumsq,
                          seen);
}

/* Scaling rules that follow the noise: 1 before the first valid estimate, then the last valid gain
 * is held (DESIGN 2). The average forgets half over a number of examples, so that it means the same
 * at every batch. */
static void follow_noise(Trainer *trainer, NoiseEstimate whole) {
    const LrSettings *lr = &trainer->settings->lr;
    const ScalingType *scaling = (const ScalingType *)lr->scaling;
    if (!scaling->gain)
        return;
    double base_batch = timeline_base_batch(&trainer->timeline);
    double half_life = scaling->half_life(lr->scaling_settings, base_batch);
    double decay = half_life > 0 ? exp2(-(double)trainer->global_batch / half_life) : 0;
    noise_see(&trainer->gain_noise, whole, decay);
    if (trainer->gain_noise.n_seen == 0)
        return;
    double gain =
        scaling->gain(lr->scaling_settings, timeline_k(&trainer->timeline, trainer->global_batch),
                      base_batch, trainer->gain_noise.trace, trainer->gain_noise.sqnorm);
    trainer->gain = isfinite(gain) ? gain : trainer->gain;
}

void stage_noise(Trainer *trainer) {
    const Model *model = trainer->model;
    StepRow *row = &trainer->row;
    trainer->method->square(trainer);
    double unit_total = 0, grad_total = 0; /* few tensors: summed in segment order */
    for (int i = 0; i < model->n_segments; i++) {
        double u = trainer->sums[SUM_SQNORMS + i], g = trainer->layers[i].grad_sumsq;
        unit_total += u;
        grad_total += g;
        NoiseEstimate own = noise_of(trainer, u, g);
        noise_see(&trainer->layer_noise[i], own, NOISE_DECAY);
        noise_add(&trainer->layer_sum[i], own);
    }
    NoiseEstimate whole = noise_of(trainer, unit_total, grad_total);
    noise_see(&trainer->noise, whole, NOISE_DECAY);
    follow_noise(trainer, whole);
    row->train_loss = trainer->sums[SUM_LOSS] / (double)trainer->global_batch;
    row->grad_norm = sqrt(grad_total);
    row->noise_trace = whole.trace;
    row->noise_sqnorm = whole.sqnorm;
    row->noise_scale = noise_scale(&trainer->noise);
    preconditioned_see(trainer);
}

void clip_layers(const Trainer *trainer, float *grad, OptimLayer *layers) {
    const ClipSettings *clip = &trainer->settings->clip;
    const Model *model = trainer->model;
    double sumsq = 0;
    if (clip->norm <= 0)
        return;
    for (int i = 0; i < model->n_segments; i++)
        sumsq += layers[i].grad_sumsq;
    double whole = clip_factor((ClipForm)clip->form, sqrt(sumsq), clip->norm);
    for (int i = 0; i < model->n_segments; i++) {
        double own = sqrt(layers[i].grad_sumsq);
        double factor =
            clip->scope == 1 ? clip_factor((ClipForm)clip->form, own, clip->norm) : whole;
        if (factor == 1)
            continue;
        vec_scale(grad + model->segments[i].offset, (float)factor, model->segments[i].n);
        layers[i].grad_sumsq *= factor * factor;
    }
}

void whole_clip(Trainer *trainer) {
    clip_layers(trainer, trainer->grad, trainer->layers);
}

/* Before decay and trust ratios (optimizers.md 7). The recorded norms and the noise statistics are
 * of the gradient as it was. */
void stage_clip(Trainer *trainer) {
    trainer->method->clip(trainer);
}
