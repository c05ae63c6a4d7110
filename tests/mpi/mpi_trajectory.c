/* The one-trajectory contract (DESIGN 2): the digest is the same for every number of replicas and
 * threads. Under N ranks this compares groups of 1..N replicas x threads {1, 2} with one replica on
 * one thread, for S = 12 and S = 16 shards, 200 steps of momentum, LARS and LAMB, and for a batch
 * that grows during the trial or in a branch off it; also in buckets, on one host and on several.
 * And a reduction in another order must be seen.
 */
#include "lab/base/vec.h"
#include "lab/comm/mpi.h"
#include "tests/mpi/trajectory.h"

enum { STEPS = 200 };

static void read_settings(TrialSettings *out, const char *optimizer, double lr, int shards,
                          const char *extra, Arena *arena) {
    const char *text = arena_print(
        arena,
        "{\"dataset\": {\"name\": \"blobs\"}, \"model\": {\"name\": \"mlp\", \"hidden\": [37, 19]},"
        "\"global_batch\": %d, \"mini_batch\": 8, \"optimizer\": {\"name\": \"%s\"},"
        "\"lr\": {\"base\": %g, \"warmup\": {\"steps\": 10}, \"schedule\": \"cosine\"},"
        "\"stop\": {\"steps\": %d, \"examples\": 1000000}, \"eval\": {\"every_examples\": 3000}%s}",
        8 * shards, optimizer, lr, STEPS, extra);
    trial_from(out, text, arena);
}

/* Another bracketing on purpose: rank 0 adds all nodes as a chain from the last shard to the first.
 */
static Error *reversed_reduce(Reduction *reduction, TreeNode *nodes, int n_nodes,
                              const void **sum) {
    size_t bytes = sum_bytes(&reduction->shape);
    MPI_Comm handle = comm_handle(reduction->comm);
    int rank = comm_rank(reduction->comm), size = comm_size(reduction->comm);
    for (int i = n_nodes - 1; i > 0; i--)
        sum_add(&reduction->shape, nodes[i - 1].data, nodes[i].data, 1);
    if (rank > 0) {
        MPI_Send(nodes[0].data, (int)bytes, MPI_BYTE, 0, 0, handle);
    } else {
        void *chain = arena_alloc(reduction->arena, bytes),
             *from = arena_alloc(reduction->arena, bytes);
        for (int i = size - 1; i > 0; i--) {
            MPI_Recv(from, (int)bytes, MPI_BYTE, i, 0, handle, MPI_STATUS_IGNORE);
            sum_add(&reduction->shape, chain, from, 1);
        }
        sum_add(&reduction->shape, nodes[0].data, chain, 1);
    }
    *sum = nodes[0].data;
    comm_bcast(reduction->comm, nodes[0].data, bytes);
    return NULL;
}

static int compare_layouts(Comm *world, const char *optimizer, double lr, int shards,
                           const char *extra, const Dataset *data) {
    Arena *arena = arena_new();
    TrialSettings settings;
    read_settings(&settings, optimizer, lr, shards, extra, arena);
    const CollectiveType *tree = (const CollectiveType *)collective_table[COLLECTIVE_ID_tree];
    char alone[HASH_ROOM], other[HASH_ROOM];
    int n_failed = 0;
    double loss = 0;
    run_on(alone, world, 1, 1, tree, &settings, data, &loss, arena);
    assert(loss < 1.2); /* it does learn: four classes start near ln 4 = 1.39 */
    for (int replicas = 1; replicas <= comm_size(world); replicas++)
        for (int threads = 1; threads <= 2; threads++) {
            run_on(other, world, replicas, threads, tree, &settings, data, &loss, arena);
            n_failed += check(strcmp(alone, other) == 0, world,
                              arena_print(arena, "%s S=%d replicas %d threads %d %.16s", optimizer,
                                          shards, replicas, threads, other));
        }
    for (int a_host = 1; a_host <= 3 && comm_size(world) > 1; a_host++) {
        int threads = 1 + a_host % 2;
        run_in_buckets(other, world, comm_size(world), a_host, threads, 1, tree, &settings, data,
                       &loss, arena);
        n_failed += check(strcmp(alone, other) == 0, world,
                          arena_print(arena, "%s S=%d in buckets, %d a host, threads %d %.16s",
                                      optimizer, shards, a_host, threads, other));
    }
    if (comm_size(world) >= 4) {
        const CollectiveType reversed = {.kind = {.name = "reversed"},
                                         .open = reduction_open_plain,
                                         .buffer = reduction_buffer_plain,
                                         .reduce = reversed_reduce,
                                         .close = reduction_close_plain};
        run_on(other, world, 4, 1, &reversed, &settings, data, &loss, arena);
        n_failed +=
            check(strcmp(alone, other) != 0, world, "a reversed reduction changes the digest");
    }
    arena_end(arena);
    return n_failed;
}

int main(void) {
    Arena *arena = arena_new();
    Comm *world;
    must(comm_begin(&world, arena));
    Dataset data;
    load_blobs(&data, arena);
    int n_failed = 0;
    for (int shards = 12; shards <= 16; shards += 4) {
        n_failed += compare_layouts(world, "momentum", 0.02, shards, "", &data);
        n_failed += compare_layouts(world, "lars", 1.0, shards, "", &data);
        n_failed += compare_layouts(world, "lamb", 0.01, shards, "", &data);
    }
    /* S grows from 12 to 21 to 32 on the way; clipping, smoothing and averaged weights are on */
    n_failed += compare_layouts(world, "momentum", 0.02, 12,
                                ", \"batch_schedule\": {\"name\": \"points\", \"at_epochs\": [3, "
                                "7], \"global_batch\": [168, 256]},"
                                "\"clip\": {\"norm\": 0.5}, \"loss\": {\"label_smoothing\": 0.1},"
                                "\"weight_ema\": {\"half_life_examples\": 1000}",
                                &data);
    n_failed += compare_layouts(world, "adamw", 0.005, 12,
                                ", \"branch\": {\"at_examples\": 4000, \"factor\": 3, "
                                "\"lr_power\": 0.5, \"examples\": 8640}, \"noise\": "
                                "{\"preconditioned\": true}, \"clip\": {\"norm\": 0.5}, "
                                "\"curvature\": {\"every_examples\": "
                                "3000, \"examples\": 200, \"probes\": 2, \"iterations\": 2}",
                                &data);
    comm_finish(world);
    arena_end(arena);
    return n_failed ? 1 : 0;
}
