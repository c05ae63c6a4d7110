#include "optim/optim.h"

#include "lab/base/vec.h"

#include <assert.h>
#include <omp.h>
#include <string.h>

#define OPTIMIZER(name) extern const OptimType optim_##name;
#include "optim/optimizers.def"
#undef OPTIMIZER

const Kind *const optim_table[OPTIM_N] = {
#define OPTIMIZER(name) &optim_##name.kind,
#include "optim/optimizers.def"
#undef OPTIMIZER
};

/* A piece of one tensor, cut from the tensor's start: neither threads nor neighbours move its
 * borders. */
typedef struct OptimChunk {
    int64_t offset; /* in the flat vectors */
    int n;
    int segment;
} OptimChunk;

const OptimType *optim_find(const char *name) {
    for (int i = 0; i < OPTIM_N; i++)
        if (strcmp(optim_table[i]->name, name) == 0)
            return (const OptimType *)optim_table[i]; /* a type begins with its kind */
    return NULL;
}

size_t optim_slot_bytes(const OptimType *type, int64_t n_weights) {
    return (size_t)type->n_slots * (size_t)n_weights * sizeof(real);
}

double optim_traffic_bytes(const OptimType *type, int64_t n_weights) {
    int vectors = type->traffic ? type->traffic : 3 + 2 * type->n_slots;
    return (double)vectors * (double)n_weights * (double)sizeof(real);
}

static void cut_into_chunks(Optim *optim, Arena *arena) {
    for (int s = 0; s < optim->n_segments; s++) {
        assert(optim->segments[s].offset == optim->n_weights); /* no gaps */
        optim->n_weights += optim->segments[s].n;
        optim->n_chunks += vec_chunks(optim->segments[s].n);
    }
    optim->chunks = ARENA_ARRAY(arena, OptimChunk, optim->n_chunks);
    OptimChunk *chunk = optim->chunks;
    for (int s = 0; s < optim->n_segments; s++) {
        const Segment *segment = &optim->segments[s];
        for (int64_t i = 0; i < segment->n; i += VEC_CHUNK) {
            int64_t left = segment->n - i;
            *chunk++ = (OptimChunk){.offset = segment->offset + i,
                                    .n = (int)(left < VEC_CHUNK ? left : VEC_CHUNK),
                                    .segment = s};
        }
    }
}

Optim *optim_new(const OptimType *type, const void *settings, const Segment *segments,
                 int n_segments, Arena *arena) {
    assert(type->n_slots <= OPTIM_MAX_SLOTS && type->n_sums <= OPTIM_MAX_SUMS);
    assert((type->n_sums > 0) == (type->measure != NULL));
    assert(!type->measure || type->ratio); /* sums are there for a ratio */
    Optim *optim = ARENA_NEW(arena, Optim);
    optim->type = type;
    optim->settings = settings;
    optim->segments = segments;
    optim->n_segments = n_segments;
    cut_into_chunks(optim, arena);
    for (int i = 0; i < type->n_slots; i++)
        optim->slots[i] = arena_alloc_late(arena, sizeof(real) * (size_t)optim->n_weights);
    optim->sums = ARENA_ARRAY(arena, double, optim->n_chunks * type->n_sums);
    optim->ratios = ARENA_ARRAY(arena, double, n_segments);
    optim->ratios2 = ARENA_ARRAY(arena, double, n_segments);
    for (int s = 0; s < n_segments; s++)
        optim->ratios[s] = optim->ratios2[s] = 1;
    optim->grad_factor = 1;
    return optim;
}

/* What all threads of one step share. */
typedef struct Work {
    const Optim *optim;
    OptimStep step;
    real *weights;
    const real *grad;
    OptimLayer *layers;
} Work;

static OptimSpan span_of(const Work *work, int64_t c) {
    const Optim *optim = work->optim;
    const OptimChunk *chunk = &optim->chunks[c];
    OptimSpan span = {.segment = &optim->segments[chunk->segment],
                      .n = chunk->n,
                      .weights = work->weights + chunk->offset,
                      .grad = work->grad + chunk->offset,
                      .grad_sumsq = work->layers[chunk->segment].grad_sumsq,
                      .ratio2 = optim->ratios2[chunk->segment]};
    for (int i = 0; i < optim->type->n_slots; i++)
        span.slot[i] = optim->slots[i] + chunk->offset;
    return span;
}

static void measure_chunks(const Work *work, int64_t from, int64_t to) {
    const Optim *optim = work->optim;
    for (int64_t c = from; c < to; c++) {
        OptimSpan span = span_of(work, c);
        double sums[OPTIM_MAX_SUMS] = {0};
        optim->type->measure(&work->step, &span, sums);
        for (int k = 0; k < optim->type->n_sums; k++)
            optim->sums[k * optim->n_chunks + c] = sums[k];
    }
}

/* Tree sums of every tensor and from them its ratio; short, so one thread does it. */
static void set_ratios(const Work *work) {
    const Optim *optim = work->optim;
    const OptimType *type = optim->type;
    int64_t first = 0;
    for (int s = 0; s < optim->n_segments; s++) {
        int64_t n = vec_chunks(optim->segments[s].n);
        double sums[OPTIM_MAX_SUMS] = {0};
        for (int k = 0; k < type->n_sums; k++)
            sums[k] = vec_tree_sum(optim->sums + k * optim->n_chunks + first, n);
        OptimLayer *layer = &work->layers[s];
        layer->trust = type->ratio(&work->step, &optim->segments[s], sums, layer->grad_sumsq);
        optim->ratios[s] = layer->trust;
        if (type->ratio2)
            optim->ratios2[s] =
                type->ratio2(&work->step, &optim->segments[s], sums, layer->grad_sumsq);
        first += n;
    }
}

/* Backwards: what measure_chunks read last is still in the cache. */
static void update_chunks(const Work *work, int64_t from, int64_t to) {
    const Optim *optim = work->optim;
    for (int64_t c = to - 1; c >= from; c--) {
        OptimSpan span = span_of(work, c);
        optim->type->update(&work->step, &span, optim->ratios[optim->chunks[c].segment]);
    }
}

static OptimRange share_of(OptimRange all, int part, int n) {
    int64_t length = all.last - all.first;
    return (OptimRange){all.first + length * part / n, all.first + length * (part + 1) / n};
}

OptimRange optim_part(const Optim *optim, int part, int n, OptimRange *chunks) {
    OptimRange own = share_of((OptimRange){0, optim->n_chunks}, part, n);
    const OptimChunk *chunk = optim->chunks;
    *chunks = own;
    return (OptimRange){
        own.first < optim->n_chunks ? chunk[own.first].offset : optim->n_weights,
        own.last < optim->n_chunks ? chunk[own.last].offset : optim->n_weights,
    };
}

/* All threads of all members have come. */
static void meet(const OptimTeam *team, int thread, int threads) {
    if (threads > 1) {
#pragma omp barrier
    }
    if (team->size > 1 && thread == 0)
        team->wait(team->self);
    if (threads > 1 && team->size > 1) {
#pragma omp barrier
    }
}

/* One thread's part of a step. Every chunk writes places of its own and every sum over chunks has
 * its fixed tree, so the parts decide nothing but who works. */
static void step_part(const Work *work, int thread, int threads) {
    const Optim *optim = work->optim;
    const OptimType *type = optim->type;
    const OptimTeam *team = &optim->team;
    OptimRange own = {0, optim->n_chunks};
    if (team->size > 1)
        own = share_of(own, team->rank, team->size);
    own = share_of(own, thread, threads);
    if (type->ratio) {
        if (type->measure)
            measure_chunks(work, own.first, own.last);
        meet(team, thread, threads);
        if (thread == 0) /* every member: they come to the same */
            set_ratios(work);
        if (threads > 1) {
#pragma omp barrier
        }
    }
    update_chunks(work, own.first, own.last);
}

void optim_step(Optim *optim, double lr, real *weights, const real *grad, OptimLayer *layers,
                int threads) {
    optim->t++;
    if (optim->t == 1)
        optim->lr_last = lr;
    Work work = {.optim = optim, .weights = weights, .grad = grad, .layers = layers};
    work.step = (OptimStep){.t = optim->t,
                            .lr = lr,
                            .lr_last = optim->lr_last,
                            .settings = optim->settings,
                            .grad_factor = 1};
    for (int s = 0; s < optim->n_segments; s++) { /* few tensors: summed in their order */
        work.step.grad_sumsq += layers[s].grad_sumsq;
        layers[s].trust = 1; /* unless the rule has a ratio */
    }
    if (optim->type->begin)
        optim->type->begin(&work.step);
    optim->grad_factor = work.step.grad_factor;
    if (threads > optim->n_chunks)
        threads = (int)optim->n_chunks;
    if (threads > 1) {
#pragma omp parallel num_threads(threads)
        step_part(&work, omp_get_thread_num(), omp_get_num_threads());
    } else {
        step_part(&work, 0, 1);
    }
    optim->lr_last = lr;
}

bool optim_preconditioner(const Optim *optim, real *p, int threads) {
    if (!optim->type->preconditioner || optim->t < 1)
        return false;
    OptimStep step = {.t = optim->t, .settings = optim->settings, .grad_factor = 1};
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t c = 0; c < optim->n_chunks; c++) {
        const OptimChunk *chunk = &optim->chunks[c];
        OptimSpan span = {.segment = &optim->segments[chunk->segment], .n = chunk->n};
        for (int i = 0; i < optim->type->n_slots; i++)
            span.slot[i] = optim->slots[i] + chunk->offset;
        optim->type->preconditioner(&step, &span, p + chunk->offset);
    }
    return true;
}
