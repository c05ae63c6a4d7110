/* Collectives: how the partial gradient sums of R ranks become one mean-ready sum on all of them.
 */
#ifndef LAB_COMM_COLLECTIVE_H
#define LAB_COMM_COLLECTIVE_H

#include "lab/base/kind.h"
#include "lab/comm/comm.h"
#include "lab/comm/cost.h"
#include "lab/comm/tree.h"

#include <stdatomic.h>

/* What is summed: `n_floats` floats behind `n_doubles` doubles in one buffer (both parts
 * tree-added). */
typedef struct SumShape {
    int64_t n_doubles;
    int64_t n_floats;
} SumShape;

static inline double *sum_doubles(void *data) {
    return (double *)data;
}
static inline float *sum_floats(const SumShape *shape, void *data) {
    return (float *)((double *)data + shape->n_doubles);
}
size_t sum_bytes(const SumShape *shape);

/* A part of a sum: floats [first, last); the part that begins with float 0 has the doubles too. */
typedef struct SumPart {
    int64_t first, last;
} SumPart;
SumPart sum_whole(const SumShape *shape);
/* to += from, on `threads` threads; all of it, or a part. */
void sum_add(const SumShape *shape, void *to, const void *from, int threads);
void sum_add_part(const SumShape *shape, void *to, const void *from, SumPart part, int threads);

/* Of a sum that is reduced in parts while the rest of it is computed: whoever reduces naps where it
 * waits, and takes one thread. */
typedef struct BesideWork {
    atomic_bool computing; /* the cores have other work now */
    atomic_int waiting;    /* parts that are ready, behind the one at hand */
} BesideWork;

typedef struct Reduction {
    Comm *comm;
    const struct CollectiveType *type;
    SumShape shape;
    Arena *arena;
    int64_t n_shards;         /* S of the step at hand */
    int threads;              /* of the step at hand */
    int most_parts;           /* between two reduce_end; 0 is taken as 1. Set before `open` */
    bool shared;              /* the sum is read by other ranks too: nobody may write to it */
    const BesideWork *beside; /* NULL: whoever reduces has nothing else to do */
    void *own;                /* the collective's, made by open */
} Reduction;

typedef struct CollectiveType {
    Kind kind;
    bool canonical; /* keeps the one-trajectory contract; otherwise runs carry the digest `none` */
    /* *Collective*: prepares for sums of `n_buffers` vectors on this rank. */
    Error *(*open)(Reduction *reduction, int n_buffers);
    /* Vector number i of this rank, sum_bytes long: nodes must live in these. */
    void *(*buffer)(Reduction *reduction, int i);
    /* *Collective*: `nodes` are this rank's finished nodes in shard order (their data may be
     * overwritten). Afterwards *sum is the root's value on every rank, until the next reduce. */
    Error *(*reduce)(Reduction *reduction, TreeNode *nodes, int n_nodes, const void **sum);
    /* *Collective*: begins one part of what reduce does; all ranks take the parts in the same
     * order. `nodes` stay a list, their data in the part may be overwritten. reduce_end finishes
     * all that were begun. NULL: sums go whole only. */
    Error *(*reduce_part)(Reduction *reduction, const TreeNode *nodes, int n_nodes, SumPart part);
    Error *(*reduce_end)(Reduction *reduction, const void **sum);
    void (*close)(Reduction *reduction); /* *Collective* */
    /* Seconds of one reduce by formula, the ranks' own nodes added up already; 0 for one rank. */
    double (*cost)(const Network *net, const CostCase *of);
} CollectiveType;

#define COLLECTIVE(name) COLLECTIVE_ID_##name,
enum {
#include "lab/comm/collectives.def"
    COLLECTIVE_N
};
#undef COLLECTIVE
#define COLLECTIVE_TYPE(name)                                                                      \
    extern const CollectiveType collective_##name;                                                 \
    _Static_assert(COLLECTIVE_ID_##name >= 0, "line in collectives.def");                          \
    const CollectiveType collective_##name

extern const Kind *const collective_table[COLLECTIVE_N];

/* The functions of a collective that needs nothing but the caller's own memory. */
Error *reduction_open_plain(Reduction *reduction, int n_buffers);
void *reduction_buffer_plain(Reduction *reduction, int i);
void reduction_close_plain(Reduction *reduction);
/* Adds all nodes of this rank, as the tree goes as far as it can and then from the left, into the
 * first. */
void reduction_add_up(Reduction *reduction, TreeNode *nodes, int n_nodes);

/* Merges adjacent siblings of a list in place; returns the new length. Data of the right partner is
 * free afterwards. */
int reduction_merge(Reduction *reduction, TreeNode *nodes, int n_nodes);
/* The same, of a part of their data. */
int reduction_merge_part(Reduction *reduction, TreeNode *nodes, int n_nodes, SumPart part);

bool reduction_is_beside_work(const Reduction *reduction);

#endif
