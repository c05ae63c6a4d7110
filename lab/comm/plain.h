/* What the collectives outside the contract share: one vector a rank, exchanged in ranges. The
 * doubles, which are few, always go by MPI_Allreduce. */
#ifndef LAB_COMM_PLAIN_H
#define LAB_COMM_PLAIN_H

#include "lab/comm/collective.h"

typedef struct Range { /* of floats */
    int64_t first, last;
} Range;

typedef struct Plain {
    Comm *comm;
    float *x; /* (n) this rank's vector, then the sum */
    int64_t n;
    float *room; /* (n) for what comes in */
} Plain;

enum { PLAIN_NOBODY = -1 };
typedef enum { PLAIN_ADD, PLAIN_REPLACE } PlainMode;

void plain_init(Plain *plain, Reduction *reduction);
Error *plain_open(Reduction *reduction, int n_buffers); /* of a CollectiveType */

/* Adds this rank's nodes up into plain->x, and the doubles over all ranks. Returns the buffer. */
const void *plain_add_up(Plain *plain, Reduction *reduction, TreeNode *nodes, int n_nodes);

/* Floats of part `part` of `parts`. */
Range plain_part(const Plain *plain, int part, int parts);

/* Sends x[out] to rank `to` while x[in] comes from rank `from`, and is added or replaced. */
void plain_exchange(Plain *plain, int to, Range out, int from, Range in, PlainMode mode);

#endif
