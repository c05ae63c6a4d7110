/* The unit of work is the shard: one thread, one forward and backward pass, sums over its examples.
 * Each thread adds its shards as far as the canonical tree allows; the rest of the tree is the
 * collective's. */
#include "lab/train/state.h"

#include "lab/base/clock.h"
#include "lab/base/vec.h"

#include <assert.h>
#include <omp.h>
#include <string.h>

void stage_sample(Trainer *trainer) {
    trainer_deal(trainer, timeline_batch(&trainer->timeline, trainer->examples));
    int64_t span = trainer->settings->mini_batch, own = trainer->last_shard - trainer->first_shard;
    sampler_fill(trainer->sampler, trainer->examples + trainer->first_shard * span, own * span,
                 trainer->index);
}

static void *take_spare(TrainThread *thread) {
    assert(thread->n_spare > 0);
    return thread->spare[--thread->n_spare];
}

/* Pushes a node and merges siblings: the additions are listed, for when the node's data are there,
 * and buffers of right partners become free. */
static void push(const Trainer *trainer, TrainThread *thread, TreeNode node) {
    thread->n_joins = 0;
    while (thread->n_stack > 0 &&
           tree_siblings(thread->stack[thread->n_stack - 1], node, trainer->tree_shards)) {
        TreeNode left = thread->stack[--thread->n_stack];
        thread->join[thread->n_joins++] = (TreeJoin){left.data, node.data};
        thread->spare[thread->n_spare++] = node.data;
        node = tree_parent(left);
    }
    thread->stack[thread->n_stack++] = node;
}

/* What a shard adds to the doubles of its node. */
static void add_shard_sums(const Trainer *trainer, TrainThread *thread, const ModelPass *pass,
                           double *sums) {
    sums[SUM_LOSS] += pass->loss_sum;
    sums[SUM_CORRECT] += (double)pass->n_correct;
    for (int i = 0; i < trainer->model->n_segments; i++)
        sums[SUM_SQNORMS + i] += thread->sumsq[i];
    for (int64_t i = 0; i < trainer->model->n_stats; i++)
        sums[SUM_SQNORMS + trainer->model->n_segments + i] += thread->stats[i];
}

/* The weights that a shard of this worker's is run with. */
static const float *weights_of(const Trainer *trainer, int worker) {
    return trainer->worker_weights ? trainer->worker_weights + (worker - trainer->first_worker) *
                                                                   trainer->model->n_weights
                                   : trainer->weights;
}

/* A shard under way. */
typedef struct ShardRun {
    Trainer *trainer;
    TrainThread *thread;
    int64_t index;
    ModelPass pass;
    int first; /* segments from here on have been settled */
} ShardRun;

/* The shard's gradients of segments [first, run->first) are final; returns the part that they are.
 */
static SumPart settle_segments(ShardRun *run, int first) {
    const Trainer *trainer = run->trainer;
    const Model *model = trainer->model;
    const Segment *segments = model->segments, *end = &segments[run->first - 1];
    SumPart part = {segments[first].offset, end->offset + end->n};
    float *grad = run->pass.grad_sum;
    if (trainer->probe)
        vec_scale(grad + part.first, curvature_sign(trainer, run->index), part.last - part.first);
    for (int i = first; i < run->first && model->noise_unit == NOISE_UNIT_SHARD; i++)
        run->thread->sumsq[i] = vec_sumsq(grad + segments[i].offset, segments[i].n);
    run->first = first;
    return part;
}

static void join(const ShardRun *run, SumPart part) {
    const TrainThread *thread = run->thread;
    for (int i = 0; i < thread->n_joins; i++)
        sum_add_part(&run->trainer->shape, thread->join[i].to, thread->join[i].from, part, 1);
}

/* ---- buckets: the last shard of a thread hands them on while it still computes */

static void collect_nodes(Trainer *trainer) {
    trainer->n_nodes = 0;
    for (int i = 0; i < trainer->threads; i++)
        for (int j = 0; j < trainer->thread[i].n_stack; j++)
            trainer->nodes[trainer->n_nodes++] = trainer->thread[i].stack[j];
}

/* The thread's next bucket is added up. Its stack is final since its last shard began. */
static void hand_on(Trainer *trainer, TrainThread *thread) {
    int k = thread->n_buckets++;
    if (!buckets_is_ready(trainer->buckets, k))
        return;
    if (k == 0)
        collect_nodes(trainer);
    buckets_reduce(trainer->buckets, k, trainer->nodes, trainer->n_nodes);
}

/* The last bucket has the doubles, which are not ready before the pass has ended. */
static bool has_more(const Trainer *trainer, const TrainThread *thread) {
    return thread->n_buckets < buckets_count(trainer->buckets) - 1;
}

static void segments_done(void *self, int first) {
    ShardRun *run = self;
    TrainThread *thread = run->thread;
    while (has_more(run->trainer, thread)) {
        int start = buckets_at(run->trainer->buckets, thread->n_buckets)->first;
        if (start < first)
            return;
        join(run, settle_segments(run, start));
        hand_on(run->trainer, thread);
    }
}

/* ---- */

static void run_shard(Trainer *trainer, TrainThread *thread, int64_t index) {
    const Model *model = trainer->model;
    const SumShape *shape = &trainer->shape;
    int span = (int)trainer->settings->mini_batch;
    double start_s = clock_s();
    dataset_gather(trainer->data, SPLIT_TRAIN,
                   trainer->index + (index - trainer->first_shard) * span, span, thread->x,
                   thread->y);
    if (thread->augmenting)
        augment(thread->x, span, model->shape, &trainer->settings->augment, trainer->seed,
                trainer->examples + (trainer->first_stream + index) * span, thread->augmenting);
    thread->sample_s += clock_s() - start_s;
    Shard shard = {.n = span,
                   .x = thread->x,
                   .y = thread->y,
                   .seed = trainer->seed,
                   .step = trainer->step,
                   .index = trainer->first_stream + index};
    TreeNode node = trainer_leaf(trainer, index);
    TreeNode *top = thread->n_stack > 0 ? &thread->stack[thread->n_stack - 1] : NULL;
    bool by_example = model->noise_unit == NOISE_UNIT_EXAMPLE;
    /* The right leaf of a pair is added inside the pass, unless its own norm is wanted. */
    bool pair = by_example && !trainer->preconditioner && !trainer->probe && top &&
                top->owner == node.owner && top->level == 0 && top->index % 2 == 0 &&
                top->index + 1 == node.index;
    node.data = pair ? top->data : take_spare(thread);
    bool last = trainer->buckets && index == thread->last - 1;
    ShardRun run = {.trainer = trainer,
                    .thread = thread,
                    .index = index,
                    .first = model->n_segments,
                    .pass = {.weights = weights_of(trainer, node.owner),
                             .grad_sum = sum_floats(shape, node.data),
                             .accumulate = pair,
                             .example_sumsq = by_example ? thread->sumsq : NULL,
                             .stats = thread->stats,
                             .workspace = thread->workspace,
                             .label_smoothing = trainer->settings->loss.label_smoothing,
                             .smooth_others = trainer->settings->loss.smooth == 1,
                             .done_self = &run}};
    /* P g wants the shard's whole gradient, which a sum on its way may overwrite */
    run.pass.done = last && !trainer->has_preconditioner ? segments_done : NULL;
    double *sums = sum_doubles(node.data);
    if (pair) {
        thread->n_stack--;
        node.index--;
        node = tree_parent(node);
    }
    push(trainer, thread, node);
    model->type->pass(model, &shard, &run.pass);
    SumPart rest = settle_segments(&run, 0);
    if (!pair)
        memset(sums, 0, sizeof(double) * (size_t)shape->n_doubles);
    add_shard_sums(trainer, thread, &run.pass, sums);
    sums[SUM_PRECONDITIONED] += preconditioned_shard(trainer, run.pass.grad_sum);
    join(&run, rest);
    while (last && has_more(trainer, thread))
        hand_on(trainer, thread);
}

/* Buffers of the last step come back; it may have had another number of threads. */
static void take_back(Trainer *trainer) {
    for (int i = 0; i < trainer->layout->threads; i++) {
        TrainThread *thread = &trainer->thread[i];
        while (thread->n_stack > 0)
            thread->spare[thread->n_spare++] = thread->stack[--thread->n_stack].data;
    }
}

void stage_compute(Trainer *trainer) {
    take_back(trainer);
    preconditioned_begin(trainer);
    if (trainer->buckets)
        buckets_begin(trainer->buckets, trainer->threads);
#pragma omp parallel num_threads(trainer->threads)
    {
        omp_set_num_threads(1); /* one shard, one thread: see shared/specs/platform.md 0 */
        TrainThread *thread = &trainer->thread[omp_get_thread_num()];
        thread->sample_s = 0;
        thread->n_buckets = 0;
        for (int64_t shard = thread->first; shard < thread->last; shard++)
            run_shard(trainer, thread, shard);
    }
    if (!trainer->buckets)
        collect_nodes(trainer);
}

/* What reduce-scatter and all-gather take, each of `parts` sending to all others. */
static double whole_bytes(const Trainer *trainer, double parts) {
    return 2 * (parts - 1) * sizeof(float) * (double)trainer->model->n_weights;
}

Error *whole_reduce(Trainer *trainer) {
    double workers = (double)trainer->settings->workers;
    Reduction *reduction = &trainer->reduction;
    const void *sum;
    sum_doubles(trainer->nodes[0].data)[SUM_WANTED] = trainer->wanted;
    if (trainer->buckets)
        PASS(buckets_finish(trainer->buckets, trainer->nodes, trainer->n_nodes, &sum));
    else
        PASS(reduction->type->reduce(reduction, trainer->nodes, trainer->n_nodes, &sum));
    trainer->sums = sum;
    trainer->grad_sum = sum_floats(&reduction->shape, (void *)sum);
    trainer->grad = reduction->shared ? trainer->own_grad : (float *)trainer->grad_sum;
    trainer->grad_factor = (float)(1.0 / (double)trainer->global_batch);
    trainer->row.sent_bytes = whole_bytes(trainer, comm_size(reduction->comm));
    trainer->row.worker_bytes = whole_bytes(trainer, workers) / workers;
    return NULL;
}

Error *stage_reduce(Trainer *trainer) {
    return trainer->method->reduce(trainer);
}
