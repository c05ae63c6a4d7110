/* The pass of a shard: its workspace, and its chunks one after the other. */
#include "lab/nn/carve.h"
#include "lab/nn/loss.h"
#include "lab/nn/transformer_work.h"

static void block_lay(TransformerBlock *block, Carve *from, const Transformer *net,
                      size_t sequences) {
    size_t n = sequences * (size_t)net->context, width = (size_t)net->width;
    size_t squares = sequences * (size_t)net->heads * (size_t)net->context * (size_t)net->context;
    for (int i = 0; i < 2; i++) {
        block->sum[i] = carve(from, n * width, sizeof(float));
        block->normed[i] = carve(from, n * width, sizeof(float));
        block->row[i] = carve(from, n, sizeof(RowNorm));
    }
    block->qkv = carve(from, 3 * n * width, sizeof(float));
    block->probability = carve(from, squares, sizeof(float));
    block->mixed = carve(from, n * width, sizeof(float));
    block->hidden = carve(from, 4 * n * width, sizeof(float));
    block->slope = carve(from, 4 * n * width, sizeof(float));
}

static size_t work_lay(TransformerWork *work, void *base, const Transformer *net,
                       int max_examples) {
    Carve from = {base, 0};
    size_t sequences = (size_t)(max_examples < net->chunk ? max_examples : net->chunk);
    size_t n = sequences * (size_t)net->context, width = (size_t)net->width;
    work->block = carve(&from, (size_t)net->depth, sizeof *work->block);
    for (int l = 0; l < net->depth; l++) {
        TransformerBlock block;
        block_lay(&block, &from, net, sequences);
        if (base)
            work->block[l] = block;
    }
    work->sum = carve(&from, n * width, sizeof(float));
    work->normed = carve(&from, n * width, sizeof(float));
    work->row = carve(&from, n, sizeof(RowNorm));
    work->branch = carve(&from, n * width, sizeof(float));
    work->delta = carve(&from, n * width, sizeof(float));
    work->mixed = carve(&from, n * width, sizeof(float));
    work->wide = carve(&from, 4 * n * width, sizeof(float));
    work->logits = carve(&from, n * (size_t)net->n_classes, sizeof(float));
    work->row_loss = carve(&from, n, sizeof(double));
    work->column = carve(&from, 4 * width, sizeof(float));
    for (int i = 0; i < 2; i++)
        work->scratch[i] =
            carve(&from, (size_t)ATTENTION_ROWS * (size_t)net->context, sizeof(float));
    return from.used;
}

size_t transformer_workspace_bytes(const Model *model, int max_examples) {
    TransformerWork work;
    return work_lay(&work, NULL, model->plan, max_examples);
}

void transformer_pass(const Model *model, const Shard *shard, ModelPass *pass) {
    const Transformer *net = model->plan;
    TransformerWork work;
    assert(!pass->accumulate);
    work_lay(&work, pass->workspace, net, shard->n);
    LossTarget target = loss_target(pass->label_smoothing, pass->smooth_others, model->n_classes);
    target.weight = 1.0 / net->context;
    pass->loss_sum = 0;
    pass->n_correct = pass->n_top5 = 0;
    for (int first = 0; first < shard->n; first += net->chunk) {
        int left = shard->n - first;
        TransformerChunk chunk = {.net = net,
                                  .work = &work,
                                  .weights = pass->weights,
                                  .grad = pass->grad_sum,
                                  .adds = first > 0,
                                  .last = left <= net->chunk ? pass : NULL,
                                  .sequences = left < net->chunk ? left : net->chunk,
                                  .x = shard->x + (int64_t)first * net->context,
                                  .y = shard->y + (int64_t)first * net->context,
                                  .position = shard->index * model->mini_batch + first};
        chunk.n = chunk.sequences * net->context;
        chunk.dropout = dropout_new(pass->grad_sum ? net->dropout : 0, shard->seed, shard->step);
        transformer_forward(&chunk);
        int64_t n_correct;
        if (!pass->grad_sum)
            pass->n_top5 += loss_top5(work.logits, chunk.y, chunk.n, net->n_classes);
        pass->loss_sum += loss_cross_entropy(work.logits, work.row_loss, chunk.y, chunk.n,
                                             net->n_classes, target, &n_correct) /
                          net->context;
        pass->n_correct += n_correct;
        if (pass->grad_sum)
            transformer_backward(&chunk);
    }
}
