#include "lab/cli/bench.h"

#include "lab/base/clock.h"
#include "lab/base/io.h"
#include "lab/base/say.h"
#include "lab/nn/gemm.h"
#include "lab/store/provenance.h"

#include <omp.h>
#include <stdlib.h>

#define BENCH(name) extern const BenchType bench_##name;
#include "lab/cli/benches.def"
#undef BENCH
#define BENCH(name) &bench_##name.kind,
const Kind *const bench_table[BENCH_N] = {
#include "lab/cli/benches.def"
};
#undef BENCH

double bench_sgemm_peak(Arena *arena) {
    enum { N = 1024, ROUNDS = 12 };
    float *a = ARENA_ARRAY(arena, float, N *N), *b = ARENA_ARRAY(arena, float, N *N),
          *c = ARENA_ARRAY(arena, float, N *N);
    for (int i = 0; i < N * N; i++)
        a[i] = b[i] = (float)(i % 13) * 0.1f;
    omp_set_num_threads(1);
    double best = 0;
    for (int library = 0; library < GEMM_LIBRARY_N; library++)
        for (int i = 0; i < ROUNDS; i++) {
            double start = clock_s();
            gemm_by((GemmLibrary)library, GEMM_NN, N, N, N, a, b, c, false);
            double rate = 2.0 * N * N * N / (clock_s() - start);
            best = rate > best ? rate : best;
        }
    return best;
}

double bench_number(const CommandLine *line, const char *name, double standard) {
    const char *text = command_option(line, name);
    return text ? strtod(text, NULL) : standard;
}

Error *bench_keep(const CommandLine *line, const BenchRows *rows, int n, const char *mpi,
                  int n_hosts, Arena *arena) {
    const char *results = command_option(line, "--results"), *host = calibration_host(arena);
    const char *path = calibration_path(results ? results : "results", host, arena);
    Calibration calibration = {.host = host};
    if (io_exists(path))
        TRY(calibration_load(&calibration, path, arena), "adding to the calibration");
    calibration.provenance = json_canonical(provenance_make(mpi, n_hosts, arena), arena);
    for (int i = 0; i < n; i++)
        calibration_put(&calibration, rows[i].part, rows[i].rows, rows[i].n, arena);
    TRY(calibration_write(&calibration, path), "keeping the calibration");
    say("kept in %s", path);
    return NULL;
}

static Error *run_bench(const CommandLine *line, int *code, Arena *arena) {
    (void)code;
    const char *name;
    PASS(command_one_word(&name, line, &command_bench, "benchmark (train, compute, optim, comm)"));
    const Kind *kind;
    PASS(kind_find(&kind, bench_table, BENCH_N, name, "benchmark", NULL));
    return ((const BenchType *)kind)->run(line, arena);
}

static const Option options[] = {
    {"--json", NULL, "one object a line, for machines"},
    {"--global-batch", "B", "train: only this global batch"},
    {"--mini-batch", "b",
     "train: with this mini-batch (default: the ones compared with, and auto)"},
    {"--weights", "N", "optim: weights (default 10000000)"},
    {"--seconds", "S", "time a case for about this long (default 1)"},
    {"--threads", "T", "threads (default 1)"},
    {"--replicas", "R", "comm: ranks that mpirun is asked for (default 2)"},
    {"--model", "NAME", "compute: only this model"},
    {"--results", "DIR", "comm, compute: DIR/calibration/<host>.h5 keeps it (default: results)"},
    OPTION_END,
};

COMMAND_TYPE(bench) = {
    .kind = {.name = "bench",
             .summary = "what this machine does, as rates and fractions of its limits",
             .detail =
                 "train    whole training steps of the MLP 784-512-512-10 with momentum: "
                 "examples/s, share of the\n"
                 "         core's sgemm peak, time by stage, cost of the noise statistics\n"
                 "compute  forward and backward pass of every model against the mini-batch: "
                 "examples/s, GFLOP/s, share of\n"
                 "         the peak, the slowest layers; kept in results/calibration/<host>.h5\n"
                 "optim    one step of every optimizer at its defaults: bytes/s against a triad's\n"
                 "comm     sums of gradients over replicas: every collective and "
                 "MPI_Allreduce in turn, messages;\n"
                 "         kept in results/calibration/<host>.h5"},
    .usage = "train|compute|optim|comm",
    .options = options,
    .run = run_bench,
};
