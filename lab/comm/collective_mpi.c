/* mpi: whatever the MPI library does. */
#include "lab/comm/collective.h"
#include "lab/comm/mpi.h"

#include <assert.h>
#include <limits.h>
#include <math.h>

static Error *reduce(Reduction *reduction, TreeNode *nodes, int n_nodes, const void **sum) {
    reduction_add_up(reduction, nodes, n_nodes);
    *sum = nodes[0].data;
    if (comm_size(reduction->comm) == 1)
        return NULL;
    const SumShape *shape = &reduction->shape;
    MPI_Comm handle = comm_handle(reduction->comm);
    assert(shape->n_floats <= INT_MAX);
    MPI_Allreduce(MPI_IN_PLACE, sum_doubles(nodes[0].data), (int)shape->n_doubles, MPI_DOUBLE,
                  MPI_SUM, handle);
    MPI_Allreduce(MPI_IN_PLACE, sum_floats(shape, nodes[0].data), (int)shape->n_floats, MPI_FLOAT,
                  MPI_SUM, handle);
    return NULL;
}

/* Libraries choose among these by length. */
static double cost(const Network *net, const CostCase *of) {
    if (of->replicas == 1)
        return 0;
    double long_s = fmin(cost_ring_s(net, of), cost_halving_s(net, of));
    return cost_short_s(net, of) + fmin(long_s, cost_doubling_s(net, of));
}

COLLECTIVE_TYPE(mpi) = {
    .kind =
        {
            .name = "mpi",
            .summary = "MPI_Allreduce: for cost studies, outside the contract",
            .detail =
                "In place, doubles and floats apart. Which algorithm and order of additions it "
                "uses is "
                "the library's\nchoice and changes with the number of replicas and the length, so "
                "these runs have no digest.",
            .reference = "MPI 3.1, 5.9.6",
        },
    .open = reduction_open_plain,
    .buffer = reduction_buffer_plain,
    .reduce = reduce,
    .close = reduction_close_plain,
    .cost = cost,
};
