/* From the gradient sum to the mean gradient, its norms and the noise scale. */
#include "lab/train/team.h"

#include "lab/base/vec.h"
#include "optim/clip.h"

#include <math.h>

/* Those of the tensor's chunks that are this replica's, counted from its start. */
static void scale_chunks(Trainer *trainer, const Segment *segment, int64_t from, int64_t to,
                         double *chunk_sumsq) {
    float factor = trainer->grad_factor;
    const float *sum = trainer->grad_sum + segment->offset;
    float *grad = trainer->grad + segment->offset;
    /* a region costs microseconds: only worth it for a few chunks a thread */
#pragma omp parallel for num_threads(trainer->threads) if (to - from >= 4 * trainer->threads)      \
    schedule(static)
    for (int64_t chunk = from; chunk < to; chunk++) {
        int64_t at = chunk * VEC_CHUNK, left = segment->n - at;
        chunk_sumsq[chunk] =
            vec_chunk_scale_sumsq(grad + at, sum + at, factor, left < VEC_CHUNK ? left : VEC_CHUNK);
    }
}

static int64_t limited(int64_t x, int64_t most) {
    return x < 0 ? 0 : x < most ? x : most;
}

/* One multiplication by 1/B, and the sums of squares after it, over fixed chunks (DESIGN 2.2, 2.4).
 */
void whole_square(Trainer *trainer) {
    const Model *model = trainer->model;
    OptimRange own = trainer->own_chunks;
    int64_t first = 0;
    for (int i = 0; i < model->n_segments; i++) {
        int64_t n = vec_chunks(model->segments[i].n);
        scale_chunks(trainer, &model->segments[i], limited(own.first - first, n),
                     limited(own.last - first, n), trainer->chunk_sumsq + first);
        first += n;
    }
    team_wait(trainer->team);
    first = 0;
    for (int i = 0; i < model->n_segments; i++) {
        int64_t n = vec_chunks(model->segments[i].n);
        trainer->layers[i].grad_sumsq = vec_tree_sum(trainer->chunk_sumsq + first, n);
        first += n;
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

void clip_layers(const Trainer *trainer, float *grad, OptimLayer *layers, OptimRange own) {
    const ClipSettings *clip = &trainer->settings->clip;
    const Model *model = trainer->model;
    double sumsq = 0;
    if (clip->norm <= 0)
        return;
    for (int i = 0; i < model->n_segments; i++)
        sumsq += layers[i].grad_sumsq;
    double whole = clip_factor((ClipForm)clip->form, sqrt(sumsq), clip->norm);
    for (int i = 0; i < model->n_segments; i++) {
        double norm = sqrt(layers[i].grad_sumsq);
        double factor =
            clip->scope == 1 ? clip_factor((ClipForm)clip->form, norm, clip->norm) : whole;
        if (factor == 1)
            continue;
        int64_t at = model->segments[i].offset, n = model->segments[i].n;
        int64_t first = limited(own.first - at, n), last = limited(own.last - at, n);
        vec_scale(grad + at + first, (float)factor, last - first);
        layers[i].grad_sumsq *= factor * factor;
    }
}

void whole_clip(Trainer *trainer) {
    if (trainer->preconditioner && trainer->settings->clip.norm > 0)
        team_wait(trainer->team); /* all have seen the gradient as it was */
    clip_layers(trainer, trainer->grad, trainer->layers, trainer->own_part);
}

/* Before decay and trust ratios (optimizers.md 7). The recorded norms and the noise statistics are
 * of the gradient as it was. */
void stage_clip(Trainer *trainer) {
    trainer->method->clip(trainer);
}
