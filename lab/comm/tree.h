/* The canonical summation tree over shards 0..S-1 (DESIGN 2.3): node (l,i) covers shards [i 2^l,
 * (i+1) 2^l) cut at S; its value is left + right, or left when right is empty. Whoever adds, the
 * bracketing is the same. */
#ifndef LAB_COMM_TREE_H
#define LAB_COMM_TREE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct TreeNode {
    int level;
    int64_t index;
    void *data; /* whatever is summed; NULL in a node that lives elsewhere */
    int owner;  /* whose tree it is, where several are built side by side */
} TreeNode;

/* Deepest list that a block of S shards can leave behind: maximal canonical nodes, at most 2 per
 * level. */
#define TREE_MAX_NODES 128

/* Climbs a node whose right sibling is empty to the place where it meets a left or right partner.
 */
TreeNode tree_lift(TreeNode node, int64_t n_shards);

/* True when `right` is the right sibling of `left` after lifting both. */
bool tree_siblings(TreeNode left, TreeNode right, int64_t n_shards);

TreeNode tree_parent(TreeNode left);

/* Shards [*first, *last) of part `part` when n shards are dealt to `parts` as contiguous blocks,
 * balanced. */
void tree_block(int64_t n, int parts, int part, int64_t *first, int64_t *last);

#endif
