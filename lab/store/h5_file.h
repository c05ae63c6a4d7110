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
#include "lab/store/h5_tap.h"

#include <hdf5.h>
#include <stdbool.h>
#include <stdint.h>

/* An entry of the attribute REFERENCE_LIST: this dataset uses the scale on that axis. */
typedef struct Hdf5ScaleUse {
    hobj_ref_t dataset;
    int32_t dimension;
} Hdf5ScaleUse;

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
    Hdf5Tap *tap;    /* between the calls and the library; NULL: nothing */
    Error *error;
} Hdf5File;

/* `growth_bytes`: how much the image in memory grows at a time. */
void h5_file_begin(Hdf5File *file, size_t growth_bytes);
/* Goes on with a copy of the file at `path` in memory. False when it cannot be opened; there is
 * nothing to end then. */
bool h5_file_open(Hdf5File *file, const char *path, size_t growth_bytes);
hid_t h5_file_group(Hdf5File *file, hid_t parent, const char *name);
void h5_file_group_end(hid_t group);
void h5_file_remove(Hdf5File *file, hid_t parent, const char *name);

/* Whether the library is not to be called: a tap takes everything down. */
static inline bool h5_file_is_dry(const Hdf5File *file) {
    return file->tap && !file->tap->instead;
}

hid_t h5_file_dataset_properties(bool numbers); /* for those that are not chunked */

/* Keeps the first failure, "HDF5 cannot <what> '<name>'"; returns `success`. */
bool h5_file_check(Hdf5File *file, bool success, const char *what, const char *name);

/* Attributes; a NULL text becomes "none". */
void h5_file_attribute(Hdf5File *file, hid_t object, const char *name, hid_t stored, hid_t type,
                       hid_t space, const void *value);
void h5_file_text(Hdf5File *file, hid_t object, const char *name, const char *value);
void h5_file_whole(Hdf5File *file, hid_t object, const char *name, int64_t value);
void h5_file_seed(Hdf5File *file, hid_t object, const char *name, uint64_t value);
void h5_file_real(Hdf5File *file, hid_t object, const char *name, double value);

bool h5_file_get_whole(hid_t object, const char *name, int64_t *value); /* false: not there */

/* Closes everything; when there was no error, the file is in the arena, or in `path`. */
Error *h5_file_image(uint8_t **out, size_t *n, Hdf5File *file, Arena *arena);
Error *h5_file_write(Hdf5File *file, const char *path);
void h5_file_end(Hdf5File *file); /* closes everything and writes nothing */

#endif
