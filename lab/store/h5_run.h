/* The layout of a run in HDF5 (DESIGN 4). */
#ifndef LAB_STORE_H5_RUN_H
#define LAB_STORE_H5_RUN_H

#include "lab/store/h5_file.h"
#include "lab/store/run.h"

/* Puts a run's attributes, groups and datasets into `group`, which holds none of them. */
void h5_run_add(Hdf5File *file, hid_t group, const RunRecord *run);

#endif
