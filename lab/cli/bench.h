/* Benchmarks: what this machine does, as rates and fractions of its limits. One file each, ending
 * in one const struct, and a line in benches.def. */
#ifndef LAB_CLI_BENCH_H
#define LAB_CLI_BENCH_H

#include "lab/cli/command.h"
#include "lab/store/calibration.h"

typedef struct BenchType {
    Kind kind;
    Error *(*run)(const CommandLine *line, Arena *arena);
} BenchType;

#define BENCH(name) BENCH_ID_##name,
enum {
#include "lab/cli/benches.def"
    BENCH_N
};
#undef BENCH
#define BENCH_TYPE(name)                                                                           \
    extern const BenchType bench_##name;                                                           \
    _Static_assert(BENCH_ID_##name >= 0, "line in benches.def");                                   \
    const BenchType bench_##name

extern const Kind *const bench_table[BENCH_N];

/* Best of several 1024^3 products by one thread, in FLOP/s: the limit that compute rates are
 * compared with. */
double bench_sgemm_peak(Arena *arena);

/* A number option, or `standard` when it is absent. */
double bench_number(const CommandLine *line, const char *name, double standard);

/* What a benchmark measured of one part. */
typedef struct BenchRows {
    CalibrationPart part;
    const void *rows;
    int n;
} BenchRows;

/* Puts `rows` (n parts) into this host's calibration below --results, beside what was measured
 * before, and says where it is. `mpi` NULL: none. */
Error *bench_keep(const CommandLine *line, const BenchRows *rows, int n, const char *mpi,
                  int n_hosts, Arena *arena);

#endif
