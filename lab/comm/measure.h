/* What communication costs between the ranks of a group: for benchmarks and calibration. All
 * functions are *collective*, and every rank returns the same numbers. */
#ifndef LAB_COMM_MEASURE_H
#define LAB_COMM_MEASURE_H

#include "lab/comm/collective.h"

/* A way to sum a vector over all ranks. */
typedef enum { WAY_COLLECTIVE, WAY_MPI_COPY, WAY_MPI_IN_PLACE } WayKind;
typedef struct Way {
    WayKind kind;
    const CollectiveType *collective; /* of WAY_COLLECTIVE */
} Way;

/* Seconds of one sum of `n_floats` over the ranks of `comm` by each of `ways` (n_ways), one vector
 * a rank: medians over rounds in which the ways take turns, each round as long as its slowest rank.
 * Rounds go on for about `seconds` and at least five. WAY_MPI_COPY and WAY_MPI_IN_PLACE are
 * MPI_Allreduce alone. */
Error *measure_sums(double *out, Comm *comm, const Way *ways, int n_ways, int64_t n_floats,
                    double seconds, Arena *arena);

#define MEASURE_MESSAGES_MAX 64
/* `messages` of `bytes` each from rank 0 to rank `other`, all under way at once, until the last one
 * is there: half of there and back, median. */
double measure_message_s(Comm *comm, int other, int64_t bytes, int messages, double seconds,
                         Arena *arena);

/* A message of `bytes` from rank 0 to rank `other` and one back at the same time, until both are
 * there, median. On many networks it takes longer than one alone, and sums always go both ways. */
double measure_exchange_s(Comm *comm, int other, int64_t bytes, double seconds, Arena *arena);

/* Bytes a second of a = b + s c, the first `ranks` of `comm` on vectors of their own at the same
 * time, 12 bytes an element: the sum over those of this host. */
double measure_triad_bytes_s(Comm *comm, int ranks, double seconds, Arena *arena);

#endif
