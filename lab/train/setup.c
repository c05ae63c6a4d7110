#include "lab/base/say.h"
#include "lab/base/vec.h"
#include "lab/train/exchange.h"
#include "lab/train/layer_rules.h"
#include "optim/companion.h"

#include <omp.h>
#include <string.h>

static int64_t larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}

TreeNode trainer_leaf(const Trainer *trainer, int64_t index) {
    return (TreeNode){.index = index % trainer->tree_shards,
                      .owner = (int)(index / trainer->tree_shards)};
}

/* Of one thread: a tree a worker. */
static int64_t most_nodes(const Trainer *trainer) {
    return TREE_MAX_NODES + (trainer->exchange ? trainer->settings->workers : 0);
}

/* Most nodes that wait at once while a block of shards is pushed one by one (the new one included).
 */
static int deepest_stack(const Trainer *trainer, TreeNode *stack, int64_t first, int64_t last) {
    int n = 0, deepest = 0;
    for (int64_t shard = first; shard < last; shard++) {
        TreeNode node = trainer_leaf(trainer, shard);
        deepest = n + 1 > deepest ? n + 1 : deepest;
        while (n > 0 && tree_siblings(stack[n - 1], node, trainer->tree_shards))
            node = tree_parent(stack[--n]);
        stack[n++] = node;
    }
    return deepest;
}

/* Contiguous blocks of shards, as many as shards allow; where workers have state, of workers. */
static void deal_to_ranks(Trainer *trainer) {
    Comm *comm = trainer->layout->comm;
    int64_t parts = trainer->exchange ? trainer->settings->workers : trainer->n_shards, first, last;
    int64_t shards = trainer->n_shards / parts; /* of one of them */
    tree_block(parts, comm_size(comm), comm_rank(comm), &first, &last);
    trainer->first_shard = first * shards;
    trainer->last_shard = last * shards;
    trainer->tree_shards = trainer->exchange ? shards : trainer->n_shards;
    trainer->first_worker = trainer->exchange ? (int)first : 0;
    trainer->reduction.n_shards = parts;
}

void trainer_deal(Trainer *trainer, int64_t global_batch) {
    if (trainer->global_batch == global_batch)
        return;
    trainer->global_batch = global_batch;
    trainer->n_shards = global_batch / trainer->settings->mini_batch;
    deal_to_ranks(trainer);
    int64_t own = trainer->last_shard - trainer->first_shard;
    trainer->threads = trainer->layout->threads < own ? trainer->layout->threads : (int)own;
    trainer->reduction.threads = trainer->threads;
    for (int i = 0; i < trainer->threads; i++) {
        TrainThread *thread = &trainer->thread[i];
        tree_block(own, trainer->threads, i, &thread->first, &thread->last);
        thread->first += trainer->first_shard;
        thread->last += trainer->first_shard;
    }
}

/* Most buffers that one thread needs at once for a batch of this size. */
static void count_spares_of(Trainer *trainer, int *n_spare, int64_t global_batch) {
    trainer_deal(trainer, global_batch);
    for (int i = 0; i < trainer->threads; i++) {
        TrainThread *thread = &trainer->thread[i];
        int n = deepest_stack(trainer, thread->stack, thread->first, thread->last);
        n_spare[i] = n > n_spare[i] ? n : n_spare[i];
    }
}

/* The same over every batch that the trial will have. */
static void count_spares(Trainer *trainer, int *n_spare) {
    int64_t examples = 0, last_batch = 0;
    for (int64_t step = 0; step < trainer->timeline.total_steps; step++) {
        int64_t batch = timeline_batch(&trainer->timeline, examples);
        examples += batch;
        if (batch == last_batch && trainer->timeline.least_batch == trainer->timeline.largest_batch)
            break;
        if (batch == last_batch)
            continue;
        last_batch = batch;
        count_spares_of(trainer, n_spare, batch);
    }
}

static void thread_new(TrainThread *thread, const Trainer *trainer, int n_spare) {
    const Model *model = trainer->model;
    Arena *arena = trainer->arena;
    int64_t examples = larger(trainer->settings->mini_batch, MODEL_EVAL_EXAMPLES);
    thread->workspace = model_workspace(model, (int)examples, arena);
    thread->x = ARENA_ARRAY(arena, float, examples * model->n_features);
    thread->y = ARENA_ARRAY(arena, int32_t, examples * model->n_labels);
    if (augment_is_on(&trainer->settings->augment))
        thread->augmenting =
            ARENA_ARRAY(arena, float, augment_scratch(&trainer->settings->augment, model->shape));
    thread->index = ARENA_ARRAY(arena, int64_t, examples);
    thread->sumsq = ARENA_ARRAY(arena, double, model->n_segments);
    thread->stats = ARENA_ARRAY(arena, double, model->n_stats);
    thread->n_spare = n_spare;
    thread->spare = ARENA_ARRAY(arena, void *, thread->n_spare);
}

static int64_t eval_shards(const Dataset *data) {
    int64_t n = 0;
    for (int split = SPLIT_VALID; split <= SPLIT_TEST; split++)
        n += (data->n[split] + MODEL_EVAL_EXAMPLES - 1) / MODEL_EVAL_EXAMPLES;
    return n;
}

/* Of one replica's part of a step. */
static int64_t most_examples(const Trainer *trainer) {
    int64_t ranks = comm_size(trainer->layout->comm), most = trainer->timeline.largest_batch;
    int64_t workers = trainer->settings->workers;
    return trainer->exchange ? (workers + ranks - 1) / ranks * (most / workers)
                             : most / ranks + trainer->settings->mini_batch;
}

static void buffers_new(Trainer *trainer) {
    const Model *model = trainer->model;
    Arena *arena = trainer->arena;
    int n_segments = model->n_segments;
    int64_t n_chunks = 0, own = most_examples(trainer);
    for (int i = 0; i < n_segments; i++)
        n_chunks += vec_chunks(model->segments[i].n);
    trainer->layer_noise = ARENA_ARRAY(arena, NoiseSmooth, n_segments);
    trainer->layer_sum = ARENA_ARRAY(arena, NoiseSum, n_segments);
    trainer->index = ARENA_ARRAY(arena, int64_t, own);
    int threads = trainer->layout->threads;
    trainer->nodes = ARENA_ARRAY(arena, TreeNode, most_nodes(trainer) * threads);
    trainer->chunk_sumsq = ARENA_ARRAY(arena, double, n_chunks);
    trainer->layers = ARENA_ARRAY(arena, OptimLayer, n_segments);
    trainer->layer_rows = ARENA_ARRAY(arena, LayerRow, n_segments);
    trainer->eval_sums = ARENA_ARRAY(arena, double, EVAL_SUMS *eval_shards(trainer->data));
    trainer->thread = ARENA_ARRAY(arena, TrainThread, threads);
    for (int i = 0; i < threads; i++)
        trainer->thread[i].stack = ARENA_ARRAY(arena, TreeNode, most_nodes(trainer));
    for (int i = 0; i < threads; i++)
        trainer->thread[i].join = ARENA_ARRAY(arena, TreeJoin, TREE_MAX_NODES);
    int *n_spare = ARENA_ARRAY(arena, int, threads);
    count_spares(trainer, n_spare);
    if (trainer->settings->curvature.every_examples)
        count_spares_of(trainer, n_spare,
                        curvature_examples(trainer->settings, trainer->data->n[SPLIT_TRAIN]));
    for (int i = 0; i < threads; i++)
        thread_new(&trainer->thread[i], trainer, n_spare[i]);
    trainer->global_batch = 0;
    trainer_deal(trainer, timeline_batch(&trainer->timeline, 0));
}

/* Workers add their gradients up where they are; only doubles go through the reduction. */
static Error *connect_workers(Trainer *trainer) {
    for (int i = 0; i < trainer->layout->threads; i++)
        for (int j = 0; j < trainer->thread[i].n_spare; j++)
            trainer->thread[i].spare[j] = arena_alloc(trainer->arena, sum_bytes(&trainer->shape));
    return exchange_connect(trainer);
}

Error *trainer_connect(Trainer *trainer) {
    Reduction *reduction = &trainer->reduction;
    int n = 0;
    if (trainer->exchange)
        return connect_workers(trainer);
    for (int i = 0; i < trainer->layout->threads; i++)
        n += trainer->thread[i].n_spare;
    const Model *model = trainer->model;
    if (trainer->layout->bucket_bytes > 0 && reduction->type->reduce_part)
        trainer->buckets = buckets_new(reduction, model->segments, model->n_segments,
                                       trainer->layout->bucket_bytes, trainer->arena);
    PASS(reduction->type->open(reduction, n));
    if (reduction->shared)
        trainer->own_grad =
            arena_alloc_late(trainer->arena, sizeof(float) * (size_t)trainer->model->n_weights);
    n = 0;
    for (int i = 0; i < trainer->layout->threads; i++)
        for (int j = 0; j < trainer->thread[i].n_spare; j++)
            trainer->thread[i].spare[j] = reduction->type->buffer(reduction, n++);
    return trainer->buckets ? buckets_open(trainer->buckets, trainer->arena) : NULL;
}

/* An adapted tensor that starts at zero takes steps with the raw rate, which LARS users rarely want
 * (optimizers.md 3.3). */
static void note_zero_norms(const Trainer *trainer) {
    const Model *model = trainer->model;
    for (int i = 0; i < model->n_segments && trainer->settings->optimizer->ratio; i++) {
        const Segment *segment = &model->segments[i];
        if (segment->adapt && segment->n > 0 &&
            vec_sumsq(trainer->weights + segment->offset, segment->n) == 0)
            say("note: '%s' adapts but starts at zero norm, so its first steps take the raw "
                "learning rate",
                segment->name);
    }
}

static Error *check_replicas(const Trainer *trainer) {
    const TrialSettings *settings = trainer->settings;
    int replicas = comm_size(trainer->layout->comm);
    int64_t most = trial_most_replicas(settings, trainer->timeline.least_batch);
    if (replicas <= most)
        return NULL;
    bool by_worker = trial_by_worker(settings);
    return error_hint(error_new(CODE_USAGE, "%d replicas cannot share %lld %s", replicas,
                                (long long)most, by_worker ? "workers" : "shards"),
                      "use at most %s replicas",
                      by_worker ? "trial.workers" : "global_batch / mini_batch");
}

/* Weights and optimizer at step 0. */
static void learner_new(Trainer *trainer) {
    const TrialSettings *settings = trainer->settings;
    const Model *model = trainer->model;
    Arena *arena = trainer->arena;
    trainer->weights = ARENA_ARRAY(arena, float, model->n_weights + model->n_stats);
    trainer->running = trainer->weights + model->n_weights;
    trainer->gain = 1;
    double k = timeline_k(&trainer->timeline, settings->global_batch);
    const void *acting =
        companion_settings((CompanionRule)settings->lr.companion, k, &settings->optimizer->kind,
                           settings->optimizer_settings, arena);
    trainer->optim =
        optim_new(settings->optimizer, acting, model->segments, model->n_segments, arena);
    trainer->own_part = optim_part(trainer->optim, 0, 1, &trainer->own_chunks);
    model->type->init(model, trainer->seed, trainer->weights);
    if (model->type->init_running)
        model->type->init_running(model, trainer->running);
}

static void method_new(Trainer *trainer) {
    const TrialSettings *settings = trainer->settings;
    bool by_worker = trial_by_worker(settings), local = settings->local.period > 1;
    trainer->method = !by_worker ? &method_whole : local ? &method_local : &method_compressed;
    if (!by_worker)
        return;
    trainer->reduction.shape.n_floats = 0;
    if (local)
        local_new(trainer);
    else
        compressed_new(trainer);
}

Error *trainer_new(Trainer **out, const TrialSettings *settings, uint64_t seed, const Dataset *data,
                   const TrialLayout *layout, const Recorder *recorder, Arena *arena) {
    Trainer *trainer = ARENA_NEW(arena, Trainer);
    *trainer = (Trainer){.settings = settings,
                         .data = data,
                         .layout = layout,
                         .recorder = recorder,
                         .arena = arena,
                         .seed = seed};
    omp_set_dynamic(0);
    omp_set_num_threads(1); /* libraries called outside a region stay on one thread */
    PASS(augment_check(&settings->augment, data));
    ModelInput input = trial_input(data);
    PASS(model_new(&trainer->model, settings->model, settings->model_settings, &input,
                   (int)settings->mini_batch, arena));
    PASS(layer_rules_apply(&trainer->model->segments, settings->layer_rules,
                           settings->n_layer_rules, trainer->model->segments,
                           trainer->model->n_segments, arena));
    PASS(timeline_new(&trainer->timeline, settings, data->n[SPLIT_TRAIN]));
    PASS(check_replicas(trainer));
    int64_t total = trainer->timeline.total_steps;
    trainer->stop_at = layout->stop_after_steps > 0 && layout->stop_after_steps < total
                           ? layout->stop_after_steps
                           : total;
    trainer->shape =
        (SumShape){.n_doubles = SUM_SQNORMS + trainer->model->n_segments + trainer->model->n_stats,
                   .n_floats = trainer->model->n_weights};
    trainer->reduction = (Reduction){
        .comm = layout->comm, .type = layout->collective, .shape = trainer->shape, .arena = arena};
    learner_new(trainer);
    method_new(trainer);
    buffers_new(trainer);
    trainer->sampler = sampler_new(seed, data->n[SPLIT_TRAIN], arena);
    preconditioned_new(trainer);
    curvature_new(trainer);
    if (settings->ema.half_life_examples > 0) {
        trainer->averaged = ARENA_ARRAY(arena, float, trainer->model->n_weights);
        memcpy(trainer->averaged, trainer->weights,
               sizeof(float) * (size_t)trainer->model->n_weights);
    }
    if (recorder)
        note_zero_norms(trainer);
    *out = trainer;
    return NULL;
}
