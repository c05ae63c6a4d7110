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
                       double sums[EVAL_SUMS]) {
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
                      .running = trainer->running,
                      .workspace = thread->workspace};
    trainer->model->type->pass(trainer->model, &examples, &pass);
    sums[EVAL_LOSS] = pass.loss_sum;
    sums[EVAL_CORRECT] = (double)pass.n_correct;
    sums[EVAL_TOP5] = (double)pass.n_top5;
}

/* Means over a split, in EVAL order; shares of right labels are NaN when there are no labels. */
static void eval_split(Trainer *trainer, Split split, double mean[EVAL_SUMS]) {
    Comm *comm = trainer->layout->comm;
    int64_t n = shards_of(trainer->data, split), first, last;
    double *shard_sums = trainer->eval_sums; /* (EVAL_SUMS, n) */
    memset(shard_sums, 0, sizeof(double) * EVAL_SUMS * (size_t)n);
    tree_block(n, comm_size(comm), comm_rank(comm), &first, &last);
#pragma omp parallel num_threads(trainer->threads)
    {
        omp_set_num_threads(1);
        TrainThread *thread = &trainer->thread[omp_get_thread_num()];
        for (int64_t shard = first + omp_get_thread_num(); shard < last;
             shard += trainer->threads) {
            double sums[EVAL_SUMS];
            eval_shard(trainer, thread, split, shard, sums);
            for (int i = 0; i < EVAL_SUMS; i++)
                shard_sums[i * n + shard] = sums[i];
        }
    }
    comm_share(comm, shard_sums, EVAL_SUMS * n);
    double examples = (double)trainer->data->n[split];
    double labels = trainer->data->n_classes > 0 ? examples * trainer->data->n_labels : NAN;
    for (int i = 0; i < EVAL_SUMS; i++)
        mean[i] = vec_tree_sum(shard_sums + i * n, n) / (i == EVAL_LOSS ? examples : labels);
}

void evaluate(Trainer *trainer) {
    EvalRow *row = &trainer->eval;
    double valid[EVAL_SUMS], test[EVAL_SUMS];
    row->step = trainer->step;
    row->examples = trainer->examples;
    row->worker_bytes = trainer->worker_bytes;
    eval_split(trainer, SPLIT_VALID, valid);
    eval_split(trainer, SPLIT_TEST, test);
    row->valid_loss = valid[EVAL_LOSS];
    row->valid_accuracy = valid[EVAL_CORRECT];
    row->valid_top5 = valid[EVAL_TOP5];
    row->test_loss = test[EVAL_LOSS];
    row->test_accuracy = test[EVAL_CORRECT];
    row->test_top5 = test[EVAL_TOP5];
    row->wall_s = clock_s() - trainer->start_s;
}
