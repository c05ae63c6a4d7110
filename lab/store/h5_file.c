#include "lab/store/h5_file.h"

#include "lab/base/io.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Longer series are chunked, shuffled and deflated; shorter ones would only grow. */
#define PLAIN_ELEMENTS 1024
#define CHUNK_ELEMENTS 4096
#define DEFLATE_LEVEL 4
/* HDF5's buffer for converting texts: its own 1 MiB is cleared at every write. */
#define TRANSFER_BYTES 4096
#define CACHE_BYTES 32768

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

static hid_t memory_access(size_t growth_bytes) {
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fapl_core(access, growth_bytes, false);
    H5Pset_sieve_buf_size(
        access, 0); /* no buffer in front of memory: it would be cleared for each dataset */
    H5Pset_meta_block_size(access, growth_bytes / 16);
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
    hid_t access = memory_access(growth_bytes);
    hid_t creation = H5Pcreate(H5P_FILE_CREATE);
    H5Pset_obj_track_times(creation, false);
    hid_t file = H5Fcreate(name, H5F_ACC_TRUNC, creation, access);
    H5Pclose(creation);
    H5Pclose(access);
    return file;
}

static hid_t dataset_properties(bool numbers);

static void begin(Hdf5File *file, hid_t opened) {
    *file = (Hdf5File){.file = opened};
    file->group_properties = H5Pcreate(H5P_GROUP_CREATE);
    H5Pset_obj_track_times(file->group_properties, false); /* the same bytes every time */
    file->number_properties = dataset_properties(true);
    file->text_properties = dataset_properties(false);
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
    hid_t access = memory_access(growth_bytes), opened = H5Fopen(path, H5F_ACC_RDWR, access);
    H5Pclose(access);
    if (opened >= 0)
        begin(file, opened);
    return opened >= 0;
}

hid_t h5_file_group(Hdf5File *file, hid_t parent, const char *name) {
    if (!good(file))
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

void h5_file_text(Hdf5File *file, hid_t object, const char *name, const char *value) {
    const char *text = value ? value : "none";
    h5_file_attribute(file, object, name, file->text_type, file->text_type, file->scalar, &text);
}

void h5_file_whole(Hdf5File *file, hid_t object, const char *name, int64_t value) {
    h5_file_attribute(file, object, name, H5T_STD_I64LE, H5T_NATIVE_INT64, file->scalar, &value);
}

void h5_file_seed(Hdf5File *file, hid_t object, const char *name, uint64_t value) {
    h5_file_attribute(file, object, name, H5T_STD_U64LE, H5T_NATIVE_UINT64, file->scalar, &value);
}

void h5_file_real(Hdf5File *file, hid_t object, const char *name, double value) {
    h5_file_attribute(file, object, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, file->scalar, &value);
}

/* ---- datasets */

/* Properties are made once where that is possible: to make some costs as much as to make a dataset.
 */
static hid_t dataset_properties(bool numbers) {
    hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_obj_track_times(properties, false);
    if (numbers)                                           /* HDF5 insists on a fill for pointers */
        H5Pset_fill_time(properties, H5D_FILL_TIME_NEVER); /* written whole, at once */
    return properties;
}

static bool is_long(const Series *series) {
    hsize_t width = series->n_dims == 2 ? series->dims[1] : 1;
    return series->type != SERIES_TEXT && series->dims[0] * width > PLAIN_ELEMENTS;
}

static hid_t chunked_properties(const Series *series) {
    hid_t properties = dataset_properties(true);
    hsize_t width = series->n_dims == 2 ? series->dims[1] : 1;
    hsize_t rows = CHUNK_ELEMENTS / width + 1;
    hsize_t chunk[2] = {rows < series->dims[0] ? rows : series->dims[0], width};
    H5Pset_chunk(properties, series->n_dims, chunk);
    H5Pset_shuffle(properties);
    H5Pset_deflate(properties, DEFLATE_LEVEL);
    return properties;
}

/* The dataspace of a series, kept for the next one: those of a group are alike. */
static hid_t space_of(Hdf5File *file, const Series *series) {
    bool same = file->space >= 0 && file->n_dims == series->n_dims;
    for (int d = 0; d < series->n_dims; d++)
        same = same && file->dims[d] == series->dims[d];
    if (same)
        return file->space;
    if (file->space >= 0)
        H5Sclose(file->space);
    file->space = H5Screate_simple(series->n_dims, series->dims, NULL);
    file->n_dims = series->n_dims;
    memcpy(file->dims, series->dims, sizeof file->dims);
    return file->space;
}

static hid_t make_dataset(Hdf5File *file, hid_t group, const Series *series, hid_t type) {
    hid_t properties = is_long(series)               ? chunked_properties(series)
                       : series->type == SERIES_TEXT ? file->text_properties
                                                     : file->number_properties;
    hid_t dataset = H5Dcreate2(group, series->name, type, space_of(file, series), H5P_DEFAULT,
                               properties, H5P_DEFAULT);
    h5_file_check(file, dataset >= 0, "make dataset", series->name);
    if (is_long(series))
        H5Pclose(properties);
    return dataset;
}

static void add_labels(Hdf5File *file, hid_t dataset, const Series *series) {
    if (series->type != SERIES_TEXT)
        h5_file_text(file, dataset, "units", series->unit);
    h5_file_text(file, dataset, "long_name", series->meaning);
}

hid_t h5_file_series(Hdf5File *file, hid_t group, const Series *series) {
    if (!good(file))
        return H5I_INVALID_HID;
    bool text = series->type == SERIES_TEXT, whole = series->type == SERIES_WHOLE;
    hid_t stored = text ? file->text_type : whole ? H5T_STD_I64LE : H5T_IEEE_F64LE;
    hid_t memory = text ? file->text_type : whole ? H5T_NATIVE_INT64 : H5T_NATIVE_DOUBLE;
    hid_t dataset = make_dataset(file, group, series, stored);
    bool empty = series->dims[0] == 0 || (series->n_dims == 2 && series->dims[1] == 0);
    if (good(file) && !empty) {
        herr_t wrote = H5Dwrite(dataset, memory, H5S_ALL, H5S_ALL, file->transfer, series->data);
        h5_file_check(file, wrote >= 0, "write dataset", series->name);
    }
    add_labels(file, dataset, series);
    return dataset;
}

void h5_file_series_end(hid_t dataset) {
    if (dataset >= 0)
        H5Dclose(dataset);
}

/* ---- ending */

static Error *write_image(hid_t file, const char *path) {
    ssize_t n = H5Fget_file_image(file, NULL, 0);
    if (n <= 0)
        return error_new(CODE_INTERNAL, "HDF5 gives no image of the file");
    Arena *arena = arena_new();
    void *image = arena_alloc(arena, (size_t)n);
    ssize_t got = H5Fget_file_image(file, image, (size_t)n);
    Error *error = got == n ? io_write_as(IO_WHOLE, path, image, (size_t)n)
                            : error_new(CODE_INTERNAL, "HDF5 gives a short image of the file");
    arena_end(arena);
    return error;
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

Error *h5_file_write(Hdf5File *file, const char *path) {
    if (good(file))
        h5_file_check(file, H5Fflush(file->file, H5F_SCOPE_GLOBAL) >= 0, "complete", path);
    if (good(file))
        file->error = write_image(file->file, path);
    close_all(file);
    return file->error ? error_wrap(file->error, "cannot write '%s'", path) : NULL;
}

void h5_file_end(Hdf5File *file) {
    close_all(file);
    error_end(file->error);
}
