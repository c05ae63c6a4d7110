#include "lab/train/exchange.h"

#include "lab/base/vec.h"

#include <assert.h>
#include <string.h>

Exchange *exchange_new(Trainer *trainer) {
    Arena *arena = trainer->arena;
    Exchange *exchange = ARENA_NEW(arena, Exchange);
    exchange->workers = workers_new(trainer->layout->comm, (int)trainer->settings->workers, arena);
    int own = workers_own(exchange->workers);
    exchange->grads = ARENA_ARRAY(arena, float, own * trainer->model->n_weights);
    exchange->doubles = ARENA_ARRAY(arena, void *, own);
    exchange->nodes = ARENA_ARRAY(arena, TreeNode, own);
    trainer->exchange = exchange;
    trainer->own_grad = ARENA_ARRAY(arena, float, trainer->model->n_weights);
    return exchange;
}

Error *exchange_connect(Trainer *trainer) {
    Reduction *reduction = &trainer->reduction;
    int own = workers_own(trainer->exchange->workers);
    PASS(reduction->type->open(reduction, own));
    for (int i = 0; i < own; i++)
        trainer->exchange->doubles[i] = reduction->type->buffer(reduction, i);
    return NULL;
}

float *exchange_rows(Trainer *trainer, const char *name, int64_t n) {
    Exchange *exchange = trainer->exchange;
    assert(exchange->n_rows < MOST_WORKER_ROWS);
    bool root = comm_rank(trainer->layout->comm) == 0;
    int rows = root ? exchange->workers->n : workers_own(exchange->workers);
    float *data = ARENA_ARRAY(trainer->arena, float, rows *n);
    exchange->rows[exchange->n_rows++] = (WorkerRows){name, n, data};
    return data;
}

/* The nodes of one worker, next to each other in trainer->nodes, are merged: its shards are all
 * here. */
void exchange_add_up(Trainer *trainer) {
    const Exchange *exchange = trainer->exchange;
    const Workers *workers = exchange->workers;
    Reduction block = {
        .shape = trainer->shape, .n_shards = trainer->tree_shards, .threads = trainer->threads};
    float factor = (float)((double)workers->n / (double)trainer->global_batch);
    size_t bytes = sizeof(double) * (size_t)trainer->shape.n_doubles;
    int at = 0;
    for (int i = 0; i < workers_own(workers); i++) {
        int n = 0;
        while (at + n < trainer->n_nodes && trainer->nodes[at + n].owner == workers->first + i)
            n++;
        int left = reduction_merge(&block, trainer->nodes + at, n);
        assert(n > 0 && left == 1);
        void *sum = trainer->nodes[at].data;
        float *grad = exchange_grad(trainer, i);
        memcpy(grad, sum_floats(&block.shape, sum),
               sizeof(float) * (size_t)trainer->model->n_weights);
        vec_scale(grad, factor, trainer->model->n_weights);
        memcpy(exchange->doubles[i], sum, bytes);
        exchange->nodes[i] = (TreeNode){.index = workers->first + i, .data = exchange->doubles[i]};
        at += n;
    }
}

Error *exchange_sum_doubles(Trainer *trainer) {
    Reduction *reduction = &trainer->reduction;
    const Exchange *exchange = trainer->exchange;
    const void *sum;
    sum_doubles(exchange->doubles[0])[SUM_WANTED] = trainer->wanted;
    PASS(reduction->type->reduce(reduction, exchange->nodes, workers_own(exchange->workers), &sum));
    trainer->sums = sum;
    return NULL;
}

void exchange_note_bytes(Trainer *trainer) {
    const Workers *workers = trainer->exchange->workers;
    trainer->row.sent_bytes = workers->sent_bytes;
    trainer->row.worker_bytes = workers->worker_bytes;
}

void exchange_collect(Trainer *trainer) {
    const Exchange *exchange = trainer->exchange;
    for (int i = 0; exchange && i < exchange->n_rows; i++)
        workers_collect(exchange->workers, exchange->rows[i].data,
                        sizeof(float) * (size_t)exchange->rows[i].n);
}

void exchange_deal(Trainer *trainer) {
    const Exchange *exchange = trainer->exchange;
    for (int i = 0; exchange && i < exchange->n_rows; i++)
        workers_deal(exchange->workers, exchange->rows[i].data,
                     sizeof(float) * (size_t)exchange->rows[i].n);
}
