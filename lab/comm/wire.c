#include "lab/comm/wire.h"

#include "lab/base/clock.h"
#include "lab/comm/mpi.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Messages of PIECE bytes are below Open MPI's eager limit for TCP (64 KiB with its header), so
 * they leave without asking. Larger ones wait for answers of the receiver, which queue up behind
 * the megabytes that it sends in the other direction: a link that is busy both ways came to half
 * its rate. Receives are posted before. */
enum { TAG = 1, PIECE = 60 << 10 };

/* Levels and indices travel as numbers. */
typedef struct NodeName {
    int64_t level, index;
} NodeName;

struct Wire {
    Comm *comm;
    const Reduction *reduction;
    Arena *arena;
    bool slices;      /* the part at hand is long */
    int64_t n_shards; /* of the lists below; 0: none yet */
    int *n_of;        /* (ranks) nodes of each rank */
    int *start;       /* (ranks) of its first node in `all` */
    int n_all;
    TreeNode *all; /* every rank's nodes, rank after rank; data of others NULL */
    int *order;    /* (n_all) numbers into `all`, in shard order */
    TreeNode *sorted;
    Merge *merge;
    const float **floats;
    const double **doubles;
    char *room; /* what others send */
    size_t room_bytes;
    MPI_Request *request;
    MPI_Request *gathering; /* of the parts since the last wire_end */
    int n_gathering;
};

/* Messages that one vector may need. */
static size_t pieces_of(const Reduction *reduction) {
    return sum_bytes(&reduction->shape) / PIECE + 1;
}

Wire *wire_new(Comm *comm, const Reduction *reduction, Arena *arena) {
    Wire *wire = ARENA_NEW(arena, Wire);
    *wire = (Wire){.comm = comm, .reduction = reduction, .arena = arena};
    size_t messages = 2 * (size_t)comm_size(comm), pieces = pieces_of(reduction);
    size_t parts = (size_t)(reduction->most_parts > 1 ? reduction->most_parts : 1);
    wire->gathering = ARENA_ARRAY(arena, MPI_Request, messages * pieces * parts);
    wire->n_of = ARENA_ARRAY(arena, int, comm_size(comm));
    wire->start = ARENA_ARRAY(arena, int, comm_size(comm));
    return wire;
}

/* ---- who has which nodes: asked once for a number of shards, since blocks depend on nothing else
 */

static void sort_nodes(Wire *wire) {
    for (int i = 0; i < wire->n_all; i++) { /* few, and nearly in order: contiguous blocks */
        int64_t at = wire->all[i].index << wire->all[i].level;
        int j = i;
        for (; j > 0 &&
               wire->all[wire->order[j - 1]].index << wire->all[wire->order[j - 1]].level > at;
             j--)
            wire->order[j] = wire->order[j - 1];
        wire->order[j] = i;
    }
    for (int i = 0; i < wire->n_all; i++)
        wire->sorted[i] = wire->all[wire->order[i]];
}

static void ask_lists(Wire *wire, const TreeNode *nodes, int n_nodes) {
    MPI_Comm handle = comm_handle(wire->comm);
    int size = comm_size(wire->comm), total = 0;
    MPI_Allgather(&n_nodes, 1, MPI_INT, wire->n_of, 1, MPI_INT, handle);
    int *bytes = ARENA_ARRAY(wire->arena, int, size), *at = ARENA_ARRAY(wire->arena, int, size);
    for (int i = 0; i < size; i++) {
        bytes[i] = wire->n_of[i] * (int)sizeof(NodeName);
        at[i] = total * (int)sizeof(NodeName);
        wire->start[i] = total;
        total += wire->n_of[i];
    }
    NodeName *mine = ARENA_ARRAY(wire->arena, NodeName, n_nodes);
    NodeName *names = ARENA_ARRAY(wire->arena, NodeName, total);
    for (int i = 0; i < n_nodes; i++)
        mine[i] = (NodeName){nodes[i].level, nodes[i].index};
    MPI_Allgatherv(mine, n_nodes * (int)sizeof *mine, MPI_BYTE, names, bytes, at, MPI_BYTE, handle);
    wire->n_all = total;
    wire->all = ARENA_ARRAY(wire->arena, TreeNode, total);
    wire->sorted = ARENA_ARRAY(wire->arena, TreeNode, total);
    wire->order = ARENA_ARRAY(wire->arena, int, total);
    wire->floats = ARENA_ARRAY(wire->arena, const float *, total);
    wire->doubles = ARENA_ARRAY(wire->arena, const double *, total);
    size_t pieces = pieces_of(wire->reduction);
    wire->request =
        ARENA_ARRAY(wire->arena, MPI_Request, ((size_t)(n_nodes * size + total)) * pieces);
    for (int i = 0; i < total; i++)
        wire->all[i] = (TreeNode){.level = (int)names[i].level, .index = names[i].index};
    wire->merge = merge_new(total, wire->arena);
    sort_nodes(wire);
}

/* ---- slices of the part at hand: bytes [first, last) of the buffer; rank 0's slice of a part with
 * doubles begins with them */

typedef struct Slice {
    size_t first, last;
} Slice;

static Slice slice_of(const Wire *wire, SumPart part, int rank) {
    const SumShape *shape = &wire->reduction->shape;
    int size = wire->slices ? comm_size(wire->comm) : 1;
    size_t head = sizeof(double) * (size_t)shape->n_doubles;
    int64_t first, last;
    tree_block((part.last - part.first) / 16, size, wire->slices ? rank : 0, &first, &last);
    first = part.first + 16 * first;
    last = !wire->slices || rank == size - 1 ? part.last : part.first + 16 * last;
    return (Slice){first == 0 ? 0 : head + sizeof(float) * (size_t)first,
                   head + sizeof(float) * (size_t)last};
}

static void make_room(Wire *wire, size_t bytes) {
    if (bytes <= wire->room_bytes)
        return;
    wire->room = arena_alloc(wire->arena, bytes);
    wire->room_bytes = bytes;
}

/* Both return how many requests they made. */
static int receive(char *to, size_t bytes, int from, MPI_Request *request, MPI_Comm handle) {
    int n = 0;
    for (size_t at = 0; at < bytes; at += PIECE)
        MPI_Irecv(to + at, (int)(bytes - at < PIECE ? bytes - at : PIECE), MPI_BYTE, from, TAG,
                  handle, &request[n++]);
    return n;
}

static int send(const char *from, size_t bytes, int to, MPI_Request *request, MPI_Comm handle) {
    int n = 0;
    for (size_t at = 0; at < bytes; at += PIECE)
        MPI_Isend(from + at, (int)(bytes - at < PIECE ? bytes - at : PIECE), MPI_BYTE, to, TAG,
                  handle, &request[n++]);
    return n;
}

/* While the cores compute, whoever waits sleeps between looks. */
static void wait_all(const Wire *wire, MPI_Request *request, int n) {
    int done = 0;
    while (reduction_is_beside_work(wire->reduction)) {
        MPI_Testall(n, request, &done, MPI_STATUSES_IGNORE);
        if (done)
            return;
        clock_nap(CLOCK_SHORT_NAP_S);
    }
    MPI_Waitall(n, request, MPI_STATUSES_IGNORE);
}

/* Sends every rank its slice of my nodes and receives my slice of theirs; wire->all then points to
 * buffers as they look when they start at byte 0. */
static void exchange(Wire *wire, const TreeNode *nodes, int n_nodes, SumPart part) {
    MPI_Comm handle = comm_handle(wire->comm);
    int size = comm_size(wire->comm), rank = comm_rank(wire->comm), n = 0;
    Slice mine = slice_of(wire, part, rank);
    size_t bytes = mine.last - mine.first, stride = (bytes + 63) / 64 * 64; /* doubles first */
    make_room(wire, stride * (size_t)(wire->n_all - n_nodes));
    char *room = wire->room;
    for (int i = 0; i < wire->n_all; i++) {
        int own = i - wire->start[rank];
        if (own >= 0 && own < n_nodes) {
            wire->all[i].data = nodes[own].data;
            continue;
        }
        int from = 0;
        while (i >= wire->start[from] + wire->n_of[from])
            from++;
        n += receive(room, bytes, from, &wire->request[n], handle);
        wire->all[i].data = room - mine.first;
        room += stride;
    }
    for (int step = 1; step < size; step++) {
        int to = (rank + step) % size;
        Slice slice = slice_of(wire, part, to);
        for (int i = 0; i < n_nodes; i++)
            n += send((const char *)nodes[i].data + slice.first, slice.last - slice.first, to,
                      &wire->request[n], handle);
    }
    wait_all(wire, wire->request, n);
}

static void add_slice(Wire *wire, Slice slice, void *sum) {
    const SumShape *shape = &wire->reduction->shape;
    size_t head = sizeof(double) * (size_t)shape->n_doubles;
    for (int i = 0; i < wire->n_all; i++) {
        void *data = wire->all[wire->order[i]].data;
        wire->doubles[i] = sum_doubles(data);
        wire->floats[i] = sum_floats(shape, data);
    }
    double *doubles = sum_doubles(sum);
    float *floats = sum_floats(shape, sum);
    size_t first = slice.first < head ? head : slice.first;
    if (slice.first == 0)
        merge_doubles(wire->merge, wire->doubles, &doubles, shape->n_doubles);
    merge_floats(wire->merge, wire->floats, &floats, (int64_t)((first - head) / sizeof(float)),
                 (int64_t)((slice.last - head) / sizeof(float)));
}

static void gather_slices(Wire *wire, SumPart part, void *sum) {
    MPI_Comm handle = comm_handle(wire->comm);
    int size = comm_size(wire->comm), rank = comm_rank(wire->comm), n = wire->n_gathering;
    Slice mine = slice_of(wire, part, rank);
    for (int step = 1; step < size; step++) {
        int from = (rank + size - step) % size, to = (rank + step) % size;
        Slice slice = slice_of(wire, part, from);
        n += receive((char *)sum + slice.first, slice.last - slice.first, from, &wire->gathering[n],
                     handle);
        n += send((const char *)sum + mine.first, mine.last - mine.first, to, &wire->gathering[n],
                  handle);
    }
    wire->n_gathering = n;
}

/* Messages need somebody who looks after them while no other part is ready. */
static void look_after(const Wire *wire) {
    const Reduction *reduction = wire->reduction;
    int done = 0;
    while (reduction_is_beside_work(reduction) && atomic_load(&reduction->beside->waiting) == 0) {
        MPI_Testall(wire->n_gathering, wire->gathering, &done, MPI_STATUSES_IGNORE);
        if (done)
            return;
        clock_nap(CLOCK_SHORT_NAP_S);
    }
}

void wire_end(Wire *wire) {
    wait_all(wire, wire->gathering, wire->n_gathering);
    wire->n_gathering = 0;
}

void wire_sum(Wire *wire, const TreeNode *nodes, int n_nodes, SumPart part, void *sum) {
    const SumShape *shape = &wire->reduction->shape;
    int64_t n_shards = wire->reduction->n_shards;
    if (wire->n_shards != n_shards)
        ask_lists(wire, nodes, n_nodes);
    wire->n_shards = n_shards;
    merge_plan(wire->merge, wire->sorted, wire->n_all, n_shards);
    assert(wire->merge->n_roots == 1);
    size_t doubles = part.first == 0 ? sizeof(double) * (size_t)shape->n_doubles : 0;
    size_t bytes = doubles + sizeof(float) * (size_t)(part.last - part.first);
    wire->slices = bytes > WIRE_SHORT_BYTES;
    exchange(wire, nodes, n_nodes, part);
    add_slice(wire, slice_of(wire, part, comm_rank(wire->comm)), sum);
    if (wire->slices)
        gather_slices(wire, part, sum);
    look_after(wire);
}
