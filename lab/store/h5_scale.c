/* Dimension scales, as H5DSset_scale and H5DSattach_scale leave them (HDF5 Dimension Scale
 * Specification). Those read and rewrite the scale's list of references at each call: half the time
 * of gathering 2,000 runs. */
#include "lab/store/h5_scale.h"

#include <assert.h>
#include <string.h>

static hobj_ref_t reference(Hdf5File *file, hid_t object, const char *name) {
    hobj_ref_t out = 0;
    h5_file_check(file, H5Rcreate(&out, object, ".", H5R_OBJECT, -1) >= 0, "refer to", name);
    return out;
}

static void add_short_text(Hdf5File *file, hid_t object, const char *name, const char *value) {
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, strlen(value) + 1);
    h5_file_attribute(file, object, name, type, type, file->scalar, value);
    H5Tclose(type);
}

static void make_scale(Hdf5File *file, hid_t scale, const char *name, int dimension,
                       const hobj_ref_t *users, int n) {
    Hdf5ScaleUse uses[HDF5_FILE_DATASETS];
    for (int i = 0; i < n; i++)
        uses[i] = (Hdf5ScaleUse){users[i], dimension};
    add_short_text(file, scale, "CLASS", "DIMENSION_SCALE");
    add_short_text(file, scale, "NAME", name);
    hid_t space = H5Screate_simple(1, (const hsize_t[]){(hsize_t)n}, NULL);
    h5_file_attribute(file, scale, "REFERENCE_LIST", file->use_type, file->use_type, space, uses);
    H5Sclose(space);
}

void h5_scale_attach(Hdf5File *file, const hid_t *scales, const char *const *names, int n_scales,
                     const hid_t *datasets, int n) {
    assert(n_scales <= 2 && n <= HDF5_FILE_DATASETS);
    hobj_ref_t axis[2], users[HDF5_FILE_DATASETS];
    if (file->tap)
        h5_tap_shape(file->tap, "scales", &n, sizeof n);
    if (h5_file_is_dry(file))
        return;
    for (int d = 0; d < n_scales && !file->error; d++)
        axis[d] = reference(file, scales[d], names[d]);
    for (int i = 0; i < n && !file->error; i++)
        users[i] = reference(file, datasets[i], "a dataset");
    if (file->error)
        return;
    for (int d = 0; d < n_scales; d++)
        make_scale(file, scales[d], names[d], d, users, n);
    hid_t space = H5Screate_simple(1, (const hsize_t[]){(hsize_t)n_scales}, NULL);
    hvl_t lists[2] = {{1, &axis[0]}, {1, &axis[1]}}; /* one scale an axis */
    for (int i = 0; i < n; i++)
        h5_file_attribute(file, datasets[i], "DIMENSION_LIST", file->list_type, file->list_type,
                          space, lists);
    H5Sclose(space);
}
