/* Buckets: a sum that is reduced in parts while the rest of it is still computed. Backward passes
 * finish the flat gradient from its end, so it is cut from there, at tensor borders; a thread of
 * its own reduces a bucket as soon as all threads of the rank have it. Every element goes through
 * the same tree in the same order as without buckets, so the bits are the same. */
#ifndef LAB_COMM_BUCKETS_H
#define LAB_COMM_BUCKETS_H

#include "lab/base/segment.h"
#include "lab/comm/collective.h"

typedef struct Bucket {
    int first; /* number of its first segment; it ends where the bucket before it begins */
    SumPart part;
} Bucket;

typedef struct Buckets Buckets;

/* Cuts segments (n) from the end into buckets of `least_bytes` and more each; only the last one,
 * which holds the start of the vector, may be shorter. Cuts are made before tensors of several
 * dimensions: the vectors behind one (bias, gain) are finished before it. Fills out (n) and returns
 * how many. */
int buckets_cut(Bucket *out, const Segment *segments, int n, int64_t least_bytes);

/* For the segments of `reduction`, whose collective has reduce_part and is not open yet. NULL when
 * there would be one bucket only, or one rank. */
Buckets *buckets_new(Reduction *reduction, const Segment *segments, int n, int64_t least_bytes,
                     Arena *arena);
/* Starts the thread; the reduction is open. */
Error *buckets_open(Buckets *buckets, Arena *arena);

int buckets_count(const Buckets *buckets);
const Bucket *buckets_at(const Buckets *buckets, int k);

/* A step of `threads` threads begins; each takes all buckets in order. */
void buckets_begin(Buckets *buckets, int threads);
/* The calling thread has bucket k. True when it was the last one: then it calls buckets_reduce. */
bool buckets_is_ready(Buckets *buckets, int k);
/* Starts the sum of bucket k, which all ranks of the reduction do in the same order. `nodes` are
 * this rank's, and stay until buckets_finish. */
void buckets_reduce(Buckets *buckets, int k, const TreeNode *nodes, int n_nodes);
/* *Collective*: nothing is left to compute. Starts the last bucket, which has the doubles, and
 * waits for all; *sum as reduce has it. Until then no other function of lab/comm may be called. */
Error *buckets_finish(Buckets *buckets, const TreeNode *nodes, int n_nodes, const void **sum);

void buckets_end(Buckets *buckets); /* NULL is allowed */

#endif
