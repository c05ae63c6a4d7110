/* HDF5 files derived from journals (DESIGN 4). Written aside, fsynced, renamed. Any thread may call
 * these; they take turns at the library. */
#ifndef LAB_STORE_H5_H
#define LAB_STORE_H5_H

#include "lab/store/h5_tap.h"
#include "lab/store/run.h"

/* run.h5 of one run: the run's groups at the root. */
Error *h5_write_run(const RunRecord *run, const char *path);
/* The same file in memory, through a tap (NULL: as it is). */
Error *h5_image(uint8_t **out, size_t *n, const RunRecord *run, Hdf5Tap *tap, Arena *arena);
/* What a tap can say of that file, without the library. */
void h5_take_down(Hdf5Tap *tap, const RunRecord *run);

/* <experiment>.h5 in the making: every run under /runs/<run_id>, with the attribute `journal_mark`,
 * RunRecord's. */
typedef struct H5Gathered H5Gathered;
/* Begins with what the file at `path` holds, if this build wrote it and it can be read; with
 * nothing when it cannot, or when `path` is NULL. In the arena, which must not end before the file
 * has. */
H5Gathered *h5_gathered_new(const char *path, Arena *arena);
/* Takes a run in, unless it is there as its journal is now. */
void h5_gathered_add(H5Gathered *gathered, const RunRecord *run);
bool h5_gathered_holds(const H5Gathered *gathered, const char *run_id);
int64_t h5_gathered_bytes(const H5Gathered *gathered); /* of memory, about */
/* Brings the file up to date, so that it holds these runs and no other, writes it and ends it. */
Error *h5_gathered_write(H5Gathered *gathered, const RunRecord *runs, int n, const char *experiment,
                         const char *path);
void h5_gathered_end(H5Gathered *gathered); /* instead of writing it */

/* Whether a file holds these runs as they are now, written by this build. */
bool h5_is_current(const char *path, const RunRecord *runs, int n);
const char *h5_library(void); /* "1.10.8" */

#endif
