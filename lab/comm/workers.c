#include "lab/comm/workers.h"

#include "lab/comm/mpi.h"
#include "lab/comm/tree.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

enum { TAG = 3 };

Workers *workers_new(Comm *comm, int n, Arena *arena) {
    assert(comm_size(comm) <= n);
    Workers *workers = ARENA_NEW(arena, Workers);
    int64_t first, last;
    tree_block(n, comm_size(comm), comm_rank(comm), &first, &last);
    *workers = (Workers){.comm = comm, .n = n, .first = (int)first, .last = (int)last};
    int64_t most = (int64_t)(comm_size(comm) + n) * (workers_own(workers) + 1);
    workers->requests = ARENA_ARRAY(arena, MPI_Request, most);
    workers->counts_at = ARENA_ARRAY(arena, int64_t, n + 1);
    for (int j = 0; j <= n; j++)
        workers->counts_at[j] = j * (int64_t)sizeof(int64_t);
    return workers;
}

void workers_reset(Workers *workers) {
    workers->sent_bytes = workers->worker_bytes = 0;
    workers->own_bytes = 0;
}

/* The workers of another rank. */
static void block_of(const Workers *workers, int rank, int *first, int *last) {
    int64_t a, b;
    tree_block(workers->n, comm_size(workers->comm), rank, &a, &b);
    *first = (int)a;
    *last = (int)b;
}

static MPI_Request *request_of(const Workers *workers, int i) {
    return (MPI_Request *)workers->requests + i;
}

static int receive(Workers *workers, void *to, int64_t bytes, int rank, int n) {
    assert(bytes <= INT_MAX);
    if (bytes == 0)
        return n;
    MPI_Irecv(to, (int)bytes, MPI_BYTE, rank, TAG, comm_handle(workers->comm),
              request_of(workers, n));
    return n + 1;
}

static int send(Workers *workers, const void *from, int64_t bytes, int rank, int n) {
    assert(bytes <= INT_MAX);
    if (bytes == 0)
        return n;
    workers->own_bytes += bytes;
    MPI_Isend(from, (int)bytes, MPI_BYTE, rank, TAG, comm_handle(workers->comm),
              request_of(workers, n));
    return n + 1;
}

static void finish(Workers *workers, int n) {
    if (n > 0)
        MPI_Waitall(n, request_of(workers, 0), MPI_STATUSES_IGNORE);
}

/* Messages of one rank to another keep their order: senders send worker after worker. */
void workers_scatter(Workers *workers, const char *out, const int64_t *at, char *in) {
    int size = comm_size(workers->comm), rank = comm_rank(workers->comm), n = 0, first, last;
    int64_t begin = at[workers->first], mine = at[workers->last] - begin, whole = at[workers->n];
    for (int from = 0; from < size; from++) {
        block_of(workers, from, &first, &last);
        for (int i = first; i < last && from != rank; i++)
            n = receive(workers, in + i * mine, mine, from, n);
        workers->sent_bytes += (double)(last - first) * (double)(whole - (at[last] - at[first]));
    }
    for (int i = 0; i < workers_own(workers); i++) {
        const char *message = out + i * whole;
        memcpy(in + (workers->first + i) * mine, message + begin, (size_t)mine);
        for (int step = 1; step < size; step++) {
            int to = (rank + step) % size;
            block_of(workers, to, &first, &last);
            n = send(workers, message + at[first], at[last] - at[first], to, n);
        }
    }
    finish(workers, n);
    workers->worker_bytes += (double)whole * (double)(workers->n - 1) / (double)workers->n;
}

void workers_gather(Workers *workers, char *all, const int64_t *at) {
    int size = comm_size(workers->comm), rank = comm_rank(workers->comm), n = 0, first, last;
    const char *mine = all + at[workers->first];
    int64_t bytes = at[workers->last] - at[workers->first];
    for (int step = 1; step < size; step++) {
        int from = (rank + size - step) % size, to = (rank + step) % size;
        block_of(workers, from, &first, &last);
        n = receive(workers, all + at[first], at[last] - at[first], from, n);
        n = send(workers, mine, bytes, to, n);
    }
    finish(workers, n);
    workers->sent_bytes += (double)at[workers->n] * (double)(size - 1);
    workers->worker_bytes += (double)at[workers->n] * (double)(workers->n - 1) / (double)workers->n;
}

void workers_share_counts(Workers *workers, int64_t *counts) {
    workers_gather(workers, (char *)counts, workers->counts_at);
}

/* Rows go one by one: a row may be as long as a message can be. */
static void move_rows(Workers *workers, char *rows, size_t bytes, bool collect) {
    int64_t tally = workers->own_bytes;
    int first, last, own = workers_own(workers), rank = comm_rank(workers->comm);
    for (int other = 1; other < comm_size(workers->comm) && bytes > 0; other++) {
        block_of(workers, other, &first, &last);
        for (int i = first; i < last; i++) {
            int n = 0;
            char *here = rank == 0 ? rows + (size_t)i * bytes : rows + (size_t)(i - first) * bytes;
            if (rank == 0)
                n = collect ? receive(workers, here, (int64_t)bytes, other, 0)
                            : send(workers, here, (int64_t)bytes, other, 0);
            else if (rank == other && i - first < own)
                n = collect ? send(workers, here, (int64_t)bytes, 0, 0)
                            : receive(workers, here, (int64_t)bytes, 0, 0);
            finish(workers, n);
        }
    }
    workers->own_bytes = tally;
}

void workers_collect(Workers *workers, void *rows, size_t bytes) {
    move_rows(workers, rows, bytes, true);
}

void workers_deal(Workers *workers, void *rows, size_t bytes) {
    move_rows(workers, rows, bytes, false);
}

void workers_tree_sum(real *rows, int n_rows, int64_t stride, int64_t n) {
    for (int step = 1; step < n_rows; step *= 2)
        for (int i = 0; i + step < n_rows; i += 2 * step) {
            real *to = rows + i * stride;
            const real *from = rows + (i + step) * stride;
            for (int64_t j = 0; j < n; j++)
                to[j] += from[j];
        }
}
