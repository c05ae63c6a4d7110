/* Logical workers (DESIGN 1): W of them, in contiguous blocks on R <= W ranks, and the messages
 * between them. Which messages there are depends on W alone; those between two workers of one rank
 * need no sending, and only the tally of bytes knows R. */
#ifndef LAB_COMM_WORKERS_H
#define LAB_COMM_WORKERS_H

#include "lab/base/real.h"
#include "lab/comm/comm.h"

typedef struct Workers {
    Comm *comm;
    int n;           /* W */
    int first, last; /* this rank's: [first, last) */
    /* Bytes since workers_reset. */
    double sent_bytes;   /* between ranks, all ranks together */
    double worker_bytes; /* of the mean worker, were every worker a rank of its own */
    int64_t own_bytes;   /* what this rank has given to MPI */
    void *requests;
    int64_t *counts_at; /* (W + 1) */
} Workers;

/* At most as many ranks as workers. */
Workers *workers_new(Comm *comm, int n, Arena *arena);

static inline int workers_own(const Workers *workers) {
    return workers->last - workers->first;
}

void workers_reset(Workers *workers);

/* *Collective*: every worker has a message for every other. at (W + 1): the message for worker j
 * stands at bytes [at[j], at[j+1]), for all senders alike. out (own, at[W]) as this rank's workers
 * write them; in (W, at[last] - at[first]): row i is what worker i has for this rank's workers. */
void workers_scatter(Workers *workers, const char *out, const int64_t *at, char *in);

/* *Collective*: worker j has written bytes [at[j], at[j+1]) of `all`; afterwards every rank has all
 * of them. */
void workers_gather(Workers *workers, char *all, const int64_t *at);

/* *Collective*: every rank has set counts (W) of its own workers; afterwards it has all. */
void workers_share_counts(Workers *workers, int64_t *counts);

/* *Collective*, and not tallied: rows of `bytes`, one a worker. Rank 0's `rows` are (W, bytes),
 * the others' (own, bytes). collect: to rank 0; deal: from there. */
void workers_collect(Workers *workers, void *rows, size_t bytes);
void workers_deal(Workers *workers, void *rows, size_t bytes);

/* x[0..n) = the sum of n_rows rows in the canonical tree; rows are overwritten. `stride` is from
 * row to row. */
void workers_tree_sum(real *rows, int n_rows, int64_t stride, int64_t n);

#endif
