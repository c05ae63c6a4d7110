/* Local SGD: between two averages every worker steps by itself, on its own block of shards, with
 * weights and an optimizer of its own; then the weights are averaged (Stich 2019; post-local: Lin
 * et al. 2020, arXiv 1808.07217). Where gradients are averaged instead, all workers make the same
 * update. */
#include "lab/train/exchange.h"

#include "lab/base/vec.h"

#include <string.h>

struct Local {
    float *weights;     /* (own, n_weights), rows of the checkpoint; so are the slots */
    Optim *optim;       /* (own) */
    OptimLayer *layers; /* (own, n_segments) */
    Slices *slices;
    bool steps_alone; /* of the step at hand */
};

static int n_own(const Trainer *trainer) {
    return workers_own(trainer->exchange->workers);
}

static float *weights_of(const Trainer *trainer, int own) {
    return trainer->exchange->local->weights + own * trainer->model->n_weights;
}

static OptimLayer *layers_of(const Trainer *trainer, int own) {
    return trainer->exchange->local->layers + own * trainer->model->n_segments;
}

/* One optimizer a worker, all with the work space of the trainer's: they step one after another. */
static void optims_new(Trainer *trainer, struct Local *local) {
    static const char *const names[OPTIM_MAX_SLOTS] = {"local.slot0", "local.slot1", "local.slot2",
                                                       "local.slot3"};
    int64_t n = trainer->model->n_weights;
    local->optim = ARENA_ARRAY(trainer->arena, Optim, n_own(trainer));
    for (int i = 0; i < n_own(trainer); i++)
        local->optim[i] = *trainer->optim;
    for (int s = 0; s < trainer->optim->type->n_slots; s++) {
        float *rows = exchange_rows(trainer, names[s], n);
        for (int i = 0; i < n_own(trainer); i++)
            local->optim[i].slots[s] = rows + i * n;
    }
}

void local_new(Trainer *trainer) {
    Exchange *exchange = exchange_new(trainer);
    struct Local *local = ARENA_NEW(trainer->arena, struct Local);
    const Model *model = trainer->model;
    exchange->local = local;
    local->weights = exchange_rows(trainer, "local.weights", model->n_weights);
    local->layers = ARENA_ARRAY(trainer->arena, OptimLayer, n_own(trainer) * model->n_segments);
    local->slices = slices_new(exchange->workers, &format_real, model->n_weights, trainer->arena);
    optims_new(trainer, local);
    for (int i = 0; i < n_own(trainer); i++)
        memcpy(weights_of(trainer, i), trainer->weights, sizeof(float) * (size_t)model->n_weights);
    trainer->worker_weights = local->weights;
    trainer->own_optim = true;
}

/* *Collective*: every row becomes the mean of all. */
static void average(Trainer *trainer, float *rows, float *mean) {
    const Exchange *exchange = trainer->exchange;
    size_t bytes = sizeof(float) * (size_t)trainer->model->n_weights;
    slices_sum(exchange->local->slices, rows, 1.0 / exchange->workers->n, NULL, mean);
    for (int i = 0; i < n_own(trainer); i++)
        memcpy(rows + i * trainer->model->n_weights, mean, bytes);
}

/* Squared norms of each worker's gradient ride with its doubles: the norm of the step is their
 * root mean square. */
static void note_norms(Trainer *trainer) {
    const Model *model = trainer->model;
    for (int i = 0; i < n_own(trainer); i++)
        for (int s = 0; s < model->n_segments; s++) {
            double sumsq = vec_sumsq(exchange_grad(trainer, i) + model->segments[s].offset,
                                     model->segments[s].n);
            layers_of(trainer, i)[s].grad_sumsq = sumsq;
            sum_doubles(trainer->exchange->doubles[i])[SUM_SQNORMS + s] = sumsq;
        }
}

static Error *local_reduce(Trainer *trainer) {
    Exchange *exchange = trainer->exchange;
    double begin = trainer->settings->local.after_epochs * (double)trainer->data->n[SPLIT_TRAIN];
    exchange_add_up(trainer);
    workers_reset(exchange->workers);
    exchange->local->steps_alone = (double)trainer->examples >= begin;
    if (!exchange->local->steps_alone)
        average(trainer, exchange->grads, trainer->own_grad);
    note_norms(trainer);
    return exchange_sum_doubles(trainer);
}

static void local_square(Trainer *trainer) {
    for (int s = 0; s < trainer->model->n_segments; s++)
        trainer->layers[s].grad_sumsq =
            trainer->sums[SUM_SQNORMS + s] / trainer->exchange->workers->n;
}

/* Every worker by its own norms, before its own step. */
static void local_clip(Trainer *trainer) {
    for (int i = 0; i < n_own(trainer); i++)
        clip_layers(trainer, exchange_grad(trainer, i), layers_of(trainer, i), trainer->own_part);
}

static void local_update(Trainer *trainer) {
    const LocalSettings *settings = &trainer->settings->local;
    struct Local *local = trainer->exchange->local;
    int64_t t = trainer->optim->t; /* a checkpoint has it once for all workers */
    double lr_last = trainer->optim->lr_last;
    for (int i = 0; i < n_own(trainer); i++) {
        Optim *optim = &local->optim[i];
        optim->t = t;
        optim->lr_last = lr_last;
        optim_step(optim, trainer->row.lr, weights_of(trainer, i), exchange_grad(trainer, i),
                   layers_of(trainer, i), trainer->threads);
    }
    trainer->optim->t = local->optim[0].t;
    trainer->optim->lr_last = local->optim[0].lr_last;
    for (int s = 0; s < trainer->model->n_segments; s++) /* rank 0 records: worker 0's */
        trainer->layers[s].trust = layers_of(trainer, 0)[s].trust;
    trainer->apart = local->steps_alone;
    if (local->steps_alone && (trainer->step + 1) % settings->period == 0) {
        average(trainer, local->weights, trainer->weights);
        int n_slots = settings->slots == SLOTS_OWN ? 0 : trainer->optim->type->n_slots;
        for (int s = 0; s < n_slots; s++) {
            float *rows = local->optim[0].slots[s];
            if (settings->slots == SLOTS_MEAN)
                average(trainer, rows, trainer->own_grad);
            else
                memset(rows, 0,
                       sizeof(float) * (size_t)(n_own(trainer) * trainer->model->n_weights));
        }
        trainer->apart = false;
    }
    exchange_note_bytes(trainer);
}

/* Looking at the trial's weights between two averages changes nothing, and is not tallied. */
static void local_settle(Trainer *trainer) {
    const Exchange *exchange = trainer->exchange;
    if (trainer->apart)
        slices_sum(exchange->local->slices, exchange->local->weights, 1.0 / exchange->workers->n,
                   NULL, trainer->weights);
    else
        memcpy(trainer->weights, exchange->local->weights,
               sizeof(float) * (size_t)trainer->model->n_weights);
}

const Method method_local = {
    .reduce = local_reduce,
    .square = local_square,
    .clip = local_clip,
    .update = local_update,
    .settle = local_settle,
};
