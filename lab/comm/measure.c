#include "lab/comm/measure.h"

#include "lab/base/clock.h"
#include "lab/base/stats.h"
#include "lab/base/vec.h"
#include "lab/comm/mpi.h"

#include <assert.h>
#include <string.h>

enum { MIN_ROUNDS = 5, MAX_ROUNDS = 2000, WARM_ROUNDS = 2, TAG = 3 };

/* As long as the slowest rank took. */
static double slowest(Comm *comm, double seconds) {
    if (comm_size(comm) > 1)
        MPI_Allreduce(MPI_IN_PLACE, &seconds, 1, MPI_DOUBLE, MPI_MAX, comm_handle(comm));
    return seconds;
}

static void together(Comm *comm) {
    if (comm_size(comm) > 1)
        MPI_Barrier(comm_handle(comm));
}

/* Rank 0 decides for all whether there is time for another round. */
static bool go_on(Comm *comm, int round, double end_s) {
    char more =
        round < MIN_ROUNDS + WARM_ROUNDS || (round < MAX_ROUNDS + WARM_ROUNDS && clock_s() < end_s);
    comm_bcast(comm, &more, 1);
    return more;
}

typedef struct Summing { /* one way with its buffers */
    Way way;
    Reduction reduction;
    void *mine;
    float *in, *out;
} Summing;

static Error *summing_new(Summing *summing, Way way, Comm *comm, int64_t n, Arena *arena) {
    *summing = (Summing){.way = way};
    if (way.kind != WAY_COLLECTIVE) {
        summing->in = ARENA_ARRAY(arena, float, n);
        summing->out = ARENA_ARRAY(arena, float, n);
        return NULL;
    }
    summing->reduction = (Reduction){.comm = comm,
                                     .type = way.collective,
                                     .shape = {1, n},
                                     .arena = arena,
                                     .n_shards = comm_size(comm),
                                     .threads = 1};
    PASS(way.collective->open(&summing->reduction, 1));
    summing->mine = way.collective->buffer(&summing->reduction, 0);
    memset(summing->mine, 0,
           sum_bytes(&summing->reduction.shape)); /* pages that are really there */
    return NULL;
}

static Error *sum_once(Summing *summing, Comm *comm, int64_t n) {
    if (summing->way.kind == WAY_COLLECTIVE) {
        TreeNode node = {.level = 0, .index = comm_rank(comm), .data = summing->mine};
        const void *sum;
        return summing->way.collective->reduce(&summing->reduction, &node, 1, &sum);
    }
    bool in_place = summing->way.kind == WAY_MPI_IN_PLACE;
    if (comm_size(comm) > 1)
        MPI_Allreduce(in_place ? MPI_IN_PLACE : summing->in, summing->out, (int)n, MPI_FLOAT,
                      MPI_SUM, comm_handle(comm));
    return NULL;
}

Error *measure_sums(double *out, Comm *comm, const Way *ways, int n_ways, int64_t n_floats,
                    double seconds, Arena *arena) {
    Summing *summing = ARENA_ARRAY(arena, Summing, n_ways);
    double *time = ARENA_ARRAY(arena, double, n_ways *(MAX_ROUNDS + WARM_ROUNDS));
    for (int i = 0; i < n_ways; i++)
        PASS(summing_new(&summing[i], ways[i], comm, n_floats, arena));
    int round = 0;
    Error *error = NULL;
    for (double end = clock_s() + seconds; !error && go_on(comm, round, end); round++)
        for (int i = 0; i < n_ways && !error; i++) {
            together(comm);
            double start = clock_s();
            error = sum_once(&summing[i], comm, n_floats);
            time[i * (MAX_ROUNDS + WARM_ROUNDS) + round] = slowest(comm, clock_s() - start);
        }
    for (int i = 0; i < n_ways; i++) {
        out[i] =
            stats_median(time + i * (MAX_ROUNDS + WARM_ROUNDS) + WARM_ROUNDS, round - WARM_ROUNDS);
        if (ways[i].kind == WAY_COLLECTIVE)
            ways[i].collective->close(&summing[i].reduction);
    }
    return error;
}

/* A pile of messages of `bytes` to a rank, or from it. */
static void send_pile(char *data, int64_t bytes, int messages, int to, MPI_Comm handle) {
    MPI_Request request[MEASURE_MESSAGES_MAX];
    for (int i = 0; i < messages; i++)
        MPI_Isend(data + i * bytes, (int)bytes, MPI_BYTE, to, TAG, handle, &request[i]);
    MPI_Waitall(messages, request, MPI_STATUSES_IGNORE);
}

static void receive_pile(char *data, int64_t bytes, int messages, int from, MPI_Comm handle) {
    MPI_Request request[MEASURE_MESSAGES_MAX];
    for (int i = 0; i < messages; i++)
        MPI_Irecv(data + i * bytes, (int)bytes, MPI_BYTE, from, TAG, handle, &request[i]);
    MPI_Waitall(messages, request, MPI_STATUSES_IGNORE);
}

double measure_message_s(Comm *comm, int other, int64_t bytes, int messages, double seconds,
                         Arena *arena) {
    assert(messages >= 1 && messages <= MEASURE_MESSAGES_MAX);
    double *time = ARENA_ARRAY(arena, double, MAX_ROUNDS + WARM_ROUNDS);
    char *data = arena_alloc(arena, (size_t)(bytes * messages));
    MPI_Comm handle = comm_handle(comm);
    int rank = comm_rank(comm), round = 0;
    for (double end = clock_s() + seconds; go_on(comm, round, end); round++) {
        double start = clock_s();
        if (rank == 0) {
            send_pile(data, bytes, messages, other, handle);
            receive_pile(data, bytes, messages, other, handle);
        } else if (rank == other) {
            receive_pile(data, bytes, messages, 0, handle);
            send_pile(data, bytes, messages, 0, handle);
        }
        time[round] = (clock_s() - start) / 2;
    }
    double median = stats_median(time + WARM_ROUNDS, round - WARM_ROUNDS);
    comm_bcast(comm, &median, sizeof median);
    return median;
}

double measure_exchange_s(Comm *comm, int other, int64_t bytes, double seconds, Arena *arena) {
    double *time = ARENA_ARRAY(arena, double, MAX_ROUNDS + WARM_ROUNDS);
    char *out = arena_alloc(arena, (size_t)bytes), *in = arena_alloc(arena, (size_t)bytes);
    MPI_Comm handle = comm_handle(comm);
    int rank = comm_rank(comm), round = 0, to = rank == 0 ? other : 0;
    for (double end = clock_s() + seconds; go_on(comm, round, end); round++) {
        together(comm);
        double start = clock_s();
        if (rank == 0 || rank == other)
            MPI_Sendrecv(out, (int)bytes, MPI_BYTE, to, TAG, in, (int)bytes, MPI_BYTE, to, TAG,
                         handle, MPI_STATUS_IGNORE);
        time[round] = slowest(comm, clock_s() - start);
    }
    return stats_median(time + WARM_ROUNDS, round - WARM_ROUNDS);
}

VEC_CLONES
static void triad(float *a, const float *b, const float *c, float s, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        a[i] = b[i] + s * c[i];
}

double measure_triad_bytes_s(Comm *comm, int ranks, double seconds, Arena *arena) {
    enum { N = 8 << 20 };
    bool works = comm_rank(comm) < ranks;
    int first = comm_rank(comm) - comm_local_rank(comm), here = ranks - first;
    float *a = ARENA_ARRAY(arena, float, N), *b = ARENA_ARRAY(arena, float, N),
          *c = ARENA_ARRAY(arena, float, N);
    for (int i = 0; i < N; i++)
        b[i] = c[i] = 1;
    double *time = ARENA_ARRAY(arena, double, MAX_ROUNDS + WARM_ROUNDS);
    int round = 0;
    for (double end = clock_s() + seconds; go_on(comm, round, end); round++) {
        together(comm);
        double start = clock_s();
        if (works)
            triad(a, b, c, 0.5f, N);
        time[round] = slowest(comm, clock_s() - start);
    }
    double median = stats_median(time + WARM_ROUNDS, round - WARM_ROUNDS);
    here = here < comm_local_size(comm) ? here : comm_local_size(comm);
    return here * 12.0 * N / median;
}
