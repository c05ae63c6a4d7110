#include "lab/comm/buckets.h"

#include "lab/base/background.h"

#include <assert.h>

/* A bucket with what its sum needs. */
typedef struct Job {
    Buckets *buckets;
    Bucket bucket;
    atomic_int ready; /* threads that have it */
} Job;

struct Buckets {
    Reduction *reduction;
    Background *background;
    int n;
    Job *job; /* (n) */
    int threads;
    BesideWork beside;
    const TreeNode *nodes;
    int n_nodes;
};

int buckets_cut(Bucket *out, const Segment *segments, int n, int64_t least_bytes) {
    int count = 0;
    int64_t last = n > 0 ? segments[n - 1].offset + segments[n - 1].n : 0;
    for (int i = n - 1; i >= 0; i--) {
        int64_t first = segments[i].offset;
        bool may_cut = segments[i].n_dims > 1;
        bool enough = (int64_t)sizeof(float) * (last - first) >= least_bytes;
        if (i > 0 && !(may_cut && enough))
            continue;
        out[count++] = (Bucket){.first = i, .part = {first, last}};
        last = first;
    }
    return count;
}

Buckets *buckets_new(Reduction *reduction, const Segment *segments, int n, int64_t least_bytes,
                     Arena *arena) {
    assert(reduction->type->reduce_part);
    Bucket *cut = ARENA_ARRAY(arena, Bucket, n);
    int count = buckets_cut(cut, segments, n, least_bytes);
    if (count < 2 || comm_size(reduction->comm) == 1)
        return NULL;
    Buckets *buckets = ARENA_NEW(arena, Buckets);
    buckets->reduction = reduction;
    buckets->n = count;
    buckets->job = ARENA_ARRAY(arena, Job, count);
    for (int i = 0; i < count; i++) {
        buckets->job[i].buckets = buckets;
        buckets->job[i].bucket = cut[i];
    }
    reduction->beside = &buckets->beside;
    reduction->most_parts = count;
    return buckets;
}

Error *buckets_open(Buckets *buckets, Arena *arena) {
    return background_new(&buckets->background, arena);
}

int buckets_count(const Buckets *buckets) {
    return buckets->n;
}

const Bucket *buckets_at(const Buckets *buckets, int k) {
    return &buckets->job[k].bucket;
}

void buckets_begin(Buckets *buckets, int threads) {
    buckets->threads = threads;
    for (int i = 0; i < buckets->n; i++)
        atomic_store(&buckets->job[i].ready, 0);
    atomic_store(&buckets->beside.computing, true);
}

bool buckets_is_ready(Buckets *buckets, int k) {
    return atomic_fetch_add(&buckets->job[k].ready, 1) == buckets->threads - 1;
}

static Error *reduce_job(void *data) {
    Job *job = data;
    Buckets *buckets = job->buckets;
    Reduction *reduction = buckets->reduction;
    atomic_fetch_sub(&buckets->beside.waiting, 1);
    return reduction->type->reduce_part(reduction, buckets->nodes, buckets->n_nodes,
                                        job->bucket.part);
}

/* Buckets before this one may be under way: they read the same list. */
void buckets_reduce(Buckets *buckets, int k, const TreeNode *nodes, int n_nodes) {
    if (k == 0) {
        buckets->nodes = nodes;
        buckets->n_nodes = n_nodes;
    }
    atomic_fetch_add(&buckets->beside.waiting, 1);
    background_add(buckets->background, reduce_job, &buckets->job[k]);
}

Error *buckets_finish(Buckets *buckets, const TreeNode *nodes, int n_nodes, const void **sum) {
    atomic_store(&buckets->beside.computing, false);
    buckets_reduce(buckets, buckets->n - 1, nodes, n_nodes);
    PASS(background_wait(buckets->background));
    return buckets->reduction->type->reduce_end(buckets->reduction, sum);
}

void buckets_end(Buckets *buckets) {
    if (buckets)
        error_end(background_end(buckets->background));
}
