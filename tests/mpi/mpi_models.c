/* Models with randomness of their own, and every way to walk backwards, keep the one-trajectory
 * contract: under N ranks the digest of 1..N replicas with 1 and 2 threads equals that of one, with
 * whole gradients and in buckets between hosts. */
#include "tests/mpi/trajectory.h"

static const char *const trials[] = {
    /* dropout on, two chunks of sequences in a shard */
    "{\"dataset\": {\"name\": \"markov\", \"train\": 256, \"valid\": 140, \"test\": 20, "
    "\"context\": 40},"
    "\"model\": {\"name\": \"transformer\", \"width\": 16, \"depth\": 1, \"heads\": 2, "
    "\"dropout\": 0.1},"
    "\"global_batch\": 84, \"mini_batch\": 14, \"optimizer\": \"adamw\", \"lr\": {\"base\": 0.003},"
    "\"stop\": {\"steps\": 6}, \"eval\": {\"every_examples\": 252}}",
    /* shortcuts, batch norm */
    "{\"dataset\": {\"name\": \"glyphs\", \"train\": 192, \"valid\": 40, \"test\": 20},"
    "\"model\": {\"name\": \"resnet\", \"width\": 2}, \"global_batch\": 28, \"mini_batch\": 4,"
    "\"optimizer\": \"momentum\", \"lr\": {\"base\": 0.01},"
    "\"stop\": {\"steps\": 3}, \"eval\": {\"every_examples\": 84}}",
};

static int compare(Comm *world, const char *text) {
    Arena *arena = arena_new();
    TrialSettings settings;
    Dataset data;
    trial_from(&settings, text, arena);
    load_data(&data, &settings, arena);
    const CollectiveType *tree = (const CollectiveType *)collective_table[COLLECTIVE_ID_tree];
    char alone[HASH_ROOM], other[HASH_ROOM];
    double loss;
    int n_failed = 0;
    run_on(alone, world, 1, 1, tree, &settings, &data, &loss, arena);
    for (int replicas = 1; replicas <= comm_size(world); replicas++)
        for (int threads = 1; threads <= 2; threads++) {
            run_on(other, world, replicas, threads, tree, &settings, &data, &loss, arena);
            n_failed += check(strcmp(alone, other) == 0, world,
                              arena_print(arena, "%s: replicas %d threads %d %.16s",
                                          settings.model->kind.name, replicas, threads, other));
            if (replicas == 1)
                continue;
            run_in_buckets(other, world, replicas, threads, threads, 1, tree, &settings, &data,
                           &loss, arena);
            n_failed += check(strcmp(alone, other) == 0, world,
                              arena_print(arena, "%s in buckets: replicas %d threads %d %.16s",
                                          settings.model->kind.name, replicas, threads, other));
        }
    arena_end(arena);
    return n_failed;
}

int main(void) {
    Arena *arena = arena_new();
    Comm *world;
    int n_failed = 0;
    must(comm_begin(&world, arena));
    for (size_t i = 0; i < sizeof trials / sizeof *trials; i++)
        n_failed += compare(world, trials[i]);
    comm_finish(world);
    arena_end(arena);
    return n_failed ? 1 : 0;
}
