#include "lab/comm/plain.h"

#include "lab/base/vec.h"
#include "lab/comm/mpi.h"

#include <assert.h>
#include <limits.h>

enum { TAG = 2 };

void plain_init(Plain *plain, Reduction *reduction) {
    int64_t n = reduction->shape.n_floats;
    assert(n <= INT_MAX);
    *plain =
        (Plain){.comm = reduction->comm, .n = n, .room = ARENA_ARRAY(reduction->arena, float, n)};
}

Error *plain_open(Reduction *reduction, int n_buffers) {
    (void)n_buffers;
    Plain *plain = ARENA_NEW(reduction->arena, Plain);
    plain_init(plain, reduction);
    reduction->own = plain;
    return NULL;
}

const void *plain_add_up(Plain *plain, Reduction *reduction, TreeNode *nodes, int n_nodes) {
    reduction_add_up(reduction, nodes, n_nodes);
    plain->x = sum_floats(&reduction->shape, nodes[0].data);
    comm_share(reduction->comm, sum_doubles(nodes[0].data), reduction->shape.n_doubles);
    return nodes[0].data;
}

Range plain_part(const Plain *plain, int part, int parts) {
    Range range;
    tree_block(plain->n, parts, part, &range.first, &range.last);
    return range;
}

void plain_exchange(Plain *plain, int to, Range out, int from, Range in, PlainMode mode) {
    float *into = mode == PLAIN_ADD ? plain->room : plain->x + in.first;
    MPI_Sendrecv(plain->x + out.first, (int)(out.last - out.first), MPI_FLOAT,
                 to == PLAIN_NOBODY ? MPI_PROC_NULL : to, TAG, into, (int)(in.last - in.first),
                 MPI_FLOAT, from == PLAIN_NOBODY ? MPI_PROC_NULL : from, TAG,
                 comm_handle(plain->comm), MPI_STATUS_IGNORE);
    if (mode == PLAIN_ADD && from != PLAIN_NOBODY)
        vec_add(plain->x + in.first, plain->room, in.last - in.first);
}
