/* halving: recursive halving reduce-scatter, recursive doubling all-gather. */
#include "lab/comm/collective.h"
#include "lab/comm/plain.h"

enum { MAX_LEVELS = 31 };

/* Ranks beyond the largest power of two hand their vector to a neighbour and get the sum back: of
 * the first 2r ranks the even ones sit out (r = size - power). -1: sits out. */
static int place_of(int rank, int extra) {
    return rank >= 2 * extra ? rank - extra : rank % 2 == 1 ? rank / 2 : -1;
}

static int rank_at(int place, int extra) {
    return place < extra ? 2 * place + 1 : place + extra;
}

/* The two levels of a binary tree over the vector: halves of halves. */
static void core(Plain *plain, int place, int power, int extra) {
    Range mine[MAX_LEVELS + 1] = {{0, plain->n}};
    int level = 0;
    for (int distance = 1; distance < power; distance *= 2, level++) {
        Range whole = mine[level];
        int64_t middle = whole.first + (whole.last - whole.first) / 2;
        Range low = {whole.first, middle}, high = {middle, whole.last};
        bool upper = (place & distance) != 0;
        int partner = rank_at(place ^ distance, extra);
        mine[level + 1] = upper ? high : low;
        plain_exchange(plain, partner, upper ? low : high, partner, mine[level + 1], PLAIN_ADD);
    }
    for (int distance = power / 2; distance >= 1; distance /= 2, level--) {
        int partner = rank_at(place ^ distance, extra);
        Range whole = mine[level - 1], own = mine[level];
        Range other = own.first == whole.first ? (Range){own.last, whole.last}
                                               : (Range){whole.first, own.first};
        plain_exchange(plain, partner, own, partner, other, PLAIN_REPLACE);
    }
}

static Error *reduce(Reduction *reduction, TreeNode *nodes, int n_nodes, const void **sum) {
    Plain *plain = reduction->own;
    *sum = plain_add_up(plain, reduction, nodes, n_nodes);
    int size = comm_size(reduction->comm), rank = comm_rank(reduction->comm), power = 1;
    while (2 * power <= size)
        power *= 2;
    int extra = size - power, place = place_of(rank, extra);
    Range all = {0, plain->n}, none = {0, 0};
    if (rank < 2 * extra)
        plain_exchange(plain, place < 0 ? rank + 1 : PLAIN_NOBODY, place < 0 ? all : none,
                       place < 0 ? PLAIN_NOBODY : rank - 1, place < 0 ? none : all, PLAIN_ADD);
    if (place >= 0)
        core(plain, place, power, extra);
    if (rank < 2 * extra)
        plain_exchange(plain, place < 0 ? PLAIN_NOBODY : rank - 1, place < 0 ? none : all,
                       place < 0 ? rank + 1 : PLAIN_NOBODY, place < 0 ? all : none, PLAIN_REPLACE);
    return NULL;
}

static double cost(const Network *net, const CostCase *of) {
    return of->replicas > 1 ? cost_short_s(net, of) + cost_halving_s(net, of) : 0;
}

COLLECTIVE_TYPE(halving) = {
    .kind =
        {
            .name = "halving",
            .summary = "recursive halving and doubling (Rabenseifner): for cost studies, outside "
                       "the contract",
            .detail = "lg R steps each way; every rank sends 2 (R-1)/R of the gradient in few "
                      "messages. Ranks beyond "
                      "a power of\ntwo hand theirs to a neighbour first. The order of additions "
                      "follows the canonical "
                      "tree only for some\nR, so these runs have no digest.",
            .reference =
                "Thakur, Rabenseifner, Gropp 2005; cost: 2 lg R a + 2n(R-1)/R b + n(R-1)/R g",
        },
    .open = plain_open,
    .buffer = reduction_buffer_plain,
    .reduce = reduce,
    .close = reduction_close_plain,
    .cost = cost,
};
