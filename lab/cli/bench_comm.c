/* Sums over replicas: every collective against MPI_Allreduce, and the messages they are made of.
 * Starts mpirun itself unless it finds itself under one. What it finds goes into the host's
 * calibration. */
#include "lab/cli/bench.h"

#include "lab/base/clock.h"
#include "lab/comm/measure.h"
#include "lab/store/calibration.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N_WAYS = COLLECTIVE_N + 2, COPY = COLLECTIVE_N, IN_PLACE };

static const int64_t sum_bytes_measured[] = {4 << 10, 128 << 10, 1 << 20, 4 << 20, 32 << 20};
enum { N_SIZES = sizeof sum_bytes_measured / sizeof *sum_bytes_measured };

/* A message alone says latency, a long one the rate, a pile of short ones what one more costs. */
typedef struct Pile {
    int64_t bytes;
    int messages;
} Pile;
static const Pile piles[] = {{4, 1}, {4, 32}, {64 << 10, 1}, {1 << 20, 1}, {8 << 20, 1}};
enum { N_PILES = sizeof piles / sizeof *piles, EXCHANGED = 4 << 20 };

typedef struct CommBench {
    Arena *arena;
    Comm *comm;
    double seconds;
    bool json;
    double triad_bytes_s;
    char utc[CLOCK_UTC_ROOM];
    int n_sums, n_messages, n_memory;
    SumTime sum[N_WAYS * N_SIZES];
    MessageTime message[2 * (N_PILES + 1)];
    MemoryRate memory[2];
} CommBench;

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

static Error *sums_of(CommBench *bench, int64_t n_floats) {
    Arena *arena = arena_new();
    Way ways[N_WAYS] = {[COPY] = {WAY_MPI_COPY, NULL}, [IN_PLACE] = {WAY_MPI_IN_PLACE, NULL}};
    for (int i = 0; i < COLLECTIVE_N; i++)
        ways[i] = (Way){WAY_COLLECTIVE, (const CollectiveType *)collective_table[i]};
    double time[N_WAYS];
    Error *error = measure_sums(time, bench->comm, ways, N_WAYS, n_floats, bench->seconds, arena);
    for (int i = 0; i < N_WAYS && !error; i++)
        bench->sum[bench->n_sums++] = (SumTime){.way = way_name(i),
                                                .replicas = comm_size(bench->comm),
                                                .hosts = comm_hosts(bench->comm),
                                                .bytes = 4 * n_floats,
                                                .seconds = time[i],
                                                .utc = bench->utc};
    if (!error && comm_rank(bench->comm) == 0) {
        if (bench->json)
            print_row_json(bench, n_floats, time, arena);
        else
            print_row(bench, n_floats, time);
    }
    arena_end(arena);
    return error;
}

static void tell_messages(const CommBench *bench, const MessageTime *time, Arena *arena) {
    const MessageTime *large = &time[N_PILES - 1], *both = &time[N_PILES];
    double latency = time[0].seconds, more = (time[1].seconds - latency) / (piles[1].messages - 1);
    double bytes_s = (double)large->bytes / (large->seconds - latency);
    double both_s = (double)both->bytes / (both->seconds - latency);
    if (!bench->json) {
        printf("messages %s: latency %.2f us, one more %.2f us, bandwidth %.3f GB/s, both ways at "
               "once %.3f GB/s each\n",
               time->where, 1e6 * latency, 1e6 * more, bytes_s * 1e-9, both_s * 1e-9);
        return;
    }
    Json *object = json_object(arena);
    json_add_text(object, "message", time->where, arena);
    json_add_number(object, "latency_s", latency, arena);
    json_add_number(object, "more_s", more, arena);
    json_add_number(object, "bytes_per_s", bytes_s, arena);
    json_add_number(object, "both_ways_bytes_per_s", both_s, arena);
    printf("%s\n", json_canonical(object, arena));
}

static void messages(CommBench *bench, int other, const char *where) {
    Arena *arena = arena_new();
    MessageTime *time = &bench->message[bench->n_messages];
    double seconds = bench->seconds / 4;
    for (int i = 0; i <= N_PILES; i++)
        time[i] = (MessageTime){.where = where,
                                .replicas = comm_size(bench->comm),
                                .hosts = comm_hosts(bench->comm),
                                .utc = bench->utc};
    for (int i = 0; i < N_PILES; i++) {
        time[i].bytes = piles[i].bytes;
        time[i].messages = piles[i].messages;
        time[i].seconds = measure_message_s(bench->comm, other, piles[i].bytes, piles[i].messages,
                                            seconds, arena);
    }
    time[N_PILES].where = arena_print(bench->arena, "%s, both ways", where);
    time[N_PILES].bytes = EXCHANGED;
    time[N_PILES].messages = 1;
    time[N_PILES].seconds = measure_exchange_s(bench->comm, other, EXCHANGED, seconds, arena);
    bench->n_messages += N_PILES + 1;
    if (comm_rank(bench->comm) == 0)
        tell_messages(bench, time, arena);
    arena_end(arena);
}

/* One rank, then all of them. */
static void memory(CommBench *bench, Arena *arena) {
    const int ranks[2] = {1, comm_size(bench->comm)};
    for (int i = 0; i < 2; i++) {
        bench->triad_bytes_s =
            measure_triad_bytes_s(bench->comm, ranks[i], bench->seconds / 2, arena);
        int here = i == 0 ? 1 : comm_local_size(bench->comm);
        bench->memory[bench->n_memory++] =
            (MemoryRate){.ranks = here, .bytes_per_s = bench->triad_bytes_s, .utc = bench->utc};
    }
}

/* Seconds in which every way summed once, at the last length; the same on all ranks. */
static double last_round_s(const CommBench *bench) {
    double sum = 0;
    for (int i = 0; i < N_WAYS && bench->n_sums; i++)
        sum += bench->sum[bench->n_sums - 1 - i].seconds;
    return sum;
}

static Error *measure(CommBench *bench, Arena *arena) {
    Comm *comm = bench->comm;
    memory(bench, arena);
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
    /* a slow link would take minutes over the longest */
    for (int i = 0; i < N_SIZES && last_round_s(bench) <= bench->seconds; i++)
        PASS(sums_of(bench, sum_bytes_measured[i] / 4));
    int local = comm_local_size(comm), size = comm_size(comm);
    if (local > 1)
        messages(bench, 1, "inside a host");
    if (local < size)
        messages(bench, size - 1, "between hosts");
    return NULL;
}

static Error *keep(const CommBench *bench, const CommandLine *line, Arena *arena) {
    if (comm_rank(bench->comm) != 0)
        return NULL;
    const BenchRows rows[] = {{CALIBRATION_SUMS, bench->sum, bench->n_sums},
                              {CALIBRATION_MESSAGES, bench->message, bench->n_messages},
                              {CALIBRATION_MEMORY, bench->memory, bench->n_memory}};
    return bench_keep(line, rows, 3, comm_library(), comm_hosts(bench->comm), arena);
}

static Error *under_mpi(const CommandLine *line, Arena *arena) {
    Comm *world;
    PASS(comm_begin(&world, arena));
    CommBench *bench = ARENA_NEW(arena, CommBench);
    *bench = (CommBench){.arena = arena,
                         .comm = world,
                         .seconds = bench_number(line, "--seconds", 1),
                         .json = command_option(line, "--json") != NULL};
    clock_utc(bench->utc);
    Error *error = comm_size(world) > 1
                       ? measure(bench, arena)
                       : error_hint(error_new(CODE_USAGE, "one rank has nobody to talk to"),
                                    "mpirun -n 2 batchlab bench comm");
    if (!error)
        error = keep(bench, line, arena);
    error = comm_agree(world, error);
    comm_finish(world);
    return error;
}

/* ---- alone: become mpirun */

static Error *become_mpirun(const CommandLine *line, Arena *arena) {
    double replicas = bench_number(line, "--replicas", 2);
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
    words[n++] = arena_print(arena, "%g", bench_number(line, "--seconds", 1));
    if (command_option(line, "--json"))
        words[n++] = "--json";
    if (command_option(line, "--results")) {
        words[n++] = "--results";
        words[n++] = command_option(line, "--results");
    }
    if (geteuid() == 0) {
        setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1);
        setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
    }
    execvp(words[0], (char *const *)words);
    return error_hint(error_new(CODE_MISSING, "cannot start mpirun: %s", strerror(errno)),
                      "`batchlab doctor` looks for it");
}

static Error *run_comm(const CommandLine *line, Arena *arena) {
    double seconds = bench_number(line, "--seconds", 1);
    if (!(seconds > 0 && seconds <= 1e4))
        return error_hint(error_new(CODE_USAGE, "--seconds is out of range"), "above 0, to 10000");
    return comm_launched() ? under_mpi(line, arena) : become_mpirun(line, arena);
}

BENCH_TYPE(comm) = {
    .kind = {.name = "comm", .summary = "sums over replicas by every collective, and messages"},
    .run = run_comm,
};
