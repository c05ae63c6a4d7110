/* Memory that the ranks of one host share, and how they wait for each other in it. A store before
 * shared_wait is seen by every rank of the host after it. */
#ifndef LAB_COMM_SHARED_H
#define LAB_COMM_SHARED_H

#include "lab/comm/comm.h"

#include <stdatomic.h>

typedef struct Shared Shared;

/* *Collective* over `comm`. Every rank gives `bytes` (its own number) of zeroed memory, aligned to
 * 64, that all ranks of its host can reach. *out = NULL on every rank of a host that has one rank
 * of `comm` only, or whose memory is too small for it (a container's /dev/shm): said once, with
 * what happens `instead`, not an error. */
Error *shared_new(Shared **out, Comm *comm, size_t bytes, const char *instead, Arena *arena);
void shared_end(Shared *shared); /* *Collective* over the host's ranks; NULL is allowed */

int shared_size(const Shared *shared); /* ranks of this host */
int shared_rank(const Shared *shared); /* this one's place among them, in the order of `comm` */
void *shared_memory(const Shared *shared, int rank);

/* *Collective* over the host's ranks: returns when all have come. Waits by looking, and gives the
 * core away while others need it; with *nap (NULL: false) it sleeps between looks. */
void shared_wait(Shared *shared, const atomic_bool *nap);

#endif
