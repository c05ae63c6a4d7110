/* The noise scale in the metric of an Adam-like optimizer: tr(P Sigma P) / |P G|^2. P is the one
 * that the optimizer has before the update at hand, so it does not depend on this step's gradients,
 * and the estimates of trace and norm are unbiased for it. The unit is the shard. */
#include "lab/train/state.h"

#include "lab/base/vec.h"

#include <math.h>

void preconditioned_new(Trainer *trainer) {
    if (trainer->settings->noise.preconditioned && trainer->settings->optimizer->preconditioner)
        trainer->preconditioner = ARENA_ARRAY(trainer->arena, float, trainer->model->n_weights);
}

/* Adam's v averages the squares of the gradients so far. 1/v has no finite mean while they are one
 * or two and no finite variance before five, and one such step would outweigh hundreds. */
enum { LEAST_UPDATES = 10 };

void preconditioned_begin(Trainer *trainer) {
    trainer->has_preconditioner =
        trainer->preconditioner && trainer->optim->t >= LEAST_UPDATES &&
        optim_preconditioner(trainer->optim, trainer->preconditioner, trainer->threads);
}

/* |P g|^2 of a shard's gradient sum. */
double preconditioned_shard(const Trainer *trainer, const float *grad_sum) {
    return trainer->has_preconditioner
               ? vec_product_sumsq(trainer->preconditioner, grad_sum, trainer->model->n_weights)
               : 0;
}

void preconditioned_see(Trainer *trainer) {
    NoiseEstimate estimate = {NAN, NAN};
    double span = (double)trainer->settings->mini_batch;
    double seen = trainer->data->endless
                      ? 0
                      : (double)trainer->global_batch / (double)trainer->data->n[SPLIT_TRAIN];
    if (trainer->has_preconditioner)
        estimate = noise_estimate(
            trainer->n_shards, span,
            trainer->sums[SUM_PRECONDITIONED] / (span * span) / (double)trainer->n_shards,
            vec_product_sumsq(trainer->preconditioner, trainer->grad, trainer->model->n_weights),
            seen);
    noise_see(&trainer->preconditioned, estimate, NOISE_DECAY);
    trainer->row.preconditioned_trace = estimate.trace;
    trainer->row.preconditioned_sqnorm = estimate.sqnorm;
    trainer->row.preconditioned_noise_scale = noise_scale(&trainer->preconditioned);
}
