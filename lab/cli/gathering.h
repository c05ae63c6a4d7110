/* Gathering: the HDF5 files of a results folder, brought up to date with its journals. */
#ifndef LAB_CLI_GATHERING_H
#define LAB_CLI_GATHERING_H

#include "lab/store/run.h"

typedef struct Gathering Gathering;

/* <folder>/<name>.h5. In the arena, which must not end before gathering_end. */
Gathering *gathering_new(const char *folder, const char *name, Arena *arena);

/* A run has ended: a thread takes it in, in time that nobody else wants, if its journal is short
 * and as long as little memory holds it all. */
void gathering_see(Gathering *gathering, const char *run_id);
/* Returns when the thread does nothing, and nothing is left to it: what it did not come to is done
 * at the end. */
void gathering_pause(Gathering *gathering);

/* Writes <experiment>.h5 with these runs, unless it holds them already, and the run.h5 of finished
 * runs that lack it. With `each` all of them anew. */
Error *gathering_finish(Gathering *gathering, const RunRecord *runs, int n, bool each);
void gathering_end(Gathering *gathering);

#endif
