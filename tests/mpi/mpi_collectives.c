/* Every registered collective, on 1..N replicas and 1..3 ranks a host: sums of small integers,
 * which are exact in any order, must come out on every rank; a canonical one must give the bits of
 * the bracketing that DESIGN 2.3 defines, also of numbers whose sum depends on the order, with
 * shared memory and without, whole or in parts, step after step. */
#include "lab/base/rng.h"
#include "tests/mpi/trajectory.h"

#include <math.h>

enum { MOST_SHARDS = 21, N_DOUBLES = 5, STEPS = 2, THREADS = 2 };

/* What shard `shard` adds to element `i`: an integer, or badly scaled. */
static float element(int64_t shard, int64_t i, int step, bool exact) {
    uint64_t mixed = (uint64_t)(shard * 7919 + i * 104729 + step * 31) * 0x9E3779B97F4A7C15u >> 20;
    double uniform = (double)(mixed % 4096) / 4096 - 0.5;
    return exact ? (float)(mixed % 17) : (float)ldexp(uniform, (int)(mixed / 4096 % 25));
}

/* The definition, in plain recursion. */
static double define(int level, int64_t index, int64_t n, int64_t i, int step, bool exact,
                     bool is_float) {
    if (level == 0)
        return element(index, i, step, exact);
    double left = define(level - 1, 2 * index, n, i, step, exact, is_float);
    if ((2 * index + 1) << (level - 1) >= n)
        return left;
    double sum = left + define(level - 1, 2 * index + 1, n, i, step, exact, is_float);
    return is_float ? (double)(float)sum : sum;
}

static double root_of(int64_t n_shards, int64_t i, int step, bool exact, bool is_float) {
    int level = 0;
    while ((int64_t)1 << level < n_shards)
        level++;
    return define(level, 0, n_shards, i, step, exact, is_float);
}

/* Pre-adds this rank's shards in two blocks, as threads do, and returns the finished nodes. */
static int make_nodes(Reduction *reduction, TreeNode *nodes, void **buffer, int step, bool exact) {
    int64_t first, last, from, to;
    Comm *comm = reduction->comm;
    tree_block(reduction->n_shards, comm_size(comm), comm_rank(comm), &first, &last);
    int n = 0, used = 0;
    for (int thread = 0; thread < THREADS; thread++) {
        tree_block(last - first, THREADS, thread, &from, &to);
        int start = n;
        for (int64_t shard = first + from; shard < first + to; shard++) {
            void *data = buffer[used++];
            for (int64_t i = 0; i < N_DOUBLES; i++)
                sum_doubles(data)[i] = element(shard, i, step, exact);
            for (int64_t i = 0; i < reduction->shape.n_floats; i++)
                sum_floats(&reduction->shape, data)[i] = element(shard, i, step, exact);
            nodes[n++] = (TreeNode){.level = 0, .index = shard, .data = data};
            n = start + reduction_merge(reduction, nodes + start, n - start);
        }
    }
    return n;
}

static bool is_right(const Reduction *reduction, const void *sum, int step, bool exact) {
    int64_t n = reduction->shape.n_floats, far = n > 400 ? 97 : 1; /* long ones: some elements */
    bool good = true;
    for (int64_t i = 0; i < N_DOUBLES; i++)
        good = good &&
               sum_doubles((void *)sum)[i] == root_of(reduction->n_shards, i, step, exact, false);
    for (int64_t i = 0; i < n; i += far)
        good = good && sum_floats(&reduction->shape, (void *)sum)[i] ==
                           (float)root_of(reduction->n_shards, i, step, exact, true);
    good = good && sum_floats(&reduction->shape, (void *)sum)[n - 1] ==
                       (float)root_of(reduction->n_shards, n - 1, step, exact, true);
    return good;
}

/* *Collective*: the sum in three parts, from its end, the first of them as if the cores computed
 * meanwhile. */
static Error *reduce_parts(Reduction *reduction, const TreeNode *nodes, int n, const void **sum) {
    BesideWork beside;
    atomic_init(&beside.computing, true);
    atomic_init(&beside.waiting, 1);
    reduction->beside = &beside;
    int64_t first = reduction->shape.n_floats, last;
    for (int i = 2; first > 0; i--) {
        last = first;
        first = last * i / (i + 1);
        PASS(reduction->type->reduce_part(reduction, nodes, n, (SumPart){first, last}));
        atomic_store(&beside.computing, false);
    }
    Error *error = reduction->type->reduce_end(reduction, sum);
    reduction->beside = NULL;
    return error;
}

/* *Collective* over `comm`. */
static bool sums_are_right(Comm *comm, const CollectiveType *type, int64_t n_floats,
                           int64_t n_shards, bool exact, bool in_parts) {
    Arena *arena = arena_new();
    Reduction reduction = {.comm = comm,
                           .type = type,
                           .shape = {N_DOUBLES, n_floats},
                           .arena = arena,
                           .n_shards = n_shards,
                           .most_parts = 3,
                           .threads = THREADS};
    must(type->open(&reduction, MOST_SHARDS));
    void *buffer[MOST_SHARDS];
    for (int i = 0; i < MOST_SHARDS; i++)
        buffer[i] = type->buffer(&reduction, i);
    bool good = true;
    for (int step = 0; step < STEPS; step++) {
        TreeNode nodes[2 * MOST_SHARDS];
        const void *sum;
        int n = make_nodes(&reduction, nodes, buffer, step, exact);
        must(in_parts ? reduce_parts(&reduction, nodes, n, &sum)
                      : type->reduce(&reduction, nodes, n, &sum));
        good = good && is_right(&reduction, sum, step, exact);
    }
    type->close(&reduction);
    double bad = good ? 0 : 1;
    comm_share(comm, &bad, 1);
    arena_end(arena);
    return bad == 0;
}

static int try_all(Comm *comm, int ranks_per_host, const char *memory) {
    static const int64_t lengths[] = {1, 33, 40037};
    int n_failed = 0;
    Arena *arena = arena_new();
    for (int kind = 0; kind < COLLECTIVE_N; kind++) {
        const CollectiveType *type = (const CollectiveType *)collective_table[kind];
        int size = comm_size(comm);
        if (kind == COLLECTIVE_ID_hierarchical && size % ranks_per_host != 0)
            continue; /* refuses uneven hosts */
        bool good = true;
        for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
            for (int64_t shards = size; shards <= MOST_SHARDS; shards += 1 + size % 3) {
                good = good && sums_are_right(comm, type, lengths[i], shards, true, false);
                if (type->canonical)
                    good = good && sums_are_right(comm, type, lengths[i], shards, false, false);
                if (type->reduce_part)
                    good = good && sums_are_right(comm, type, lengths[i], shards, false, true);
            }
        n_failed += check(good, comm,
                          arena_print(arena, "%s, %d replicas, %d a host%s", type->kind.name, size,
                                      ranks_per_host, memory));
    }
    arena_end(arena);
    return n_failed;
}

int main(void) {
    Arena *arena = arena_new();
    Comm *world;
    must(comm_begin(&world, arena));
    int n_failed = 0;
    for (int size = 1; size <= comm_size(world); size++) {
        Comm *group;
        must(comm_split(&group, world, comm_rank(world) < size ? 0 : -1, arena));
        for (int ranks = 1; group && ranks <= (size < 3 ? size : 3); ranks++) {
            Comm *hosts;
            must(comm_pretend_hosts(&hosts, group, ranks, arena));
            n_failed += try_all(hosts, ranks, "");
        }
        if (group && size > 1) { /* the second host has no shared memory: its ranks send messages */
            Comm *hosts;
            must(comm_pretend_hosts(&hosts, group, 2, arena));
            setenv("BATCHLAB_SHARED_MEMORY", comm_rank(group) / 2 == 1 || size == 2 ? "0" : "1", 1);
            n_failed += try_all(hosts, 2, ", one host without shared memory");
            unsetenv("BATCHLAB_SHARED_MEMORY");
        }
    }
    comm_finish(world);
    arena_end(arena);
    return n_failed ? 1 : 0;
}
