#include "lab/comm/collective.h"

#include "lab/base/vec.h"

#include <omp.h>

#define COLLECTIVE(name) extern const CollectiveType collective_##name;
#include "lab/comm/collectives.def"
#undef COLLECTIVE
#define COLLECTIVE(name) &collective_##name.kind,
const Kind *const collective_table[COLLECTIVE_N] = {
#include "lab/comm/collectives.def"
};
#undef COLLECTIVE

size_t sum_bytes(const SumShape *shape) {
    return sizeof(double) * (size_t)shape->n_doubles + sizeof(float) * (size_t)shape->n_floats;
}

SumPart sum_whole(const SumShape *shape) {
    return (SumPart){0, shape->n_floats};
}

bool reduction_is_beside_work(const Reduction *reduction) {
    return reduction->beside && atomic_load(&reduction->beside->computing);
}

void sum_add(const SumShape *shape, void *to, const void *from, int threads) {
    sum_add_part(shape, to, from, sum_whole(shape), threads);
}

void sum_add_part(const SumShape *shape, void *to, const void *from, SumPart part, int threads) {
    double *a = sum_doubles(to);
    const double *b = from;
    for (int64_t i = 0; part.first == 0 && i < shape->n_doubles; i++)
        a[i] += b[i];
    float *x = sum_floats(shape, to) + part.first;
    const float *y = sum_floats(shape, (void *)from) + part.first;
    int64_t n = part.last - part.first;
    if (threads == 1) {
        vec_add(x, y, n);
        return;
    }
#pragma omp parallel num_threads(threads)
    {
        int64_t first, last;
        tree_block(n / 16, omp_get_num_threads(), omp_get_thread_num(), &first, &last);
        bool end = omp_get_thread_num() == omp_get_num_threads() - 1;
        vec_add(x + 16 * first, y + 16 * first, (end ? n : 16 * last) - 16 * first);
    }
}

int reduction_merge(Reduction *reduction, TreeNode *nodes, int n_nodes) {
    return reduction_merge_part(reduction, nodes, n_nodes, sum_whole(&reduction->shape));
}

int reduction_merge_part(Reduction *reduction, TreeNode *nodes, int n_nodes, SumPart part) {
    int threads = reduction_is_beside_work(reduction) ? 1 : reduction->threads;
    int top = 0; /* nodes[0..top) is the merged stack */
    for (int i = 0; i < n_nodes; i++) {
        TreeNode node = nodes[i];
        while (top > 0 && tree_siblings(nodes[top - 1], node, reduction->n_shards)) {
            TreeNode left = nodes[--top];
            sum_add_part(&reduction->shape, left.data, node.data, part, threads);
            node = tree_parent(left);
        }
        nodes[top++] = node;
    }
    return top;
}

Error *reduction_open_plain(Reduction *reduction, int n_buffers) {
    (void)reduction;
    (void)n_buffers;
    return NULL;
}

void *reduction_buffer_plain(Reduction *reduction, int i) {
    (void)i;
    return arena_alloc(reduction->arena, sum_bytes(&reduction->shape));
}

void reduction_close_plain(Reduction *reduction) {
    (void)reduction;
}

void reduction_add_up(Reduction *reduction, TreeNode *nodes, int n_nodes) {
    int n = reduction_merge(reduction, nodes, n_nodes);
    for (int i = 1; i < n; i++)
        sum_add(&reduction->shape, nodes[0].data, nodes[i].data, reduction->threads);
}
