#include "lab/comm/tree.h"

TreeNode tree_lift(TreeNode node, int64_t n_shards) {
    /* A left child whose right sibling starts at or past the end has the same value as its parent.
     */
    while (node.index % 2 == 0 && (node.index + 1) << node.level >= n_shards && node.index > 0) {
        node.level++;
        node.index /= 2;
    }
    return node;
}

bool tree_siblings(TreeNode left, TreeNode right, int64_t n_shards) {
    right = tree_lift(right, n_shards);
    return left.owner == right.owner && left.level == right.level && left.index % 2 == 0 &&
           left.index + 1 == right.index;
}

TreeNode tree_parent(TreeNode left) {
    left.level++;
    left.index /= 2;
    return left;
}

void tree_block(int64_t n, int parts, int part, int64_t *first, int64_t *last) {
    *first = n * part / parts;
    *last = n * (part + 1) / parts;
}
