/* tree: the canonical tree, whoever holds its nodes. On a host the nodes' vectors live in memory
 * that its ranks share: every rank owns a slice, adds all nodes of the host there in tree order and
 * writes the sum once; nothing is copied or sent. Between hosts one rank each sends what is left
 * (wire.h). */
#include "lab/comm/collective.h"
#include "lab/comm/shared.h"
#include "lab/comm/wire.h"

#include <assert.h>
#include <math.h>
#include <omp.h>
#include <string.h>

enum { LINE = 64 };

/* One node as the other ranks of the host see it. */
typedef struct Posted {
    int64_t level, index;
    int64_t buffer; /* number of its vector in its rank's memory */
} Posted;

/* A rank's memory: this, `n_buffers` times Posted, the sum (used of rank 0), the vectors. */
typedef struct Board {
    _Alignas(LINE) int64_t n;
    int64_t n_buffers;
} Board;

typedef struct Tree {
    Shared *shared; /* NULL: this rank does not share */
    Board *board;
    size_t stride;    /* bytes from vector to vector */
    int most;         /* nodes of a host */
    TreeNode *inside; /* (most) of all ranks of the host */
    Merge *merge;
    const float **floats;
    const double **doubles;
    float **root_floats;
    double **root_doubles;
    TreeNode *left; /* (most) what the host, or the rank that shares with nobody, is left with */
    bool several_hosts; /* or ranks that share with nobody */
    Wire *wire;         /* of the rank that speaks for the host, when there are several */
    void *sum;
} Tree;

static size_t lines(size_t bytes) {
    return (bytes + LINE - 1) / LINE * LINE;
}

static char *sum_of(Board *board) {
    return (char *)board + lines(sizeof *board + sizeof(Posted) * (size_t)board->n_buffers);
}

static void *vector_of(const Tree *tree, Board *board, int64_t i) {
    return sum_of(board) + tree->stride * (size_t)(1 + i);
}

static Board *board_of(const Tree *tree, int rank) {
    return shared_memory(tree->shared, rank);
}

static Posted *posted_of(Board *board) {
    return (Posted *)(void *)(board + 1);
}

/* ---- open */

/* Touches what will be used, so that who asks for shared memory next sees what room is left. */
static void take_room(Tree *tree, int n_buffers) {
    if (shared_rank(tree->shared) == 0)
        memset(sum_of(tree->board), 0, tree->stride);
    for (int i = 0; i < n_buffers; i++)
        memset(vector_of(tree, tree->board, i), 0, tree->stride);
}

static Error *share(Tree *tree, Reduction *reduction, int n_buffers) {
    size_t bytes = lines(sizeof(Board) + sizeof(Posted) * (size_t)n_buffers) +
                   tree->stride * (size_t)(1 + n_buffers);
    PASS(shared_new(&tree->shared, reduction->comm, bytes, "replicas send messages",
                    reduction->arena));
    if (!tree->shared)
        return NULL;
    tree->board = board_of(tree, shared_rank(tree->shared));
    tree->board->n_buffers = n_buffers;
    take_room(tree, n_buffers);
    shared_wait(tree->shared, NULL);
    for (int i = 0; i < shared_size(tree->shared); i++)
        tree->most += (int)board_of(tree, i)->n_buffers;
    tree->sum = sum_of(board_of(tree, 0));
    return NULL;
}

/* *Collective*: the ranks that speak for their hosts. Where memory cannot be shared each rank
 * speaks for itself. */
static Error *find_speakers(Comm **out, const Tree *tree, Reduction *reduction) {
    Comm *comm = reduction->comm;
    double lonely = !tree->shared && comm_local_size(comm) > 1;
    comm_share(comm, &lonely, 1);
    *out = comm_leaders(comm);
    if (lonely == 0)
        return NULL;
    bool speaks = !tree->shared || shared_rank(tree->shared) == 0;
    return comm_split(out, comm, speaks ? 0 : -1, reduction->arena);
}

static Error *tree_open(Reduction *reduction, int n_buffers) {
    Arena *arena = reduction->arena;
    Tree *tree = ARENA_NEW(arena, Tree);
    reduction->own = tree;
    tree->left = ARENA_ARRAY(arena, TreeNode, n_buffers);
    if (comm_size(reduction->comm) == 1)
        return NULL;
    tree->stride = lines(sum_bytes(&reduction->shape));
    PASS(share(tree, reduction, n_buffers));
    Comm *speakers;
    PASS(find_speakers(&speakers, tree, reduction));
    if (speakers && comm_size(speakers) > 1)
        tree->wire = wire_new(speakers, reduction, arena);
    tree->several_hosts = !tree->shared || shared_size(tree->shared) < comm_size(reduction->comm);
    if (!tree->shared) {
        tree->sum = arena_alloc(arena, tree->stride);
        return NULL;
    }
    reduction->shared = true;
    tree->inside = ARENA_ARRAY(arena, TreeNode, tree->most);
    tree->left = ARENA_ARRAY(arena, TreeNode, tree->most);
    tree->merge = merge_new(tree->most, arena);
    tree->floats = ARENA_ARRAY(arena, const float *, tree->most);
    tree->doubles = ARENA_ARRAY(arena, const double *, tree->most);
    tree->root_floats = ARENA_ARRAY(arena, float *, tree->most);
    tree->root_doubles = ARENA_ARRAY(arena, double *, tree->most);
    return NULL;
}

static void *tree_buffer(Reduction *reduction, int i) {
    Tree *tree = reduction->own;
    return tree->shared ? vector_of(tree, tree->board, i)
                        : arena_alloc(reduction->arena, sum_bytes(&reduction->shape));
}

static void tree_close(Reduction *reduction) {
    shared_end(((Tree *)reduction->own)->shared);
}

/* ---- reduce */

static void post(Tree *tree, const TreeNode *nodes, int n_nodes) {
    Posted *posted = posted_of(tree->board);
    const char *first = vector_of(tree, tree->board, 0);
    for (int i = 0; i < n_nodes; i++)
        posted[i] = (Posted){nodes[i].level, nodes[i].index,
                             ((const char *)nodes[i].data - first) / (int64_t)tree->stride};
    tree->board->n = n_nodes;
}

/* Every node of the host, in shard order: the ranks hold contiguous blocks. */
static int read_boards(Tree *tree) {
    int n = 0;
    for (int rank = 0; rank < shared_size(tree->shared); rank++) {
        Board *board = board_of(tree, rank);
        const Posted *posted = posted_of(board);
        for (int64_t i = 0; i < board->n; i++)
            tree->inside[n++] = (TreeNode){.level = (int)posted[i].level,
                                           .index = posted[i].index,
                                           .data = vector_of(tree, board, posted[i].buffer)};
    }
    return n;
}

/* Where each vector of the host is, and where the sums go: into the shared sum when the host has
 * them all, else into the leftmost vector of each node that is left. */
static void point(Tree *tree, const SumShape *shape, int n) {
    const Merge *merge = tree->merge;
    for (int i = 0; i < n; i++) {
        tree->doubles[i] = sum_doubles(tree->inside[i].data);
        tree->floats[i] = sum_floats(shape, tree->inside[i].data);
    }
    bool all_here = !tree->several_hosts;
    assert(!all_here || merge->n_roots == 1);
    for (int i = 0; i < merge->n_roots; i++) {
        void *to = all_here ? tree->sum : tree->inside[merge->first[i]].data;
        tree->root_doubles[i] = sum_doubles(to);
        tree->root_floats[i] = sum_floats(shape, to);
        tree->left[i] = merge->root[i];
        tree->left[i].data = to;
    }
}

/* This rank's slice of the part, in whole cache lines, dealt to its threads. */
static void add_slice(const Tree *tree, const SumShape *shape, SumPart part, int threads) {
    int ranks = shared_size(tree->shared), rank = shared_rank(tree->shared);
    const Merge *merge = tree->merge;
    if (rank == 0 && part.first == 0)
        merge_doubles(merge, tree->doubles, tree->root_doubles, shape->n_doubles);
#pragma omp parallel num_threads(threads) if (threads > 1)
    {
        int64_t first, last, slice = rank * threads + omp_get_thread_num();
        tree_block((part.last - part.first) / 16, ranks * threads, (int)slice, &first, &last);
        bool end = slice == ranks * threads - 1;
        merge_floats(merge, tree->floats, tree->root_floats, part.first + 16 * first,
                     end ? part.last : part.first + 16 * last);
    }
}

static void wait_inside(const Tree *tree, const Reduction *reduction) {
    shared_wait(tree->shared, reduction->beside ? &reduction->beside->computing : NULL);
}

static void inside_host(Tree *tree, Reduction *reduction, const TreeNode *nodes, int n_nodes,
                        SumPart part) {
    post(tree, nodes, n_nodes);
    /* the part of every vector of the host is ready; nobody reads the last sum */
    wait_inside(tree, reduction);
    int n = read_boards(tree);
    merge_plan(tree->merge, tree->inside, n, reduction->n_shards);
    point(tree, &reduction->shape, n);
    add_slice(tree, &reduction->shape, part,
              reduction_is_beside_work(reduction) ? 1 : reduction->threads);
    wait_inside(tree, reduction); /* every slice is added */
}

static Error *tree_reduce_part(Reduction *reduction, const TreeNode *nodes, int n_nodes,
                               SumPart part) {
    Tree *tree = reduction->own;
    if (tree->shared) {
        inside_host(tree, reduction, nodes, n_nodes, part);
        n_nodes = tree->merge->n_roots;
    } else {
        memcpy(tree->left, nodes, sizeof *nodes * (size_t)n_nodes);
        n_nodes = reduction_merge_part(reduction, tree->left, n_nodes, part);
    }
    if (tree->wire)
        wire_sum(tree->wire, tree->left, n_nodes, part, tree->sum);
    return NULL;
}

static Error *tree_reduce_end(Reduction *reduction, const void **sum) {
    Tree *tree = reduction->own;
    if (tree->wire)
        wire_end(tree->wire);
    if (tree->shared && tree->several_hosts)
        wait_inside(tree, reduction); /* the sum of all hosts is there */
    *sum = comm_size(reduction->comm) == 1 ? tree->left[0].data : tree->sum;
    return NULL;
}

static Error *tree_reduce(Reduction *reduction, TreeNode *nodes, int n_nodes, const void **sum) {
    PASS(tree_reduce_part(reduction, nodes, n_nodes, sum_whole(&reduction->shape)));
    return tree_reduce_end(reduction, sum);
}

/* ---- cost */

typedef struct Left { /* what nodes of the network are left with before they exchange it */
    int here, all;    /* nodes of the tree: of one host (the most), of all */
    int posted;       /* by the ranks of one host, the most */
} Left;

static Left left_of(const CostCase *of) {
    Left left = {0};
    int m = cost_ranks(of);
    for (int first = 0; first < of->replicas; first += m) {
        int end = first + m < of->replicas ? first + m : of->replicas, posted = 0;
        int64_t from = 0, to = 0, start = 0;
        for (int rank = first; rank < end; rank++) {
            tree_block(of->n_shards, of->replicas, rank, &from, &to);
            start = rank == first ? from : start;
            posted += cost_tree_nodes(from, to, of->n_shards);
        }
        int here = cost_tree_nodes(start, to, of->n_shards);
        left.all += here;
        left.here = here > left.here ? here : left.here;
        left.posted = posted > left.posted ? posted : left.posted;
    }
    return left;
}

/* Every node of the network sends to every other one: the processor begins messages and takes them
 * in, the link carries `bytes` each way. */
static double exchange_s(const Network *net, double messages, double bytes) {
    return net->latency_s + fmax(2 * messages * net->overhead_s, bytes / net->link_bytes_per_s);
}

static double cost(const Network *net, const CostCase *of) {
    if (of->replicas == 1)
        return 0;
    int m = cost_ranks(of), nodes = cost_nodes(of);
    Left left = left_of(of);
    double wait = m > 1 ? net->wait_s * m / 2 : 0;
    double inside = m > 1 ? cost_memory_s(net, (left.posted + left.here) * of->bytes / m, m) : 0;
    if (nodes == 1)
        return 2 * wait + inside;
    bool parts = of->bytes > WIRE_SHORT_BYTES;
    double piece = parts ? of->bytes / nodes : of->bytes, others = nodes - 1;
    double scatter = exchange_s(net, left.here * others, left.here * others * piece);
    double add = cost_memory_s(net, (left.all + 1) * piece, 1);
    double gather = parts ? exchange_s(net, others, others * piece) : 0;
    /* the others of a node come to the last wait while one of them speaks for it */
    return 2 * wait + inside + fmax(wait, scatter + add + gather + (m > 1 ? net->wait_s / 2 : 0));
}

COLLECTIVE_TYPE(tree) = {
    .kind =
        {
            .name = "tree",
            .summary =
                "canonical binary tree over shards: the same bits for any number of replicas",
            .detail =
                "Node (l,i) covers shards [i 2^l, (i+1) 2^l); value = left + right. On a host the "
                "vectors live in\n"
                "memory that its ranks share, and every rank adds a slice of all of them, in tree "
                "order; between\n"
                "hosts one rank each exchanges slices of what is left (reduce-scatter, "
                "all-gather), again in\n"
                "tree order. Where memory cannot be shared every rank sends messages.",
            .reference = "DESIGN 2.3; Thakur, Rabenseifner, Gropp (2005)",
        },
    .canonical = true,
    .open = tree_open,
    .buffer = tree_buffer,
    .reduce = tree_reduce,
    .reduce_part = tree_reduce_part,
    .reduce_end = tree_reduce_end,
    .close = tree_close,
    .cost = cost,
};
