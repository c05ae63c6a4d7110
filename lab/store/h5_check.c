#include "lab/store/h5_check.h"

#include "lab/base/arena.h"

#include <hdf5.h>
#include <stdio.h>

#define TEXT_OF_(x) #x
#define TEXT_OF(x) TEXT_OF_(x)

const char *h5_library(void) {
    return TEXT_OF(H5_VERS_MAJOR) "." TEXT_OF(H5_VERS_MINOR) "." TEXT_OF(H5_VERS_RELEASE);
}

/* The innermost message of the library's stack. */
static herr_t first_message(unsigned n, const H5E_error2_t *entry, void *message) {
    if (n == 0)
        snprintf(message, 256, "%s: %s", entry->func_name, entry->desc);
    return 0;
}

static Error *library_error(const char *what, const char *name) {
    char message[256] = "unknown reason";
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, first_message, message);
    return error_new(CODE_IO, "the HDF5 library cannot read %s '%s': %s", what, name, message);
}

/* Room for `n` values of a type, variable-length ones as pointers. */
static void *room_for(hid_t type, hssize_t n, Arena *arena) {
    return arena_alloc(arena, H5Tget_size(type) * (size_t)(n > 0 ? n : 1));
}

typedef struct Walk {
    int n_objects;
    Error *error;
} Walk;

static herr_t read_attribute(hid_t object, const char *name, const H5A_info_t *info, void *data) {
    (void)info;
    Walk *walk = data;
    Arena *scratch = arena_new();
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    hid_t space = H5Aget_space(attribute), stored = H5Aget_type(attribute);
    hid_t type = H5Tget_native_type(stored, H5T_DIR_ASCEND);
    void *values = room_for(type, H5Sget_simple_extent_npoints(space), scratch);
    if (H5Aread(attribute, type, values) < 0)
        walk->error = library_error("the attribute", name);
    else
        H5Dvlen_reclaim(type, space, H5P_DEFAULT, values);
    H5Tclose(type);
    H5Tclose(stored);
    H5Sclose(space);
    H5Aclose(attribute);
    arena_end(scratch);
    return walk->error ? -1 : 0;
}

static Error *read_dataset(hid_t dataset, const char *name) {
    Error *error = NULL;
    Arena *scratch = arena_new();
    hid_t space = H5Dget_space(dataset), stored = H5Dget_type(dataset);
    hid_t type = H5Tget_native_type(stored, H5T_DIR_ASCEND);
    void *values = room_for(type, H5Sget_simple_extent_npoints(space), scratch);
    if (H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0)
        error = library_error("the dataset", name);
    else
        H5Dvlen_reclaim(type, space, H5P_DEFAULT, values);
    H5Tclose(type);
    H5Tclose(stored);
    H5Sclose(space);
    arena_end(scratch);
    return error;
}

static herr_t read_object(hid_t root, const char *name, const H5O_info_t *info, void *data) {
    Walk *walk = data;
    hid_t object = H5Oopen(root, name, H5P_DEFAULT);
    if (object < 0) {
        walk->error = library_error("the object", name);
        return -1;
    }
    walk->n_objects++;
    H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, NULL, read_attribute, walk);
    if (!walk->error && info->type == H5O_TYPE_DATASET)
        walk->error = read_dataset(object, name);
    H5Oclose(object);
    return walk->error ? -1 : 0;
}

Error *h5_check(const char *path, int *n_objects) {
    Walk walk = {0};
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* its messages go into our errors, not to stderr */
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (file < 0)
        return library_error("the file", path);
    herr_t visited = H5Ovisit(file, H5_INDEX_NAME, H5_ITER_INC, read_object, &walk);
    if (visited < 0 && !walk.error)
        walk.error = library_error("the objects of", path);
    H5Fclose(file);
    *n_objects = walk.n_objects;
    return walk.error;
}
