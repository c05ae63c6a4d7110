/* Every registered optimizer, schedule, scaling rule and batch schedule, batch norm, dropout and
 * augmentation keep the one-trajectory contract: under N ranks the digest of 1..N replicas equals
 * that of one. A new kind is tested by existing. */
#include "tests/mpi/trajectory.h"

enum { SHARDS = 6, STEPS = 24 };

typedef struct Variant {
    const char *optimizer, *schedule, *scaling, *batch_schedule;
    double lr;
} Variant;

static const char *text_of(const Variant *variant, Arena *arena) {
    return arena_print(
        arena,
        "{\"dataset\": \"blobs\", \"model\": {\"name\": \"mlp\", \"hidden\": [13]}, "
        "\"global_batch\": %d,"
        "\"mini_batch\": 8, \"batch_schedule\": %s, \"optimizer\": \"%s\","
        "\"lr\": {\"base\": %g, \"base_batch\": 16, \"scaling\": \"%s\", \"warmup\": {\"steps\": "
        "4},"
        "\"schedule\": \"%s\"}, \"stop\": {\"examples\": %d, \"diverge_factor\": 1e9},"
        "\"eval\": {\"every_examples\": 400}}",
        8 * SHARDS, variant->batch_schedule, variant->optimizer, variant->lr, variant->scaling,
        variant->schedule, 8 * SHARDS * STEPS);
}

/* The digests of 1..N replicas, with threads from `least` to 2, are that of one replica on one
 * thread. */
static int compare_layouts(Comm *world, const char *what, const TrialSettings *settings,
                           const Dataset *data, int least, Arena *arena) {
    const CollectiveType *tree = (const CollectiveType *)collective_table[COLLECTIVE_ID_tree];
    char alone[HASH_ROOM], other[HASH_ROOM];
    double loss;
    int n_failed = 0;
    run_on(alone, world, 1, 1, tree, settings, data, &loss, arena);
    for (int replicas = 1; replicas <= comm_size(world); replicas++)
        for (int threads = least; threads <= 2; threads++) {
            run_on(other, world, replicas, threads, tree, settings, data, &loss, arena);
            n_failed += check(strcmp(alone, other) == 0, world,
                              arena_print(arena, "%s: replicas %d threads %d %.12s", what, replicas,
                                          threads, other));
        }
    return n_failed;
}

static int compare(Comm *world, const Variant *variant, const Dataset *data) {
    Arena *arena = arena_new();
    TrialSettings settings;
    trial_from(&settings, text_of(variant, arena), arena);
    const char *what = arena_print(arena, "%s, %s, %s, %.24s", variant->optimizer,
                                   variant->schedule, variant->scaling, variant->batch_schedule);
    int n_failed = compare_layouts(world, what, &settings, data, 2, arena);
    arena_end(arena);
    return n_failed;
}

static const char *const batch_schedules[] = {
    "\"constant\"",
    "{\"name\": \"points\", \"at_epochs\": [1], \"global_batch\": [104]}",
    "{\"name\": \"warmup\", \"start\": 32, \"epochs\": 1}",
    "{\"name\": \"with_lr\", \"max\": 200}",
};
_Static_assert((int)(sizeof batch_schedules / sizeof *batch_schedules) == (int)BATCH_SCHEDULE_N,
               "one line a schedule");

/* Batch norm, dropout and augmentation on images. */
static int compare_images(Comm *world) {
    static const char *const models[] = {
        "{\"name\": \"resnet\", \"width\": 4}",
        "{\"name\": \"simple_cnn\", \"channels\": [8, 8], \"dense\": 16, \"dropout\": 0.4}",
    };
    int n_failed = 0;
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        Arena *arena = arena_new();
        TrialSettings settings;
        Dataset data;
        trial_from(&settings,
                   arena_print(arena,
                               "{\"dataset\": {\"name\": \"glyphs\", \"train\": 400, "
                               "\"valid\": 150, \"test\": 40}, \"model\": %s, "
                               "\"augment\": {\"pad\": 3, \"flip\": true, \"cutout\": 9}, "
                               "\"global_batch\": 48, \"mini_batch\": 8, "
                               "\"optimizer\": \"momentum\", \"lr\": {\"base\": 0.05}, "
                               "\"stop\": {\"steps\": 12}, \"eval\": {\"every_examples\": 200}}",
                               models[i]),
                   arena);
        must(dataset_load(&data, settings.dataset, settings.dataset_settings, NULL, arena));
        n_failed += compare_layouts(world, models[i], &settings, &data, 1, arena);
        arena_end(arena);
    }
    return n_failed;
}

int main(void) {
    Arena *arena = arena_new();
    Comm *world;
    must(comm_begin(&world, arena));
    Dataset data;
    load_blobs(&data, arena);
    int n_failed = 0;
    const Variant plain = {"momentum", "cosine", "none", batch_schedules[0], 0.02};
    for (int i = 0; i < OPTIM_N; i++) {
        Variant variant = plain;
        variant.optimizer = optim_table[i]->name;
        variant.lr = ((const OptimType *)optim_table[i])->lr;
        n_failed += compare(world, &variant, &data);
    }
    for (int i = 0; i < SCHEDULE_N; i++) {
        Variant variant = plain;
        variant.schedule = schedule_table[i]->name;
        n_failed += compare(world, &variant, &data);
    }
    for (int i = 0; i < SCALING_N; i++) {
        Variant variant = plain;
        variant.scaling = scaling_table[i]->name;
        n_failed += compare(world, &variant, &data);
    }
    for (int i = 0; i < BATCH_SCHEDULE_N; i++) {
        Variant variant = plain;
        variant.batch_schedule = batch_schedules[i];
        n_failed += compare(world, &variant, &data);
    }
    n_failed += compare_images(world);
    comm_finish(world);
    arena_end(arena);
    return n_failed ? 1 : 0;
}
