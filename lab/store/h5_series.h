/* Datasets with their labels. */
#ifndef LAB_STORE_H5_SERIES_H
#define LAB_STORE_H5_SERIES_H

#include "lab/store/h5_file.h"

/* One dataset of 1 or 2 dimensions; zero rows are allowed. */
typedef struct Series {
    const char *name, *unit, *meaning;
    enum { SERIES_WHOLE, SERIES_REAL, SERIES_TEXT } type; /* int64_t, double, const char * */
    int n_dims;
    hsize_t dims[2];
    const void *data;
} Series;

/* Writes a dataset with `units` and `long_name`; NaN is a missing number. Close it with
 * h5_series_end. */
hid_t h5_series_add(Hdf5File *file, hid_t group, const Series *series);
void h5_series_end(hid_t dataset);

#endif
