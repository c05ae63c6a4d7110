#include "lab/store/h5_file.h"

#include "lab/base/io.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* HDF5's buffer for converting texts: its own 1 MiB is cleared at every write. */
#define TRANSFER_BYTES 4096
#define CACHE_BYTES 32768
/* Room for what is added to an older file is taken in such pieces: the rest of the last is lost. */
#define ADDED_BYTES 2048

/* ---- errors: the innermost message of HDF5's stack */

typedef struct Message {
    char text[256];
} Message;

static herr_t first_message(unsigned n, const H5E_error2_t *entry, void *message) {
    if (n == 0)
        snprintf(((Message *)message)->text, sizeof(Message), "%s: %s", entry->func_name,
                 entry->desc);
    return 0;
}

static bool good(const Hdf5File *file) {
    return file->error == NULL;
}

bool h5_file_check(Hdf5File *file, bool success, const char *what, const char *name) {
    if (success || !good(file))
        return success;
    Message message = {"unknown reason"};
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, first_message, &message);
    file->error =
        error_wrap(error_new(CODE_IO, "%s", message.text), "HDF5 cannot %s '%s'", what, name);
    return false;
}

/* ---- beginning */

/* Small enough for a processor's own caches: what HDF5 keeps beyond that, it only walks through. */
static void limit_cache(hid_t access) {
    H5AC_cache_config_t config = {.version = H5AC__CURR_CACHE_CONFIG_VERSION};
    if (H5Pget_mdc_config(access, &config) < 0)
        return;
    config.set_initial_size = true;
    config.initial_size = config.min_size = config.max_size = CACHE_BYTES;
    config.incr_mode = H5C_incr__off;
    config.flash_incr_mode = H5C_flash_incr__off;
    config.decr_mode = H5C_decr__off;
    H5Pset_mdc_config(access, &config);
}

static hid_t memory_access(size_t growth_bytes, size_t block_bytes) {
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fapl_core(access, growth_bytes, false);
    H5Pset_sieve_buf_size(
        access, 0); /* no buffer in front of memory: it would be cleared for each dataset */
    H5Pset_meta_block_size(access, block_bytes);
#if H5_VERSION_GE(1, 10, 7)
    H5Pset_file_locking(access, false, true); /* whoever reads it may go on */
#endif
    limit_cache(access);
    return access;
}

/* Two files that are open must not have one name, in memory either. */
static hid_t new_in_memory(const Hdf5File *owner, size_t growth_bytes) {
    char name[64];
    snprintf(name, sizeof name, "batchlab-in-memory-%p", (const void *)owner);
    hid_t access = memory_access(growth_bytes, growth_bytes / 16);
    hid_t creation = H5Pcreate(H5P_FILE_CREATE);
    H5Pset_obj_track_times(creation, false);
    hid_t file = H5Fcreate(name, H5F_ACC_TRUNC, creation, access);
    H5Pclose(creation);
    H5Pclose(access);
    return file;
}

/* Properties are made once where that is possible: to make some costs as much as to make a dataset.
 */
hid_t h5_file_dataset_properties(bool numbers) {
    hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_obj_track_times(properties, false);
    if (numbers)                                           /* HDF5 insists on a fill for pointers */
        H5Pset_fill_time(properties, H5D_FILL_TIME_NEVER); /* written whole, at once */
    return properties;
}

static void begin(Hdf5File *file, hid_t opened) {
    *file = (Hdf5File){.file = opened};
    file->group_properties = H5Pcreate(H5P_GROUP_CREATE);
    H5Pset_obj_track_times(file->group_properties, false); /* the same bytes every time */
    file->number_properties = h5_file_dataset_properties(true);
    file->text_properties = h5_file_dataset_properties(false);
    file->space = H5I_INVALID_HID;
    file->transfer = H5Pcreate(H5P_DATASET_XFER);
    H5Pset_buffer(file->transfer, TRANSFER_BYTES, NULL, NULL);
    file->text_type = H5Tcopy(H5T_C_S1);
    H5Tset_size(file->text_type, H5T_VARIABLE);
    H5Tset_cset(file->text_type, H5T_CSET_UTF8);
    file->list_type = H5Tvlen_create(H5T_STD_REF_OBJ);
    file->use_type = H5Tcreate(H5T_COMPOUND, sizeof(Hdf5ScaleUse));
    H5Tinsert(file->use_type, "dataset", HOFFSET(Hdf5ScaleUse, dataset), H5T_STD_REF_OBJ);
    H5Tinsert(file->use_type, "dimension", HOFFSET(Hdf5ScaleUse, dimension), H5T_NATIVE_INT32);
    file->scalar = H5Screate(H5S_SCALAR);
}

void h5_file_begin(Hdf5File *file, size_t growth_bytes) {
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* its messages go into our errors, not to stderr */
    begin(file, new_in_memory(file, growth_bytes));
    h5_file_check(file, file->file >= 0, "make", "a file in memory");
}

bool h5_file_open(Hdf5File *file, const char *path, size_t growth_bytes) {
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    hid_t access = memory_access(growth_bytes, ADDED_BYTES);
    hid_t opened = H5Fopen(path, H5F_ACC_RDWR, access);
    H5Pclose(access);
    if (opened >= 0)
        begin(file, opened);
    return opened >= 0;
}

hid_t h5_file_group(Hdf5File *file, hid_t parent, const char *name) {
    if (file->tap)
        h5_tap_shape(file->tap, name, "group", 5);
    if (!good(file) || h5_file_is_dry(file))
        return H5I_INVALID_HID;
    hid_t group = H5Gcreate2(parent, name, H5P_DEFAULT, file->group_properties, H5P_DEFAULT);
    h5_file_check(file, group >= 0, "make group", name);
    return group;
}

void h5_file_remove(Hdf5File *file, hid_t parent, const char *name) {
    if (good(file))
        h5_file_check(file, H5Ldelete(parent, name, H5P_DEFAULT) >= 0, "remove", name);
}

void h5_file_group_end(hid_t group) {
    if (group >= 0)
        H5Gclose(group);
}

/* ---- attributes */

void h5_file_attribute(Hdf5File *file, hid_t object, const char *name, hid_t stored, hid_t type,
                       hid_t space, const void *value) {
    if (!good(file))
        return;
    hid_t attribute = H5Acreate2(object, name, stored, space, H5P_DEFAULT, H5P_DEFAULT);
    if (!h5_file_check(file, attribute >= 0, "make attribute", name))
        return;
    h5_file_check(file, H5Awrite(attribute, type, value) >= 0, "write attribute", name);
    H5Aclose(attribute);
}

bool h5_file_get_whole(hid_t object, const char *name, int64_t *value) {
    if (H5Aexists(object, name) <= 0)
        return false;
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    bool read = attribute >= 0 && H5Aread(attribute, H5T_NATIVE_INT64, value) >= 0;
    if (attribute >= 0)
        H5Aclose(attribute);
    return read;
}

static void add_text(Hdf5File *file, hid_t object, const char *name, const char *text) {
    h5_file_attribute(file, object, name, file->text_type, file->text_type, file->scalar, &text);
}

void h5_file_text(Hdf5File *file, hid_t object, const char *name, const char *value) {
    const char *text = value ? value : "none";
    if (file->tap)
        text = h5_tap_text(file->tap, name, text);
    if (!h5_file_is_dry(file))
        add_text(file, object, name, text);
}

typedef enum { WHOLE, SEED, REAL } NumberType;

/* The names of HDF5's types are calls of the library. */
static void add_number(Hdf5File *file, hid_t object, const char *name, NumberType type,
                       const void *value) {
    if (file->tap) {
        h5_tap_shape(file->tap, name, &type, sizeof type);
        value = h5_tap_value(file->tap, name, value, 8);
    }
    if (h5_file_is_dry(file))
        return;
    const hid_t stored[] = {H5T_STD_I64LE, H5T_STD_U64LE, H5T_IEEE_F64LE};
    const hid_t memory[] = {H5T_NATIVE_INT64, H5T_NATIVE_UINT64, H5T_NATIVE_DOUBLE};
    h5_file_attribute(file, object, name, stored[type], memory[type], file->scalar, value);
}

void h5_file_whole(Hdf5File *file, hid_t object, const char *name, int64_t value) {
    add_number(file, object, name, WHOLE, &value);
}

void h5_file_seed(Hdf5File *file, hid_t object, const char *name, uint64_t value) {
    add_number(file, object, name, SEED, &value);
}

void h5_file_real(Hdf5File *file, hid_t object, const char *name, double value) {
    add_number(file, object, name, REAL, &value);
}

/* ---- ending */

static Error *take_image(uint8_t **out, size_t *n, hid_t file, Arena *arena) {
    ssize_t wanted = H5Fget_file_image(file, NULL, 0);
    if (wanted <= 0)
        return error_new(CODE_INTERNAL, "HDF5 gives no image of the file");
    *n = (size_t)wanted;
    *out = arena_alloc_late(arena, *n);
    return H5Fget_file_image(file, *out, *n) == wanted
               ? NULL
               : error_new(CODE_INTERNAL, "HDF5 gives a short image of the file");
}

static void close_all(Hdf5File *file) {
    H5Sclose(file->scalar);
    H5Tclose(file->use_type);
    H5Tclose(file->list_type);
    H5Tclose(file->text_type);
    if (file->space >= 0)
        H5Sclose(file->space);
    H5Pclose(file->number_properties);
    H5Pclose(file->text_properties);
    H5Pclose(file->transfer);
    H5Pclose(file->group_properties);
    if (file->file >= 0)
        assert(H5Fget_obj_count(file->file, H5F_OBJ_ALL) == 1 || !good(file));
    if (file->file >= 0)
        H5Fclose(file->file);
}

Error *h5_file_image(uint8_t **out, size_t *n, Hdf5File *file, Arena *arena) {
    if (good(file))
        h5_file_check(file, H5Fflush(file->file, H5F_SCOPE_GLOBAL) >= 0, "complete", "the file");
    if (good(file))
        file->error = take_image(out, n, file->file, arena);
    close_all(file);
    return file->error;
}

Error *h5_file_write(Hdf5File *file, const char *path) {
    Arena *arena = arena_new();
    uint8_t *image = NULL;
    size_t n = 0;
    Error *error = h5_file_image(&image, &n, file, arena);
    error = error ? error : io_write_as(IO_WHOLE, path, image, n);
    arena_end(arena);
    return error ? error_wrap(error, "cannot write '%s'", path) : NULL;
}

void h5_file_end(Hdf5File *file) {
    close_all(file);
    error_end(file->error);
}
