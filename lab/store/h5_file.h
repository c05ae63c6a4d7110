/* An HDF5 file in the making. It is built in memory (core driver without a backing file) and
 * written as one block by io_write: aside, fsynced, renamed. So a full disk is an ordinary error of
 * ours; a failed write inside the HDF5 library would lose the file and crash the process at exit
 * (specs/platform.md C).
 *
 * The first error sticks and the later calls do nothing, so that a layout reads like its table;
 * h5_file_write returns it, with HDF5's own words. */
#ifndef LAB_STORE_H5_FILE_H
#define LAB_STORE_H5_FILE_H

#include "lab/base/arena.h"
#include "lab/base/error.h"

#include <hdf5.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Hdf5File {
    hid_t file; /* also its root group */
    hid_t group_properties, transfer;
    hid_t number_properties, text_properties; /* of datasets that are not chunked */
    hid_t space;                              /* of the last dataset, */
    int n_dims;                               /* of this shape */
    hsize_t dims[2];
    hid_t text_type; /* UTF-8, variable length */
    hid_t list_type; /* of DIMENSION_LIST: for each axis its scales */
    hid_t use_type;  /* of REFERENCE_LIST: where a scale is used */
    hid_t scalar;    /* a dataspace */
    Error *error;
} Hdf5File;

/* `growth_bytes`: how much the image in memory grows at a time. */
void h5_file_begin(Hdf5File *file, size_t growth_bytes);
hid_t h5_file_group(Hdf5File *file, hid_t parent, const char *name);
void h5_file_group_end(hid_t group);

/* Attributes; a NULL text becomes "none". */
void h5_file_text(Hdf5File *file, hid_t object, const char *name, const char *value);
void h5_file_whole(Hdf5File *file, hid_t object, const char *name, int64_t value);
void h5_file_seed(Hdf5File *file, hid_t object, const char *name, uint64_t value);
void h5_file_real(Hdf5File *file, hid_t object, const char *name, double value);

/* One dataset of 1 or 2 dimensions; zero rows are allowed. */
typedef struct Series {
    const char *name, *unit, *meaning;
    enum { SERIES_WHOLE, SERIES_REAL, SERIES_TEXT } type; /* int64_t, double, const char * */
    int n_dims;
    hsize_t dims[2];
    const void *data;
} Series;

/* Writes a dataset with `units` and `long_name`; NaN is a missing number. Close it with
 * h5_file_series_end. */
hid_t h5_file_series(Hdf5File *file, hid_t group, const Series *series);
void h5_file_series_end(hid_t dataset);
#define HDF5_FILE_DATASETS 24 /* of one group */
/* Makes scales[d], a dataset named names[d], the dimension scale of axis d of each of the `n` <=
 * HDF5_FILE_DATASETS datasets. */
void h5_file_attach(Hdf5File *file, const hid_t *scales, const char *const *names, int n_scales,
                    const hid_t *datasets, int n);

/* Closes everything; when there was no error, writes the file to `path`. */
Error *h5_file_write(Hdf5File *file, const char *path);

/* Whether a file that is there can be opened and its root has this text attribute. */
bool h5_file_says(const char *path, const char *name, const char *value);

#endif
