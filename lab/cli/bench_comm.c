/* Sums over replicas: every collective against MPI_Allreduce, and the messages they are made of.
 * Starts mpirun itself unless it finds itself under one. */
#include "lab/cli/bench.h"

#include "lab/comm/measure.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N_WAYS = COLLECTIVE_N + 2, COPY = COLLECTIVE_N, IN_PLACE };

typedef struct CommBench {
    Comm *comm;
    double seconds;
    bool json;
    double triad_bytes_s;
} CommBench;

static double number_option(const CommandLine *line, const char *name, double standard) {
    const char *text = command_option(line, name);
    return text ? strtod(text, NULL) : standard;
}

/* ---- under mpirun */

static const char *way_name(int i) {
    return i == COPY ? "MPI copy" : i == IN_PLACE ? "MPI in place" : collective_table[i]->name;
}

/* The tree reads every rank's vector and writes the sum; the slowest memory can do that in this
 * time. */
static double least_s(const CommBench *bench, int64_t n_floats) {
    return 4.0 * (double)n_floats * (comm_local_size(bench->comm) + 1) / bench->triad_bytes_s;
}

static void print_row(const CommBench *bench, int64_t n, const double *time) {
    printf("%9.0f", 4.0 * (double)n / 1024);
    for (int i = 0; i < N_WAYS; i++)
        printf(" %12.1f", 1e6 * time[i]);
    printf(" %7.2f %8.2f %6.2f\n", time[COPY] / time[0], time[IN_PLACE] / time[0],
           least_s(bench, n) / time[0]);
    fflush(stdout);
}

static void print_row_json(const CommBench *bench, int64_t n, const double *time, Arena *arena) {
    for (int i = 0; i < N_WAYS; i++) {
        Json *object = json_object(arena);
        json_add_text(object, "sum", way_name(i), arena);
        json_add_number(object, "replicas", comm_size(bench->comm), arena);
        json_add_number(object, "hosts", comm_hosts(bench->comm), arena);
        json_add_number(object, "bytes", 4.0 * (double)n, arena);
        json_add_number(object, "seconds", time[i], arena);
        json_add_number(object, "triad_bytes_per_s", bench->triad_bytes_s, arena);
        printf("%s\n", json_canonical(object, arena));
    }
}

static Error *sums_of(const CommBench *bench, int64_t n_floats) {
    Arena *arena = arena_new();
    Way ways[N_WAYS] = {[COPY] = {WAY_MPI_COPY, NULL}, [IN_PLACE] = {WAY_MPI_IN_PLACE, NULL}};
    for (int i = 0; i < COLLECTIVE_N; i++)
        ways[i] = (Way){WAY_COLLECTIVE, (const CollectiveType *)collective_table[i]};
    double time[N_WAYS];
    Error *error = measure_sums(time, bench->comm, ways, N_WAYS, n_floats, bench->seconds, arena);
    if (!error && comm_rank(bench->comm) == 0) {
        if (bench->json)
            print_row_json(bench, n_floats, time, arena);
        else
            print_row(bench, n_floats, time);
    }
    arena_end(arena);
    return error;
}

static void messages(const CommBench *bench, int other, const char *where) {
    Arena *arena = arena_new();
    double latency = measure_message_s(bench->comm, other, 4, bench->seconds, arena);
    int64_t bytes = 8 << 20;
    double large = measure_message_s(bench->comm, other, bytes, bench->seconds, arena);
    if (comm_rank(bench->comm) == 0 && !bench->json)
        printf("messages %s: latency %.2f us, bandwidth %.2f GB/s\n", where, 1e6 * latency,
               (double)bytes / (large - latency) * 1e-9);
    if (comm_rank(bench->comm) == 0 && bench->json) {
        Json *object = json_object(arena);
        json_add_text(object, "message", where, arena);
        json_add_number(object, "latency_s", latency, arena);
        json_add_number(object, "bytes_per_s", (double)bytes / (large - latency), arena);
        printf("%s\n", json_canonical(object, arena));
    }
    arena_end(arena);
}

static Error *measure(CommBench *bench, Arena *arena) {
    static const int64_t bytes[] = {4 << 10, 128 << 10, 1 << 20, 4 << 20, 32 << 20};
    Comm *comm = bench->comm;
    bench->triad_bytes_s = measure_triad_bytes_s(comm, bench->seconds, arena);
    bool tells = comm_rank(comm) == 0 && !bench->json;
    if (tells) {
        printf("%d replicas on %d host%s; sums take turns, medians of the slowest rank, "
               "microseconds; triad %.1f GB/s\n      KiB",
               comm_size(comm), comm_hosts(comm), comm_hosts(comm) > 1 ? "s" : "",
               bench->triad_bytes_s * 1e-9);
        for (int i = 0; i < N_WAYS; i++)
            printf(" %12s", way_name(i));
        printf("  copy/tree place/tree of triad\n");
    }
    for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++)
        PASS(sums_of(bench, bytes[i] / 4));
    int local = comm_local_size(comm), size = comm_size(comm);
    if (local > 1)
        messages(bench, 1, "inside a host");
    if (local < size)
        messages(bench, size - 1, "between hosts");
    return NULL;
}

static Error *under_mpi(const CommandLine *line, Arena *arena) {
    Comm *world;
    PASS(comm_begin(&world, arena));
    CommBench bench = {.comm = world,
                       .seconds = number_option(line, "--seconds", 1),
                       .json = command_option(line, "--json") != NULL};
    Error *error = comm_size(world) > 1
                       ? measure(&bench, arena)
                       : error_hint(error_new(CODE_USAGE, "one rank has nobody to talk to"),
                                    "mpirun -n 2 batchlab bench comm");
    error = comm_agree(world, error);
    comm_finish(world);
    return error;
}

/* ---- alone: become mpirun */

static Error *become_mpirun(const CommandLine *line, Arena *arena) {
    double replicas = number_option(line, "--replicas", 2);
    if (!(replicas >= 2 && replicas <= 4096))
        return error_hint(error_new(CODE_USAGE, "--replicas is out of range"), "2 to 4096");
    bool fits = replicas <= (double)sysconf(_SC_NPROCESSORS_ONLN);
    const char *words[24] = {"mpirun", "-q", "-n", arena_print(arena, "%.0f", replicas)};
    int n = 4;
    const char *const bound[] = {"--use-hwthread-cpus", "--bind-to", "hwthread", NULL};
    const char *const loose[] = {"--oversubscribe",     "--bind-to", "none", "--mca",
                                 "mpi_yield_when_idle", "1",         NULL};
    for (const char *const *word = fits ? bound : loose; *word; word++)
        words[n++] = *word;
    words[n++] = line->program;
    words[n++] = "bench";
    words[n++] = "comm";
    words[n++] = "--seconds";
    words[n++] = arena_print(arena, "%g", number_option(line, "--seconds", 1));
    if (command_option(line, "--json"))
        words[n++] = "--json";
    if (geteuid() == 0) {
        setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1);
        setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
    }
    execvp(words[0], (char *const *)words);
    return error_hint(error_new(CODE_MISSING, "cannot start mpirun: %s", strerror(errno)),
                      "`batchlab doctor` looks for it");
}

static Error *run_comm(const CommandLine *line, Arena *arena) {
    double seconds = number_option(line, "--seconds", 1);
    if (!(seconds > 0 && seconds <= 1e4))
        return error_hint(error_new(CODE_USAGE, "--seconds is out of range"), "above 0, to 10000");
    return comm_launched() ? under_mpi(line, arena) : become_mpirun(line, arena);
}

BENCH_TYPE(comm) = {
    .kind = {.name = "comm", .summary = "sums over replicas by every collective, and messages"},
    .run = run_comm,
};
