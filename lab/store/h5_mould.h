/* Moulds: run.h5 of short runs without the library's work for each. It makes the first file of a
 * shape, from values that can be found again in it; every later one is that file with other values
 * in their places. Nothing here knows the format: the bytes are the library's. */
#ifndef LAB_STORE_H5_MOULD_H
#define LAB_STORE_H5_MOULD_H

#include "lab/store/run.h"

typedef struct H5Moulds H5Moulds;

/* For one thread at a time. */
H5Moulds *h5_moulds_new(Arena *arena);

/* Writes the bytes that h5_write_run writes. Errors: those of h5_write_run. */
Error *h5_moulds_write(H5Moulds *moulds, const RunRecord *run, const char *path);
int h5_moulds_count(const H5Moulds *moulds); /* shapes so far; 0 when moulds do not work here */

#endif
