/* Hdf5 arrays: one dataset of an HDF5 file as an array of examples; the only file of this room that
 * knows <hdf5.h> (notebooks/design: data of one's own). */
#ifndef LAB_DATA_HDF5_ARRAY_H
#define LAB_DATA_HDF5_ARRAY_H

#include "lab/data/pairs.h"

/* Opens dataset `name` of the file `path`. Errors: 66 no such file or dataset, 74 not HDF5, no
 * numbers, or less stored than its shape promises. Its `close` ends it, also after an error. */
Error *hdf5_open(PairArray *out, const char *path, const char *name, Arena *arena);

#endif
