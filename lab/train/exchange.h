/* Internal to lab/train: what trials have whose workers have state of their own. One worker's
 * gradient is the tree sum over its own block of shards. */
#ifndef LAB_TRAIN_EXCHANGE_H
#define LAB_TRAIN_EXCHANGE_H

#include "lab/comm/slices.h"
#include "lab/train/by_worker.h"
#include "lab/train/state.h"

/* Rows of state, one a worker: (own, n), on rank 0 (W, n) with its own rows first. */
typedef struct WorkerRows {
    const char *name;
    int64_t n;
    float *data;
} WorkerRows;

enum { MOST_WORKER_ROWS = OPTIM_MAX_SLOTS + COMPRESSION_MAX_STATES };

struct Exchange {
    Workers *workers;
    float *grads;    /* (own, n_weights) mean gradient of each own worker */
    void **doubles;  /* (own) the reduction's buffers: what a worker adds besides its gradient */
    TreeNode *nodes; /* (own) */
    WorkerRows rows[MOST_WORKER_ROWS];
    int n_rows;
    Compression *compression; /* NULL: local steps */
    struct Local *local;      /* NULL: compressed gradients */
};

/* All of it but the method's own. */
Exchange *exchange_new(Trainer *trainer);
/* *Collective*: buffers in the reduction. */
Error *exchange_connect(Trainer *trainer);
float *exchange_rows(Trainer *trainer, const char *name, int64_t n);
static inline float *exchange_grad(const Trainer *trainer, int own) {
    return trainer->exchange->grads + own * trainer->model->n_weights;
}

/* The nodes of the step at hand become one mean gradient and one set of doubles a worker. */
void exchange_add_up(Trainer *trainer);
/* *Collective*: trainer->sums, over all workers. */
Error *exchange_sum_doubles(Trainer *trainer);
/* Notes what has been sent since workers_reset in the row at hand. */
void exchange_note_bytes(Trainer *trainer);

/* *Collective*: rows to rank 0 and from there. */
void exchange_collect(Trainer *trainer);
void exchange_deal(Trainer *trainer);

/* compressed.c, local.c */
extern const Method method_compressed, method_local;
void compressed_new(Trainer *trainer);
void local_new(Trainer *trainer);

#endif
