/* hierarchical: inside the host first, then parallel rings across hosts. */
#include "lab/comm/collective.h"
#include "lab/comm/mpi.h"
#include "lab/comm/plain.h"

#include <math.h>

/* The ranks with the same place on their hosts, one a host. */
typedef struct Hierarchy {
    Plain plain; /* first: plain_* get it as reduction->own */
    MPI_Comm across;
    int *count, *start; /* (ranks of the host) floats of each one's part */
} Hierarchy;

static Error *open(Reduction *reduction, int n_buffers) {
    (void)n_buffers;
    Hierarchy *own = ARENA_NEW(reduction->arena, Hierarchy);
    reduction->own = own;
    plain_init(&own->plain, reduction);
    Comm *comm = reduction->comm;
    if (comm_size(comm) == 1)
        return NULL;
    int ranks = comm_local_size(comm);
    bool even = ranks * comm_hosts(comm) == comm_size(comm);
    Error *uneven = even
                        ? NULL
                        : error_hint(error_new(CODE_USAGE, "hosts have different numbers of ranks"),
                                     "the collective 'hierarchical' needs the same on every host");
    PASS(comm_agree(comm, uneven));
    MPI_Comm_split(comm_handle(comm), comm_local_rank(comm), comm_rank(comm), &own->across);
    own->count = ARENA_ARRAY(reduction->arena, int, ranks);
    own->start = ARENA_ARRAY(reduction->arena, int, ranks);
    for (int i = 0; i < ranks; i++) {
        Range part = plain_part(&own->plain, i, ranks);
        own->count[i] = (int)(part.last - part.first);
        own->start[i] = (int)part.first;
    }
    return NULL;
}

static void close(Reduction *reduction) {
    Hierarchy *own = reduction->own;
    if (own->count)
        MPI_Comm_free(&own->across);
}

static Error *reduce(Reduction *reduction, TreeNode *nodes, int n_nodes, const void **sum) {
    Hierarchy *own = reduction->own;
    Plain *plain = &own->plain;
    *sum = plain_add_up(plain, reduction, nodes, n_nodes);
    Comm *comm = reduction->comm;
    if (comm_size(comm) == 1)
        return NULL;
    MPI_Comm local = comm_local_handle(comm);
    int mine = own->count[comm_local_rank(comm)];
    float *part = plain->x + own->start[comm_local_rank(comm)];
    MPI_Reduce_scatter(plain->x, plain->room, own->count, MPI_FLOAT, MPI_SUM, local);
    MPI_Allreduce(plain->room, part, mine, MPI_FLOAT, MPI_SUM, own->across);
    MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, plain->x, own->count, own->start, MPI_FLOAT,
                   local);
    return NULL;
}

/* Inside, the library passes parts on; across, it takes the ring or doubles, by length. */
static double cost(const Network *net, const CostCase *of) {
    if (of->replicas == 1)
        return 0;
    int m = cost_ranks(of), nodes = cost_nodes(of);
    double part = of->bytes / m, ring = 0, doubling = 0;
    double inside = m > 1 ? 2 * cost_inside_s(net, part, m) + cost_add_s(net, part, m) : 0;
    if (nodes > 1)
        ring = 2 * cost_between_s(net, part / nodes, m) + cost_add_s(net, part / nodes, m);
    for (int distance = 1; distance < nodes; distance *= 2)
        doubling += cost_between_s(net, part, m) + cost_add_s(net, part, m);
    double across = fmin((nodes - 1) * ring, doubling);
    return cost_short_s(net, of) + (m - 1) * inside + across;
}

COLLECTIVE_TYPE(hierarchical) = {
    .kind =
        {
            .name = "hierarchical",
            .summary = "topology-aware in two dimensions: for cost studies, outside the contract",
            .detail = "Reduce-scatter among the m ranks of a host, m all-reduces of n/m across "
                      "hosts side by side, "
                      "all-gather in\nthe host: the slow link carries 1/m of the gradient a rank. "
                      "Needs as many ranks on "
                      "every host. These\nruns have no digest.",
            .reference = "Cho et al. 2017 (PowerAI DDL), arXiv 1708.02188; Sergeev and Del Balso "
                         "2018 (Horovod)",
        },
    .open = open,
    .buffer = reduction_buffer_plain,
    .reduce = reduce,
    .close = close,
    .cost = cost,
};
