/* Dimension scales: what the axes of a dataset are. */
#ifndef LAB_STORE_H5_SCALE_H
#define LAB_STORE_H5_SCALE_H

#include "lab/store/h5_file.h"

#define HDF5_FILE_DATASETS 24 /* of one group */

/* Makes scales[d], a dataset named names[d], the dimension scale of axis d of each of the `n` <=
 * HDF5_FILE_DATASETS datasets. */
void h5_scale_attach(Hdf5File *file, const hid_t *scales, const char *const *names, int n_scales,
                     const hid_t *datasets, int n);

#endif
