/* tree: the canonical tree by binomial messages. In round k rank r with r mod 2^(k+1) = 2^k sends
 * the nodes it holds to rank r - 2^k, which merges siblings; rank 0 ends with the root and
 * broadcasts it. Right for every number of ranks, because blocks are contiguous and merging only
 * ever joins siblings. */
#include "lab/comm/collective.h"
#include "lab/comm/mpi.h"

#include <assert.h>
#include <string.h>

enum { TAG_LIST = 1, TAG_DATA = 2, PIECE = 1 << 30 };

typedef struct NodeName {
    int64_t level, index;
} NodeName;

static void send_nodes(Reduction *reduction, const TreeNode *nodes, int n, int to) {
    MPI_Comm handle = comm_handle(reduction->comm);
    NodeName name[TREE_MAX_NODES];
    for (int i = 0; i < n; i++)
        name[i] = (NodeName){nodes[i].level, nodes[i].index};
    MPI_Send(name, (int)(sizeof *name * (size_t)n), MPI_BYTE, to, TAG_LIST, handle);
    size_t bytes = sum_bytes(&reduction->shape);
    for (int i = 0; i < n; i++)
        for (size_t at = 0; at < bytes; at += PIECE)
            MPI_Send((char *)nodes[i].data + at, (int)(bytes - at < PIECE ? bytes - at : PIECE),
                     MPI_BYTE, to, TAG_DATA, handle);
}

static void *spare(Reduction *reduction, int i) {
    assert(i < TREE_MAX_NODES);
    if (!reduction->spare[i])
        reduction->spare[i] = arena_alloc(reduction->arena, sum_bytes(&reduction->shape));
    return reduction->spare[i];
}

/* A spare buffer that no node of the list is using. */
static void *free_spare(Reduction *reduction, const TreeNode *nodes, int n) {
    for (int i = 0;; i++) {
        void *data = spare(reduction, i);
        bool used = false;
        for (int j = 0; j < n && !used; j++)
            used = nodes[j].data == data;
        if (!used)
            return data;
    }
}

/* Receives one node after the other and merges it at once, so that few buffers are alive. */
static int receive_nodes(Reduction *reduction, TreeNode *nodes, int n, int from) {
    MPI_Comm handle = comm_handle(reduction->comm);
    NodeName name[TREE_MAX_NODES];
    MPI_Status status;
    MPI_Recv(name, (int)sizeof name, MPI_BYTE, from, TAG_LIST, handle, &status);
    int n_bytes;
    MPI_Get_count(&status, MPI_BYTE, &n_bytes);
    size_t bytes = sum_bytes(&reduction->shape);
    for (int i = 0; i < n_bytes / (int)sizeof *name; i++) {
        assert(n < TREE_MAX_NODES);
        void *data = free_spare(reduction, nodes, n);
        for (size_t at = 0; at < bytes; at += PIECE)
            MPI_Recv((char *)data + at, (int)(bytes - at < PIECE ? bytes - at : PIECE), MPI_BYTE,
                     from, TAG_DATA, handle, MPI_STATUS_IGNORE);
        nodes[n++] = (TreeNode){.level = (int)name[i].level, .index = name[i].index, .data = data};
        n = reduction_merge(reduction, nodes, n);
    }
    return n;
}

static Error *tree_reduce(Reduction *reduction, TreeNode *mine, int n_mine, void **sum) {
    TreeNode nodes[TREE_MAX_NODES];
    assert(n_mine <= TREE_MAX_NODES);
    memcpy(nodes, mine, sizeof *nodes * (size_t)n_mine);
    int n = reduction_merge(reduction, nodes, n_mine);
    int rank = comm_rank(reduction->comm), size = comm_size(reduction->comm);
    for (int step = 1; step < size; step *= 2) {
        if (rank % (2 * step) == step) {
            send_nodes(reduction, nodes, n, rank - step);
            break;
        }
        if (rank + step < size)
            n = receive_nodes(reduction, nodes, n, rank + step);
    }
    assert(rank != 0 || n == 1);
    *sum = nodes[0].data;
    comm_bcast(reduction->comm, *sum, sum_bytes(&reduction->shape));
    return NULL;
}

COLLECTIVE_TYPE(tree) = {
    .kind =
        {
            .name = "tree",
            .summary =
                "canonical binary tree over shards: the same bits for any number of replicas",
            .detail = "Node (l,i) covers shards [i 2^l, (i+1) 2^l); value = left + right. Ranks "
                      "pre-add their\n"
                      "maximal nodes; the rest of the tree is played by binomial messages and a "
                      "broadcast.",
            .reference = "DESIGN 2.3; binomial reduce of Thakur, Rabenseifner, Gropp (2005)",
        },
    .canonical = true,
    .reduce = tree_reduce,
};
