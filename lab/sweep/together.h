/* Together: ranks that prepare the same thing from the same data, which a host holds once. */
#ifndef LAB_SWEEP_TOGETHER_H
#define LAB_SWEEP_TOGETHER_H

#include "lab/comm/comm.h"
#include "lab/data/shelf.h"

/* Reads and checks what a rank needs, the datasets through the shelf; calls no collective. */
typedef Error *TogetherPrepare(void *self, Shelf *shelf);

/* *Collective*: the first rank of every host prepares, with what it finds at `from` (the place of
 * a shelf, "" or NULL); then the host's others do, with what the first one has. All ranks fail
 * together. What was prepared is valid until `arena` ends. */
Error *together_prepare(Comm *comm, const char *from, TogetherPrepare *prepare, void *self,
                        Arena *arena);

#endif
