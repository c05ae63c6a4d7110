/* Ranks that share a trial. The only room that knows MPI; a Comm of one rank needs no MPI at all.
 */
#ifndef LAB_COMM_COMM_H
#define LAB_COMM_COMM_H

#include "lab/base/arena.h"
#include "lab/base/error.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct Comm Comm;

/* One rank, without MPI. */
Comm *comm_alone(Arena *arena);

/* True when the environment says that an MPI launcher started this process (Open MPI, PMIx, PMI).
 */
bool comm_launched(void);

/* *Collective* over all started ranks: MPI_Init_thread and the world. */
Error *comm_begin(Comm **out, Arena *arena);
void comm_finish(Comm *world); /* *Collective*: MPI_Finalize */

/* *Collective* over `parent`: ranks with the same color form a group, ordered by rank. color < 0:
 * no group (NULL). */
Error *comm_split(Comm **out, Comm *parent, int color, Arena *arena);

/* *Collective*: the same ranks, as if every `ranks_per_host` neighbours were on a host of their
 * own: for tests and cost studies on one machine. */
Error *comm_pretend_hosts(Comm **out, Comm *parent, int ranks_per_host, Arena *arena);

int comm_rank(const Comm *comm);
int comm_size(const Comm *comm);
/* Hosts the ranks are on. What shares memory is one host; MPI's launcher says who does. */
int comm_hosts(const Comm *comm);
int comm_local_rank(const Comm *comm); /* among the group's ranks of this host */
int comm_local_size(const Comm *comm);
/* *Collective*: hosts (size) gets how many hosts the first 1, 2, ... size ranks are on. */
void comm_spans(int *hosts, Comm *comm);
/* The first rank of every host, as a group of its own; NULL on all other ranks. */
Comm *comm_leaders(const Comm *comm);

/* *Collective*: all ranks fail together. Returns NULL when no rank has an error; else every rank
 * gets one (its own, or the text and code of the lowest failing rank). */
Error *comm_agree(Comm *comm, Error *mine);

void comm_bcast(Comm *comm, void *bytes, size_t n); /* *Collective*, from rank 0 */
/* *Collective*: on every host from its first rank to its others. */
void comm_bcast_host(Comm *comm, void *bytes, size_t n);
/* *Collective*: every element is non-zero on at most one rank; afterwards all ranks have all
 * elements. Exact. */
void comm_share(Comm *comm, double *x, int64_t n);
void comm_gather(Comm *comm, const void *mine, size_t n,
                 void *all); /* *Collective*: (size, n) bytes on rank 0 */

const char *comm_library(void); /* "Open MPI 4.1.4", "none" */

#endif
