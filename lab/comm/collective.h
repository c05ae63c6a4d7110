/* Collectives: how the partial gradient sums of R ranks become one mean-ready sum on all of them.
 */
#ifndef LAB_COMM_COLLECTIVE_H
#define LAB_COMM_COLLECTIVE_H

#include "lab/base/kind.h"
#include "lab/comm/comm.h"
#include "lab/comm/tree.h"

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
/* to += from, on `threads` threads. */
void sum_add(const SumShape *shape, void *to, const void *from, int threads);

typedef struct Reduction {
    Comm *comm;
    SumShape shape;
    int64_t n_shards; /* S */
    int threads;
    void **spare; /* buffers of sum_bytes for receiving, TREE_MAX_NODES of them, made on demand from
                     `arena` */
    Arena *arena;
} Reduction;

typedef struct CollectiveType {
    Kind kind;
    bool canonical; /* keeps the one-trajectory contract; otherwise runs carry the digest `none` */
    /* *Collective*: `nodes` are this rank's maximal canonical nodes in shard order (their data may
     * be overwritten). Afterwards *sum points to the root's value on every rank (one of the node
     * buffers or a spare). */
    Error *(*reduce)(Reduction *reduction, TreeNode *nodes, int n_nodes, void **sum);
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

/* Merges adjacent siblings of a list in place; returns the new length. Data of the right partner is
 * free afterwards. */
int reduction_merge(Reduction *reduction, TreeNode *nodes, int n_nodes);

#endif
