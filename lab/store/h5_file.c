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

/* Keeps the first failure. */
static bool check(Hdf5File *file, bool success, const char *what, const char *name) {
    if (success || !good(file))
        return success;
    Message message = {"unknown reason"};
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, first_message, &message);
    file->error =
        error_wrap(error_new(CODE_IO, "%s", message.text), "HDF5 cannot %s '%s'", what, name);
    return false;
}

/* ---- beginning */

/* An entry of the attribute REFERENCE_LIST: this dataset uses the scale on that axis. */
typedef struct ScaleUse {
    hobj_ref_t dataset;
    int32_t dimension;
} ScaleUse;

static hid_t open_in_memory(size_t growth_bytes) {
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fapl_core(access, growth_bytes, false);
    H5Pset_sieve_buf_size(
        access, 0); /* no buffer in front of memory: it would be cleared for each dataset */
    H5Pset_meta_block_size(access, growth_bytes / 16);
    hid_t creation = H5Pcreate(H5P_FILE_CREATE);
    H5Pset_obj_track_times(creation, false);
    hid_t file = H5Fcreate("batchlab-in-memory", H5F_ACC_TRUNC, creation, access);
    H5Pclose(creation);
    H5Pclose(access);
    return file;
}

static hid_t dataset_properties(bool numbers);

void h5_file_begin(Hdf5File *file, size_t growth_bytes) {
    *file = (Hdf5File){.file = H5I_INVALID_HID};
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* its messages go into our errors, not to stderr */
    file->file = open_in_memory(growth_bytes);
    check(file, file->file >= 0, "make", "a file in memory");
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
    file->use_type = H5Tcreate(H5T_COMPOUND, sizeof(ScaleUse));
    H5Tinsert(file->use_type, "dataset", HOFFSET(ScaleUse, dataset), H5T_STD_REF_OBJ);
    H5Tinsert(file->use_type, "dimension", HOFFSET(ScaleUse, dimension), H5T_NATIVE_INT32);
    file->scalar = H5Screate(H5S_SCALAR);
}

hid_t h5_file_group(Hdf5File *file, hid_t parent, const char *name) {
    if (!good(file))
        return H5I_INVALID_HID;
    hid_t group = H5Gcreate2(parent, name, H5P_DEFAULT, file->group_properties, H5P_DEFAULT);
    check(file, group >= 0, "make group", name);
    return group;
}

void h5_file_group_end(hid_t group) {
    if (group >= 0)
        H5Gclose(group);
}

/* ---- attributes */

static void add_attribute(Hdf5File *file, hid_t object, const char *name, hid_t stored, hid_t type,
                          hid_t space, const void *value) {
    if (!good(file))
        return;
    hid_t attribute = H5Acreate2(object, name, stored, space, H5P_DEFAULT, H5P_DEFAULT);
    if (!check(file, attribute >= 0, "make attribute", name))
        return;
    check(file, H5Awrite(attribute, type, value) >= 0, "write attribute", name);
    H5Aclose(attribute);
}

void h5_file_text(Hdf5File *file, hid_t object, const char *name, const char *value) {
    const char *text = value ? value : "none";
    add_attribute(file, object, name, file->text_type, file->text_type, file->scalar, &text);
}

void h5_file_whole(Hdf5File *file, hid_t object, const char *name, int64_t value) {
    add_attribute(file, object, name, H5T_STD_I64LE, H5T_NATIVE_INT64, file->scalar, &value);
}

void h5_file_seed(Hdf5File *file, hid_t object, const char *name, uint64_t value) {
    add_attribute(file, object, name, H5T_STD_U64LE, H5T_NATIVE_UINT64, file->scalar, &value);
}

void h5_file_real(Hdf5File *file, hid_t object, const char *name, double value) {
    add_attribute(file, object, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, file->scalar, &value);
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
    check(file, dataset >= 0, "make dataset", series->name);
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
        check(file, wrote >= 0, "write dataset", series->name);
    }
    add_labels(file, dataset, series);
    return dataset;
}

void h5_file_series_end(hid_t dataset) {
    if (dataset >= 0)
        H5Dclose(dataset);
}

/* ---- dimension scales, as H5DSset_scale and H5DSattach_scale leave them (HDF5 Dimension Scale
 * Specification). Those read and rewrite the scale's list of references at each call: half the time
 * of gathering 2,000 runs. */

static hobj_ref_t reference(Hdf5File *file, hid_t object, const char *name) {
    hobj_ref_t out = 0;
    check(file, H5Rcreate(&out, object, ".", H5R_OBJECT, -1) >= 0, "refer to", name);
    return out;
}

static void add_short_text(Hdf5File *file, hid_t object, const char *name, const char *value) {
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, strlen(value) + 1);
    add_attribute(file, object, name, type, type, file->scalar, value);
    H5Tclose(type);
}

static void make_scale(Hdf5File *file, hid_t scale, const char *name, int dimension,
                       const hobj_ref_t *users, int n) {
    ScaleUse uses[HDF5_FILE_DATASETS];
    for (int i = 0; i < n; i++)
        uses[i] = (ScaleUse){users[i], dimension};
    add_short_text(file, scale, "CLASS", "DIMENSION_SCALE");
    add_short_text(file, scale, "NAME", name);
    hid_t space = H5Screate_simple(1, (const hsize_t[]){(hsize_t)n}, NULL);
    add_attribute(file, scale, "REFERENCE_LIST", file->use_type, file->use_type, space, uses);
    H5Sclose(space);
}

void h5_file_attach(Hdf5File *file, const hid_t *scales, const char *const *names, int n_scales,
                    const hid_t *datasets, int n) {
    assert(n_scales <= 2 && n <= HDF5_FILE_DATASETS);
    hobj_ref_t axis[2], users[HDF5_FILE_DATASETS];
    for (int d = 0; d < n_scales && good(file); d++)
        axis[d] = reference(file, scales[d], names[d]);
    for (int i = 0; i < n && good(file); i++)
        users[i] = reference(file, datasets[i], "a dataset");
    if (!good(file))
        return;
    for (int d = 0; d < n_scales; d++)
        make_scale(file, scales[d], names[d], d, users, n);
    hid_t space = H5Screate_simple(1, (const hsize_t[]){(hsize_t)n_scales}, NULL);
    hvl_t lists[2] = {{1, &axis[0]}, {1, &axis[1]}}; /* one scale an axis */
    for (int i = 0; i < n; i++)
        add_attribute(file, datasets[i], "DIMENSION_LIST", file->list_type, file->list_type, space,
                      lists);
    H5Sclose(space);
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

Error *h5_file_write(Hdf5File *file, const char *path) {
    if (good(file))
        check(file, H5Fflush(file->file, H5F_SCOPE_GLOBAL) >= 0, "complete", path);
    if (good(file))
        file->error = write_image(file->file, path);
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
    return file->error ? error_wrap(file->error, "cannot write '%s'", path) : NULL;
}

/* ---- reading */

static bool text_is(hid_t file, const char *name, const char *value) {
    if (H5Aexists(file, name) <= 0)
        return false;
    char *text = NULL;
    hid_t attribute = H5Aopen(file, name, H5P_DEFAULT), type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    bool same = H5Aread(attribute, type, &text) >= 0 && text && strcmp(text, value) == 0;
    H5free_memory(text);
    H5Tclose(type);
    H5Aclose(attribute);
    return same;
}

bool h5_file_says(const char *path, const char *name, const char *value) {
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    hid_t file = io_exists(path) ? H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT) : H5I_INVALID_HID;
    if (file < 0)
        return false;
    bool same = text_is(file, name, value);
    H5Fclose(file);
    return same;
}
