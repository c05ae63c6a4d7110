/* Npy: numpy's file of one array, versions 1 to 3, little-endian, C order. Source of the format:
 * numpy.org/doc/stable/reference/generated/numpy.lib.format.html. */
#ifndef LAB_DATA_NPY_FILE_H
#define LAB_DATA_NPY_FILE_H

#include "lab/data/pairs.h"

/* Opens `path` and reads its header. Errors: 66 missing, 74 not npy, another type or order than can
 * be read, or a size that contradicts the header (expected and actual bytes). Its `close` ends it.
 */
Error *npy_open(PairArray *out, const char *path, Arena *arena);

#endif
