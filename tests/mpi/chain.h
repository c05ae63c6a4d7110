/* A trial that is interrupted and continued on another number of replicas, again and again, against
 * one that never stopped. */
#ifndef TESTS_MPI_CHAIN_H
#define TESTS_MPI_CHAIN_H

#include "tests/mpi/trajectory.h"

#include "lab/base/rng.h"

#include <unistd.h>

enum { STEPS = 60, PARTS = 4 };

/* Where the parts of a trial come together: one digest over all of them. */
typedef struct Chain {
    Seen seen;
    const char *path; /* of the checkpoint */
    int64_t written;  /* its step */
} Chain;

static inline Error *chain_step(void *self, const StepRow *row) {
    return see_step(&((Chain *)self)->seen, row);
}

static inline Error *chain_eval(void *self, const EvalRow *row, const LayerRow *layers,
                                int n_layers) {
    return see_eval(&((Chain *)self)->seen, row, layers, n_layers);
}

static inline Error *chain_digest(void *self, int64_t step, const float *weights,
                                  int64_t n_weights) {
    return see_digest(&((Chain *)self)->seen, step, weights, n_weights);
}

static inline Error *chain_checkpoint(void *self, int64_t step, const StateArray *arrays, int n) {
    Chain *chain = self;
    chain->written = step;
    return checkpoint_write(chain->path, step, "{}", arrays, n);
}

/* Part of a trial on the first `replicas` ranks: to step `pause`, 0 to its end. */
static inline void run_part(Chain *chain, Comm *world, int replicas, int threads, bool resume,
                            int64_t pause, const TrialSettings *settings, const Dataset *data,
                            Arena *arena) {
    Comm *group;
    must(comm_split(&group, world, comm_rank(world) < replicas ? 0 : -1, arena));
    if (!group)
        return;
    bool root = comm_rank(group) == 0;
    Recorder recorder = {.self = chain,
                         .step = chain_step,
                         .eval = chain_eval,
                         .digest = chain_digest,
                         .checkpoint = chain_checkpoint};
    TrialLayout layout = {.comm = group,
                          .threads = threads,
                          .collective =
                              (const CollectiveType *)collective_table[COLLECTIVE_ID_tree],
                          .pause_after_steps = pause,
                          .resume = root && resume ? chain->path : NULL};
    RunSummary summary;
    must(trial_run(&summary, settings, 7, data, &layout, root ? &recorder : NULL));
    assert(summary.outcome == (pause ? OUTCOME_INTERRUPTED : OUTCOME_BUDGET_SPENT));
    assert(!pause || !root || chain->written == pause);
}

/* A small trial on blobs, six shards a step; `extra` are its optimizer and whatever else. */
static inline const char *chain_text(const char *extra, Arena *arena) {
    return arena_print(arena,
                       "{\"dataset\": \"blobs\", \"model\": {\"name\": \"mlp\", \"hidden\": "
                       "[13]}, \"global_batch\": 48, \"mini_batch\": 8,"
                       "\"stop\": {\"examples\": %d}, \"eval\": {\"every_examples\": 700}, %s}",
                       48 * STEPS, extra);
}

/* Under N ranks; `path` is a file for checkpoints. Returns 1 when the digests differ. */
static inline int check_chain(Comm *world, const char *what, const char *extra, const char *path,
                              const Dataset *data) {
    static const int replicas[5][PARTS] = {
        {1, 1, 1, 1}, {1, 1, 1, 1}, {2, 1, 2, 1}, {3, 1, 2, 3}, {4, 2, 3, 1}};
    const int *parts = replicas[comm_size(world)];
    Arena *arena = arena_new();
    TrialSettings settings;
    trial_from(&settings, chain_text(extra, arena), arena);
    Chain whole = {.seen = {.digest = digest_new()}}, chain = {.path = path};
    chain.seen.digest = digest_new();
    run_part(&whole, world, 1, 1, false, 0, &settings, data, arena);
    Rng rng = rng_new(1, RNG_TEST, (uint64_t)extra[20]);
    int64_t pause = 0;
    for (int i = 0; i < PARTS; i++) {
        pause = i == PARTS - 1 ? 0 : pause + 1 + (int64_t)(rng_uniform(&rng) * 12);
        run_part(&chain, world, parts[i], 1 + i % 2, i > 0, pause, &settings, data, arena);
    }
    int failed = check(strcmp(whole.seen.hex, chain.seen.hex) == 0, world,
                       arena_print(arena, "%s: %d -> %d -> %d -> %d replicas %.16s", what, parts[0],
                                   parts[1], parts[2], parts[3], chain.seen.hex));
    arena_end(arena);
    return failed;
}

#endif
