#include "lab/comm/merge.h"

#include "lab/base/vec.h"

#include <assert.h>
#include <string.h>

/* A span is added up while it is in cache: partial sums of SPAN elements live in scratch, one for
 * every level of the tree that waits for its right side. */
enum { SPAN = 1024, MAX_SCRATCH = 32 };

typedef enum { AT_SOURCE, AT_SCRATCH, AT_ROOT } Place;

typedef struct Operand {
    Place place;
    int index;
} Operand;

/* to = left + right; a root that is a node as it stands has right = left and is copied. */
typedef struct MergeStep {
    Operand to, left, right;
    bool copy;
} MergeStep;

Merge *merge_new(int most, Arena *arena) {
    Merge *merge = ARENA_NEW(arena, Merge);
    merge->node = ARENA_ARRAY(arena, TreeNode, most);
    merge->step = ARENA_ARRAY(arena, MergeStep, most);
    merge->root = ARENA_ARRAY(arena, TreeNode, most);
    merge->first = ARENA_ARRAY(arena, int, most);
    return merge;
}

static bool same_list(const Merge *merge, const TreeNode *nodes, int n_nodes, int64_t n_shards) {
    if (merge->n_nodes != n_nodes || merge->n_shards != n_shards)
        return false;
    for (int i = 0; i < n_nodes; i++)
        if (merge->node[i].level != nodes[i].level || merge->node[i].index != nodes[i].index)
            return false;
    return true;
}

/* What waits on the stack: a node, where its value is, and the step that makes it (-1: none). */
typedef struct Waiting {
    TreeNode node;
    Operand value;
    int step, first;
} Waiting;

/* A scratch vector that nothing on the stack is in. */
static int free_scratch(const Waiting *stack, int n) {
    for (int i = 0;; i++) {
        bool used = false;
        for (int j = 0; j < n && !used; j++)
            used = stack[j].value.place == AT_SCRATCH && stack[j].value.index == i;
        if (!used)
            return i;
    }
}

static Waiting join(Merge *merge, const Waiting *stack, int n, Waiting left, Waiting right) {
    Operand to = left.value.place == AT_SCRATCH    ? left.value
                 : right.value.place == AT_SCRATCH ? right.value
                                                   : (Operand){AT_SCRATCH, free_scratch(stack, n)};
    assert(to.index < MAX_SCRATCH);
    merge->step[merge->n_steps] = (MergeStep){.to = to, .left = left.value, .right = right.value};
    return (Waiting){tree_parent(left.node), to, merge->n_steps++, left.first};
}

static void finish(Merge *merge, const Waiting *stack, int n) {
    merge->n_roots = n;
    for (int i = 0; i < n; i++) {
        merge->root[i] = stack[i].node;
        merge->first[i] = stack[i].first;
        Operand to = {AT_ROOT, i};
        if (stack[i].step >= 0)
            merge->step[stack[i].step].to = to;
        else
            merge->step[merge->n_steps++] =
                (MergeStep){to, stack[i].value, stack[i].value, .copy = true};
    }
}

void merge_plan(Merge *merge, const TreeNode *nodes, int n_nodes, int64_t n_shards) {
    if (same_list(merge, nodes, n_nodes, n_shards))
        return;
    memcpy(merge->node, nodes, sizeof *nodes * (size_t)n_nodes);
    merge->n_nodes = n_nodes;
    merge->n_shards = n_shards;
    merge->n_steps = 0;
    Waiting stack[TREE_MAX_NODES];
    int top = 0;
    for (int i = 0; i < n_nodes; i++) {
        Waiting value = {nodes[i], {AT_SOURCE, i}, -1, i};
        while (top > 0 && tree_siblings(stack[top - 1].node, value.node, n_shards)) {
            top--;
            value = join(merge, stack, top, stack[top], value);
        }
        assert(top < TREE_MAX_NODES);
        stack[top++] = value;
    }
    finish(merge, stack, top);
}

static const float *look(const float *const *source, float (*scratch)[SPAN], float *const *root,
                         Operand operand, int64_t at) {
    return operand.place == AT_SOURCE    ? source[operand.index] + at
           : operand.place == AT_SCRATCH ? scratch[operand.index]
                                         : root[operand.index] + at;
}

void merge_floats(const Merge *merge, const float *const *source, float *const *root, int64_t first,
                  int64_t last) {
    float scratch[MAX_SCRATCH][SPAN];
    for (int64_t at = first; at < last; at += SPAN) {
        int64_t n = last - at < SPAN ? last - at : SPAN;
        for (int i = 0; i < merge->n_steps; i++) {
            const MergeStep *step = &merge->step[i];
            float *to = (float *)look(source, scratch, root, step->to, at);
            const float *left = look(source, scratch, root, step->left, at);
            if (!step->copy)
                vec_sum(to, left, look(source, scratch, root, step->right, at), n);
            else if (to != left)
                memcpy(to, left, sizeof *to * (size_t)n);
        }
    }
}

void merge_doubles(const Merge *merge, const double *const *source, double *const *root,
                   int64_t n) {
    double scratch[MAX_SCRATCH];
    for (int64_t at = 0; at < n; at++)
        for (int i = 0; i < merge->n_steps; i++) {
            const MergeStep *step = &merge->step[i];
            const Operand operand[] = {step->left, step->right};
            double value[2];
            for (int side = 0; side < 2; side++)
                value[side] = operand[side].place == AT_SOURCE ? source[operand[side].index][at]
                                                               : scratch[operand[side].index];
            double sum = step->copy ? value[0] : value[0] + value[1];
            if (step->to.place == AT_ROOT)
                root[step->to.index][at] = sum;
            else
                scratch[step->to.index] = sum;
        }
}
