/* Between hosts: the nodes that every host is left with become the sum of all, over messages. One
 * rank a host takes part. */
#ifndef LAB_COMM_WIRE_H
#define LAB_COMM_WIRE_H

#include "lab/comm/collective.h"
#include "lab/comm/merge.h"

/* Up to this many bytes a message costs its latency, whatever its length, and sums go whole. */
enum { WIRE_SHORT_BYTES = 16384 };

typedef struct Wire Wire;

/* For sums of `reduction`, over the ranks of `comm`. */
Wire *wire_new(Comm *comm, const Reduction *reduction, Arena *arena);

/* *Collective* over the wire's ranks. `nodes` are this rank's, in shard order, and stay as they
 * are; `sum` (sum_bytes): `part` of the root, on every rank, once wire_end has returned. Short
 * parts go to all and every rank adds them; of long ones each rank adds a slice in tree order and
 * all gather the slices (reduce-scatter, all-gather). The gathering of one part goes on while the
 * next one is scattered: at most reduction->most_parts between two wire_end. */
void wire_sum(Wire *wire, const TreeNode *nodes, int n_nodes, SumPart part, void *sum);
void wire_end(Wire *wire); /* waits for all parts */

#endif
