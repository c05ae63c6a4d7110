/* A trial that is interrupted and continued on another number of replicas, again and again, has the
 * digest of one that never stopped: 4 -> 2 -> 3 -> 1 under four ranks, shorter chains under fewer.
 */
#include "tests/mpi/chain.h"

int main(void) {
    Arena *arena = arena_new();
    Comm *world;
    must(comm_begin(&world, arena));
    Dataset data;
    load_blobs(&data, arena);
    char path[] = "/tmp/batchlab-resume-XXXXXX";
    if (comm_rank(world) == 0)
        close(mkstemp(path));
    int n_failed =
        check_chain(world, "momentum, adascale, growing batch",
                    "\"optimizer\": \"momentum\", \"lr\": {\"base\": 0.02, \"base_batch\": 16, "
                    "\"scaling\": \"adascale\", \"schedule\": \"cosine\"}, \"batch_schedule\": "
                    "{\"name\": \"points\", \"at_epochs\": [1], \"global_batch\": [104]}",
                    path, &data);
    n_failed += check_chain(world, "lamb, averaged weights",
                            "\"optimizer\": \"lamb\", \"lr\": {\"base\": 0.01, \"warmup\": "
                            "{\"steps\": 9}}, \"weight_ema\": {\"half_life_examples\": 300}",
                            path, &data);
    if (comm_rank(world) == 0)
        unlink(path);
    comm_finish(world);
    arena_end(arena);
    return n_failed ? 1 : 0;
}
