/* Evaluation in shards of fixed size, dealt to ranks and threads; sums in the canonical tree over
 * shards. */
#include "lab/train/state.h"

#include "lab/base/clock.h"
#include "lab/base/vec.h"

#include <math.h>
#include <omp.h>
#include <string.h>

static int64_t shards_of(const Dataset *data, Split split) {
    return (data->n[split] + MODEL_EVAL_EXAMPLES - 1) / MODEL_EVAL_EXAMPLES;
}

static void eval_shard(const Trainer *trainer, TrainThread *thread, Split split, int64_t shard,
                       double *sums) {
    int64_t first = shard * MODEL_EVAL_EXAMPLES, left = trainer->data->n[split] - first;
    int n = (int)(left < MODEL_EVAL_EXAMPLES ? left : MODEL_EVAL_EXAMPLES);
    for (int i = 0; i < n; i++)
        thread->index[i] = first + i;
    dataset_gather(trainer->data, split, thread->index, n, thread->x, thread->y);
    Shard examples = {.n = n,
                      .x = thread->x,
                      .y = thread->y,
                      .seed = trainer->seed,
                      .step = trainer->step,
                      .index = shard};
    ModelPass pass = {.weights = trainer->averaged ? trainer->averaged : trainer->weights,
                      .workspace = thread->workspace};
    trainer->model->type->pass(trainer->model, &examples, &pass);
    sums[0] = pass.loss_sum;
    sums[1] = (double)pass.n_correct;
}

static void eval_split(Trainer *trainer, Split split, double *loss, double *accuracy) {
    Comm *comm = trainer->layout->comm;
    int64_t n = shards_of(trainer->data, split), first, last;
    double *loss_sum = trainer->eval_sums, *correct = trainer->eval_sums + n;
    memset(trainer->eval_sums, 0, sizeof(double) * 2 * (size_t)n);
    tree_block(n, comm_size(comm), comm_rank(comm), &first, &last);
#pragma omp parallel num_threads(trainer->threads)
    {
        omp_set_num_threads(1);
        TrainThread *thread = &trainer->thread[omp_get_thread_num()];
        for (int64_t shard = first + omp_get_thread_num(); shard < last;
             shard += trainer->threads) {
            double sums[2];
            eval_shard(trainer, thread, split, shard, sums);
            loss_sum[shard] = sums[0];
            correct[shard] = sums[1];
        }
    }
    comm_share(comm, trainer->eval_sums, 2 * n);
    double examples = (double)trainer->data->n[split];
    *loss = vec_tree_sum(loss_sum, n) / examples;
    *accuracy = trainer->data->n_classes > 0 ? vec_tree_sum(correct, n) / examples : NAN;
}

void evaluate(Trainer *trainer) {
    EvalRow *row = &trainer->eval;
    row->step = trainer->step;
    row->examples = trainer->examples;
    eval_split(trainer, SPLIT_VALID, &row->valid_loss, &row->valid_accuracy);
    eval_split(trainer, SPLIT_TEST, &row->test_loss, &row->test_accuracy);
    row->wall_s = clock_s() - trainer->start_s;
}
