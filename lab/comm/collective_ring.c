/* ring: every rank passes parts to its neighbour. */
#include "lab/comm/collective.h"
#include "lab/comm/plain.h"

static Error *reduce(Reduction *reduction, TreeNode *nodes, int n_nodes, const void **sum) {
    Plain *plain = reduction->own;
    *sum = plain_add_up(plain, reduction, nodes, n_nodes);
    int size = comm_size(reduction->comm), rank = comm_rank(reduction->comm);
    int right = (rank + 1) % size, left = (rank + size - 1) % size;
    for (int step = 0; step < size - 1; step++) { /* reduce-scatter */
        Range out = plain_part(plain, (rank - step + size) % size, size),
              in = plain_part(plain, (rank - step - 1 + size) % size, size);
        plain_exchange(plain, right, out, left, in, PLAIN_ADD);
    }
    for (int step = 0; step < size - 1; step++) { /* all-gather */
        Range out = plain_part(plain, (rank - step + 1 + size) % size, size),
              in = plain_part(plain, (rank - step + size) % size, size);
        plain_exchange(plain, right, out, left, in, PLAIN_REPLACE);
    }
    return NULL;
}

static double cost(const Network *net, const CostCase *of) {
    return of->replicas > 1 ? cost_short_s(net, of) + cost_ring_s(net, of) : 0;
}

COLLECTIVE_TYPE(ring) = {
    .kind =
        {
            .name = "ring",
            .summary = "reduce-scatter and all-gather around a ring: for cost studies, outside the "
                       "contract",
            .detail = "R - 1 steps each; every rank sends 2 (R-1)/R of the gradient, whatever R: "
                      "best for long "
                      "gradients\nand few replicas, since its latency grows with R. The order of "
                      "additions starts "
                      "at another rank for\neach part, so these runs have no digest.",
            .reference = "Patarasuk and Yuan 2009; cost: 2(R-1) a + 2n(R-1)/R b + n(R-1)/R g",
        },
    .open = plain_open,
    .buffer = reduction_buffer_plain,
    .reduce = reduce,
    .close = reduction_close_plain,
    .cost = cost,
};
