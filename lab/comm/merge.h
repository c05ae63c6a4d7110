/* A merge: what the canonical tree (tree.h) does with a list of nodes, worked out once and then
 * played over any part of their vectors. Nothing but the results is written, so several ranks and
 * threads can play it on parts of the same vectors, and every element is read once. */
#ifndef LAB_COMM_MERGE_H
#define LAB_COMM_MERGE_H

#include "lab/base/arena.h"
#include "lab/comm/tree.h"

typedef struct Merge {
    int n_nodes; /* of the list it was worked out for */
    TreeNode *node;
    int64_t n_shards;
    int n_steps;
    struct MergeStep *step;
    int n_roots; /* what is left: 1 when the list covers all shards */
    TreeNode *root;
    int *first; /* (n_roots) number of the root's leftmost node in the list */
} Merge;

/* Room for lists of up to `most` nodes. */
Merge *merge_new(int most, Arena *arena);

/* Works out the steps for nodes in shard order (their data do not matter); returns at once for the
 * list it knows already. */
void merge_plan(Merge *merge, const TreeNode *nodes, int n_nodes, int64_t n_shards);

/* root[r][first..last) = the sum of its nodes, source[i] being the vector of node i. A root may be
 * the vector of one of its own nodes. */
void merge_floats(const Merge *merge, const float *const *source, float *const *root, int64_t first,
                  int64_t last);
void merge_doubles(const Merge *merge, const double *const *source, double *const *root, int64_t n);

#endif
