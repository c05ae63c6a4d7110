#include "lab/data/hdf5_array.h"

#include <hdf5.h>
#include <stdio.h>

typedef struct {
    hid_t file, set, type, space;
    int64_t next; /* example */
} Handle;

typedef struct {
    char text[256];
} Message;

static herr_t first_message(unsigned n, const H5E_error2_t *entry, void *message) {
    if (n == 0)
        snprintf(((Message *)message)->text, sizeof(Message), "%s", entry->desc);
    return 0;
}

/* With the library's own words. */
static Error *failed(const char *what, const char *path) {
    Message message = {"unknown reason"};
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, first_message, &message);
    return error_new(CODE_IO, "HDF5 cannot %s '%s': %s", what, path, message.text);
}

static Error *open_file(Handle *handle, const char *path) {
    htri_t is_hdf5 = H5Fis_hdf5(path);
    if (is_hdf5 <= 0)
        return error_hint(error_new(CODE_IO, "'%s' is not an HDF5 file", path),
                          "h5py.File(path, 'w') or MATLAB's -v7.3 write one; is it empty, or only "
                          "partly copied?");
    handle->file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (handle->file < 0)
        return error_hint(failed("open", path),
                          "the file is damaged, only partly copied, or still being written");
    return NULL;
}

/* "a, b, c": what stands in the file's root. */
static void list_names(char *text, size_t room, hid_t file) {
    H5G_info_t root;
    size_t used = 0;
    text[0] = '\0';
    if (H5Gget_info(file, &root) < 0)
        return;
    for (hsize_t i = 0; i < root.nlinks && used + 1 < room; i++) {
        char name[64];
        if (H5Lget_name_by_idx(file, ".", H5_INDEX_NAME, H5_ITER_INC, i, name, sizeof name,
                               H5P_DEFAULT) < 0)
            return;
        int n = snprintf(text + used, room - used, "%s%s", used ? ", " : "", name);
        used += n > 0 ? (size_t)n : 0;
    }
}

static Error *open_set(Handle *handle, const char *path, const char *name) {
    handle->set = H5Dopen2(handle->file, name, H5P_DEFAULT);
    if (handle->set >= 0)
        return NULL;
    char names[256];
    list_names(names, sizeof names, handle->file);
    return error_hint(error_new(CODE_MISSING, "there is no dataset '%s' in '%s'", name, path),
                      "its root holds: %s; trial.dataset.x and y name the two",
                      names[0] ? names : "nothing");
}

static Error *read_type(PairArray *array, Handle *handle) {
    handle->type = H5Dget_type(handle->set);
    H5T_class_t class = H5Tget_class(handle->type);
    if (class != H5T_FLOAT && class != H5T_INTEGER)
        return error_hint(error_new(CODE_IO, "'%s' holds no numbers", array->path),
                          "x and y are datasets of floats or integers, not of records or texts");
    bool byte = class == H5T_INTEGER && H5Tget_size(handle->type) == 1 &&
                H5Tget_sign(handle->type) == H5T_SGN_NONE;
    array->type = class == H5T_FLOAT ? PAIR_FLOATS : byte ? PAIR_BYTES : PAIR_WHOLE;
    return NULL;
}

/* A dataset may have a shape without anything stored, and then reads as zeros; and deflate shrinks
 * nothing more than about 1032 times. */
static Error *check_stored(const PairArray *array, const Handle *handle) {
    double promised = (double)H5Tget_size(handle->type);
    for (int d = 0; d < array->n_dims; d++)
        promised *= (double)array->dims[d];
    double stored = (double)H5Dget_storage_size(handle->set);
    if (1032 * stored >= promised)
        return NULL;
    return error_hint(error_new(CODE_IO, "'%s' promises %.0f bytes, but the file stores %.0f",
                                array->path, promised, stored),
                      "was it made, but never filled?");
}

static Error *read_shape(PairArray *array, Handle *handle) {
    hsize_t dims[H5S_MAX_RANK];
    handle->space = H5Dget_space(handle->set);
    array->n_dims = H5Sget_simple_extent_dims(handle->space, dims, NULL);
    if (array->n_dims < 0 || array->n_dims > PAIR_DIMS)
        return error_hint(error_new(CODE_IO, "'%s' has %d dimensions", array->path, array->n_dims),
                          "at most %d dimensions are legal", PAIR_DIMS);
    for (int d = 0; d < array->n_dims; d++)
        array->dims[d] = dims[d] > INT64_MAX ? INT64_MAX : (int64_t)dims[d];
    return check_stored(array, handle);
}

static Error *hdf5_read(PairArray *array, void *out, int as, int64_t n) {
    Handle *handle = array->handle;
    hsize_t first[PAIR_DIMS] = {(hsize_t)handle->next}, count[PAIR_DIMS] = {(hsize_t)n};
    for (int d = 1; d < array->n_dims; d++)
        count[d] = (hsize_t)array->dims[d];
    hid_t type = as == PAIR_BYTES    ? H5T_NATIVE_UINT8
                 : as == PAIR_FLOATS ? H5T_NATIVE_FLOAT
                                     : H5T_NATIVE_INT64;
    hid_t memory = H5Screate_simple(array->n_dims, count, NULL);
    H5Sselect_hyperslab(handle->space, H5S_SELECT_SET, first, NULL, count, NULL);
    herr_t status = H5Dread(handle->set, type, memory, handle->space, H5P_DEFAULT, out);
    Error *error = status < 0 ? error_hint(failed("read", array->path),
                                           "is it damaged, or compressed by a filter that HDF5 "
                                           "itself lacks (lzf)? gzip can be read")
                              : NULL;
    H5Sclose(memory);
    handle->next += n;
    return error;
}

static void hdf5_close(PairArray *array) {
    Handle *handle = array->handle;
    if (handle->space >= 0)
        H5Sclose(handle->space);
    if (handle->type >= 0)
        H5Tclose(handle->type);
    if (handle->set >= 0)
        H5Dclose(handle->set);
    if (handle->file >= 0)
        H5Fclose(handle->file);
}

Error *hdf5_open(PairArray *out, const char *path, const char *name, Arena *arena) {
    Handle *handle = ARENA_NEW(arena, Handle);
    *handle = (Handle){H5I_INVALID_HID, H5I_INVALID_HID, H5I_INVALID_HID, H5I_INVALID_HID, 0};
    *out = (PairArray){.path = arena_print(arena, "%s:%s", path, name),
                       .read = hdf5_read,
                       .close = hdf5_close,
                       .handle = handle};
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* its messages go into our errors, not to stderr */
    PASS(open_file(handle, path));
    PASS(open_set(handle, path, name));
    PASS(read_type(out, handle));
    return read_shape(out, handle);
}
