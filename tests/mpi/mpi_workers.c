/* Workers: messages arrive whatever ranks the workers live on, the tally of bytes is what was sent,
 * and the digest of every compression and of local SGD is the same for every number of replicas,
 * also after an interruption on another number of them. */
#include "tests/mpi/chain.h"

#include "lab/comm/workers.h"

enum { W = 6 };

/* Every worker sends (sender, receiver) to everyone, in messages of growing length. */
static int check_messages(Comm *world, int replicas) {
    Arena *arena = arena_new();
    Comm *group;
    must(comm_split(&group, world, comm_rank(world) < replicas ? 0 : -1, arena));
    double wrong = 0;
    if (group) {
        Workers *workers = workers_new(group, W, arena);
        int64_t at[W + 1] = {0};
        for (int j = 0; j < W; j++)
            at[j + 1] = at[j] + 8 * (j % 3); /* some have nothing to say */
        int64_t mine = at[workers->last] - at[workers->first];
        char *out = arena_alloc(arena, (size_t)(workers_own(workers) * at[W] + 1));
        char *in = arena_alloc(arena, (size_t)(W * mine + 1));
        char *all = arena_alloc(arena, (size_t)at[W] + 1);
        for (int i = workers->first; i < workers->last; i++)
            for (int j = 0; j < W; j++) {
                memset(out + (i - workers->first) * at[W] + at[j], 10 * i + j,
                       (size_t)(at[j + 1] - at[j]));
                memset(all + at[i], 100 + i, (size_t)(at[i + 1] - at[i]));
            }
        workers_scatter(workers, out, at, in);
        for (int i = 0; i < W; i++)
            for (int j = workers->first; j < workers->last; j++)
                for (int64_t k = at[j]; k < at[j + 1]; k++)
                    wrong += in[i * mine + k - at[workers->first]] != 10 * i + j;
        workers_gather(workers, all, at);
        for (int j = 0; j < W; j++)
            for (int64_t k = at[j]; k < at[j + 1]; k++)
                wrong += all[k] != 100 + j;
        double *sent = ARENA_ARRAY(arena, double, comm_size(group)), sum = 0;
        sent[comm_rank(group)] = (double)workers->own_bytes;
        comm_share(group, sent, comm_size(group));
        for (int r = 0; r < comm_size(group); r++)
            sum += sent[r];
        wrong += sum != workers->sent_bytes;
        wrong += replicas == W && sum != W * workers->worker_bytes;
        wrong += replicas > 1 && sum == 0;
    }
    bool good = comm_agree(world, wrong == 0 ? NULL : error_new(CODE_INTERNAL, "wrong")) == NULL;
    int failed = check(good, world, arena_print(arena, "messages on %d replicas", replicas));
    arena_end(arena);
    return failed;
}

static const char *const extras[] = {
    "\"optimizer\": \"momentum\", \"local\": {\"period\": 4}",
    "\"optimizer\": \"adamw\", \"local\": {\"period\": 3, \"after_epochs\": 1, \"slots\": "
    "\"mean\"}, \"clip\": {\"norm\": 0.5}",
    "\"optimizer\": \"momentum\", \"local\": {\"period\": 5, \"slots\": \"zero\"}",
    "\"optimizer\": \"lamb\", \"compression\": {\"name\": \"sign\", \"feedback\": \"none\"}",
    "\"optimizer\": \"lars\", \"compression\": \"bf16\", \"clip\": {\"norm\": 0.5}, "
    "\"weight_ema\": {\"half_life_examples\": 300}",
};

static int check_extra(Comm *world, const char *what, const char *extra, const char *path,
                       const Dataset *data) {
    Arena *arena = arena_new();
    const CollectiveType *tree = (const CollectiveType *)collective_table[COLLECTIVE_ID_tree];
    const char *whole = arena_print(arena,
                                    "%s, \"workers\": %d, \"lr\": {\"base\": 0.01, \"schedule\": "
                                    "\"cosine\", \"warmup\": {\"steps\": 3}}",
                                    extra, W);
    TrialSettings settings;
    trial_from(&settings, chain_text(whole, arena), arena);
    char alone[HASH_ROOM], other[HASH_ROOM];
    double loss;
    run_on(alone, world, 1, 1, tree, &settings, data, &loss, arena);
    int n_failed = 0;
    for (int replicas = 1; replicas <= comm_size(world) && replicas <= W; replicas++) {
        run_on(other, world, replicas, 2, tree, &settings, data, &loss, arena);
        n_failed += check(strcmp(alone, other) == 0, world,
                          arena_print(arena, "%s: replicas %d %.12s", what, replicas, other));
    }
    n_failed += check_chain(world, what, whole, path, data);
    arena_end(arena);
    return n_failed;
}

int main(void) {
    Arena *arena = arena_new();
    Comm *world;
    must(comm_begin(&world, arena));
    Dataset data;
    load_blobs(&data, arena);
    char path[] = "/tmp/batchlab-workers-XXXXXX";
    if (comm_rank(world) == 0)
        close(mkstemp(path));
    int n_failed = 0;
    for (int replicas = 1; replicas <= comm_size(world) && replicas <= W; replicas++)
        n_failed += check_messages(world, replicas);
    for (int i = 0; i < COMPRESSION_N; i++) {
        const char *name = compression_table[i]->name;
        bool own = ((const CompressionType *)compression_table[i])->own_momentum;
        n_failed += check_extra(world, name,
                                arena_print(arena, "\"optimizer\": \"%s\", \"compression\": \"%s\"",
                                            own ? "sgd" : "momentum", name),
                                path, &data);
    }
    for (size_t i = 0; i < sizeof extras / sizeof *extras; i++)
        n_failed += check_extra(world, extras[i], extras[i], path, &data);
    if (comm_rank(world) == 0)
        unlink(path);
    comm_finish(world);
    arena_end(arena);
    return n_failed ? 1 : 0;
}
