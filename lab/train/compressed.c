/* Compressed gradients: the workers' messages take the place of the sum over shards, and all ranks
 * make the same update from their mean. */
#include "lab/train/exchange.h"

void compressed_new(Trainer *trainer) {
    const TrialSettings *settings = trainer->settings;
    Exchange *exchange = exchange_new(trainer);
    Compression *compression = compression_new(
        settings->compression, settings->compression_settings, trainer->model->segments,
        trainer->model->n_segments, exchange->workers, trainer->seed, trainer->arena);
    exchange->compression = compression;
    for (int i = 0; i < compression->n_states; i++) {
        const CompressionState *state = &compression->states[i];
        if (state->by_worker)
            exchange->rows[exchange->n_rows++] = (WorkerRows){state->name, state->n, state->data};
    }
}

static Error *compressed_reduce(Trainer *trainer) {
    Compression *compression = trainer->exchange->compression;
    double lr = trainer_lr(trainer);
    const CompressionStep step = {.step = trainer->step,
                                  .epoch = (double)trainer->examples /
                                           (double)trainer->data->n[SPLIT_TRAIN],
                                  .lr = lr,
                                  .lr_last = trainer->optim->t > 0 ? trainer->optim->lr_last : lr,
                                  .weights = trainer->weights};
    exchange_add_up(trainer);
    workers_reset(compression->workers);
    compression->type->mean(compression, &step, trainer->exchange->grads, trainer->own_grad);
    exchange_note_bytes(trainer);
    trainer->grad = trainer->own_grad;
    trainer->grad_sum = trainer->own_grad;
    trainer->grad_factor = 1; /* it is a mean already */
    return exchange_sum_doubles(trainer);
}

const Method method_compressed = {
    .reduce = compressed_reduce,
    .square = whole_square,
    .clip = whole_clip,
    .update = whole_update,
};
