/* Reading an HDF5 file that batchlab wrote: whole 1-D datasets and texts at the root. */
#ifndef LAB_STORE_H5_READ_H
#define LAB_STORE_H5_READ_H

#include "lab/store/h5_series.h"

typedef struct Hdf5Reader {
    hid_t file;
    const char *path;
} Hdf5Reader;

/* Errors: no such file (code 66), not an HDF5 file (code 74). */
Error *h5_read_begin(Hdf5Reader *out, const char *path);
void h5_read_end(Hdf5Reader *reader);

/* A text attribute of the root; NULL when there is none. */
const char *h5_read_text(const Hdf5Reader *reader, const char *name, Arena *arena);

/* Whether a file that is there can be opened and its root has this text attribute. */
bool h5_read_says(const char *path, const char *name, const char *value);

/* Fills `series->data`, dims[0] and n_dims of a series whose name (a path: "/sums/bytes") and type
 * are given, converted to int64_t, double or const char *. Error (code 74): it is not there, has
 * other dimensions or another kind of type. */
Error *h5_read_series(Series *series, const Hdf5Reader *reader, Arena *arena);

#endif
