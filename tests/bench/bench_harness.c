/* What the harness itself costs (by hand, alone on the machine):
 *   bench_harness [FOLDER]     (default /tmp; checkpoints and journals are written there)
 * 1. microseconds a step of the model that does nothing, one replica, with the journal and the
 * digest: the best and the median of ten runs of 20,000 steps, in wall and in CPU time;
 * 2. what one checkpoint of a run with 10^7 weights costs the training, and its share of a run that
 *    writes one every 30 s; on a busy machine the CPU time is the one to believe. */
#include "lab/base/clock.h"
#include "lab/base/stats.h"
#include "lab/store/checkpoints.h"
#include "lab/store/provenance.h"
#include "tests/unit/trial_helper.h"

#include <math.h>
#include <time.h>
#include <unistd.h>

enum { RUNS = 10, STEPS = 20000, CHECKPOINTS = 16 };
#define GAP_S 1.5 /* between checkpoints: the disk has time, as it has in a run */

static double cpu_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static RunHeader header_of(const char *run_id, int64_t n_weights, Arena *arena) {
    static const char *const layers[] = {"weights"};
    return (RunHeader){.experiment = "bench",
                       .question = "what does the harness cost?",
                       .run_id = run_id,
                       .trial_id = "0123456789abcdef",
                       .config = "{}",
                       .collective = "tree",
                       .n_weights = n_weights,
                       .replicas = 1,
                       .threads = 1,
                       .hosts = 1,
                       .mode = RUN_FULL,
                       .canonical = true,
                       .target = NAN,
                       .n_layers = 1,
                       .layer_names = layers,
                       .provenance = provenance_make("none", 1, arena)};
}

/* A checkpoint's seconds, taken around the store's function. */
typedef struct Timed {
    Recorder inner;
    double wall_s[CHECKPOINTS], cpu_s[CHECKPOINTS];
    int n;
} Timed;

static Error *timed_step(void *self, const StepRow *row) {
    return ((Timed *)self)->inner.step(((Timed *)self)->inner.self, row);
}

static Error *timed_checkpoint(void *self, int64_t step, const StateArray *arrays, int n) {
    Timed *timed = self;
    double wall = clock_s(), cpu = cpu_s();
    must(timed->inner.checkpoint(timed->inner.self, step, arrays, n));
    if (timed->n < CHECKPOINTS) {
        timed->wall_s[timed->n] = clock_s() - wall;
        timed->cpu_s[timed->n++] = cpu_s() - cpu;
    }
    return NULL;
}

/* `weights` weights, `steps` steps or `seconds`; microseconds a step. */
static void run_noop(double *wall_us, double *cpu_us, Timed *timed, const char *folder,
                     int64_t weights, int64_t steps, const char *optimizer, double seconds) {
    Arena *arena = arena_new();
    const ReadTrial *trial = read_trial(
        arena_print(arena,
                    "{\"dataset\": \"blobs\", \"model\": {\"name\": \"noop\", \"weights\": %lld},"
                    "\"global_batch\": 4, \"mini_batch\": 1, \"optimizer\": \"%s\","
                    "\"lr\": {\"base\": 0.01}, \"stop\": {\"steps\": %lld},"
                    "\"eval\": {\"every_examples\": 1000000000}}",
                    (long long)weights, optimizer, (long long)steps),
        arena);
    RunHeader header = header_of("bench", weights, arena);
    RunWriter *writer;
    must(run_begin(&writer, folder, &header, arena));
    timed->inner = run_recorder(writer);
    Recorder recorder = {.self = timed, .step = timed_step, .checkpoint = timed_checkpoint};
    TrialLayout layout = {.comm = comm_alone(arena),
                          .threads = 1,
                          .checkpoint_s = seconds > 0 ? GAP_S : 0,
                          .max_seconds = seconds,
                          .collective =
                              (const CollectiveType *)collective_table[COLLECTIVE_ID_tree]};
    RunSummary summary;
    double wall = clock_s(), cpu = cpu_s();
    must(trial_run(&summary, &trial->settings, 0, &trial->data, &layout, &recorder));
    *wall_us = 1e6 * (clock_s() - wall) / (double)steps;
    *cpu_us = 1e6 * (cpu_s() - cpu) / (double)steps;
    run_abandon(writer);
    arena_end(arena);
}

static double smallest(const double *x, int n) {
    double least = x[0];
    for (int i = 1; i < n; i++)
        least = x[i] < least ? x[i] : least;
    return least;
}

int main(int argc, char **argv) {
    Arena *arena = arena_new();
    char *folder = arena_print(arena, "%s/batchlab-bench-XXXXXX", argc > 1 ? argv[1] : "/tmp");
    if (!mkdtemp(folder))
        return 1;
    double wall[RUNS], cpu[RUNS];
    Timed timed = {.n = 0};
    for (int i = 0; i < RUNS; i++)
        run_noop(&wall[i], &cpu[i], &timed, folder, 100, STEPS, "sgd", 0);
    printf(
        "harness, noop, one replica, us a step: wall %.2f best, %.2f median; cpu %.2f best, %.2f "
        "median\n",
        smallest(wall, RUNS), stats_median(wall, RUNS), smallest(cpu, RUNS),
        stats_median(cpu, RUNS));
    static const char *const optimizers[] = {"sgd", "momentum", "lamb"};
    for (int i = 0; i < 3; i++) {
        timed.n = 0;
        run_noop(&wall[0], &cpu[0], &timed, folder, 10000000, 1000000, optimizers[i], 5 * GAP_S);
        double seconds = stats_median(timed.wall_s, timed.n),
               busy = stats_median(timed.cpu_s, timed.n);
        printf("checkpoint, 10^7 weights, %-8s: %.3f s of waiting, %.3f s of cpu: every 30 s %.2f "
               "%% and %.2f %% of a run\n",
               optimizers[i], seconds, busy, 100 * seconds / 30, 100 * busy / 30);
    }
    int left = system(arena_print(arena, "rm -rf '%s'", folder));
    arena_end(arena);
    return left != 0;
}
