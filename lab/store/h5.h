/* HDF5 files derived from journals (DESIGN 4). Written aside, fsynced, renamed. */
#ifndef LAB_STORE_H5_H
#define LAB_STORE_H5_H

#include "lab/store/run.h"

/* run.h5 of one run: the run's groups at the root. */
Error *h5_write_run(const RunRecord *run, const char *path);
/* <experiment>.h5: every run under /runs/<run_id>. */
Error *h5_write_all(const RunRecord *runs, int n, const char *experiment, const char *path);
/* Whether a file holds these runs as they are now, written by this build. */
bool h5_is_current(const char *path, const RunRecord *runs, int n);
const char *h5_library(void); /* "1.10.8" */

#endif
