/* The HDF5 library's judgement of a file: the only place that calls it. */
#ifndef LAB_STORE_H5_CHECK_H
#define LAB_STORE_H5_CHECK_H

#include "lab/base/error.h"

const char *h5_library(void); /* "1.10.8" */

/* Opens every object of a file, reads every attribute and dataset. *n_objects counts them. Errors:
 * what the library cannot read, in its own words. */
Error *h5_check(const char *path, int *n_objects);

#endif
