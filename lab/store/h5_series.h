/* Datasets of an HDF5 file in the making, and the dimension scales of their axes. */
#ifndef LAB_STORE_H5_SERIES_H
#define LAB_STORE_H5_SERIES_H

#include "lab/store/h5_file.h"

/* One dataset of 1 or 2 dimensions; zero rows are allowed. */
typedef struct Series {
    const char *name, *unit, *meaning;
    enum { SERIES_WHOLE, SERIES_REAL, SERIES_TEXT } type; /* int64_t, double, const char * */
    int n_dims;
    uint64_t dims[2];
    const void *data;
} Series;

#define HDF5_DATASETS 32 /* most of one group */

/* The datasets of one group, until they know each other's addresses. */
typedef struct Hdf5Datasets {
    Hdf5File *file;
    int n, n_scales; /* the scales come first, one an axis */
    struct {
        Hdf5Object *object;
        const char *name;
        int n_dims;
    } at[HDF5_DATASETS];
} Hdf5Datasets;

/* Writes the data of one more dataset, with the attributes `units`, `long_name` and, for
 * SERIES_REAL, `_FillValue` NaN. */
void h5_series_add(Hdf5Datasets *datasets, const Series *series);
/* Writes the headers and links them into `group`. The first n_scales datasets become the dimension
 * scales of the axes of the others. */
void h5_series_end(Hdf5Datasets *datasets, Hdf5Object *group);

#endif
