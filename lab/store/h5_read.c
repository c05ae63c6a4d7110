#include "lab/store/h5_read.h"

#include "lab/base/io.h"

#include <string.h>

Error *h5_read_begin(Hdf5Reader *out, const char *path) {
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* our errors say it */
    *out = (Hdf5Reader){.file = H5I_INVALID_HID, .path = path};
    if (!io_exists(path))
        return error_new(CODE_MISSING, "there is no '%s'", path);
    out->file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    return out->file >= 0 ? NULL : error_new(CODE_IO, "'%s' is not an HDF5 file", path);
}

void h5_read_end(Hdf5Reader *reader) {
    if (reader->file >= 0)
        H5Fclose(reader->file);
}

static hid_t text_type(void) {
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
}

const char *h5_read_text(const Hdf5Reader *reader, const char *name, Arena *arena) {
    if (H5Aexists(reader->file, name) <= 0)
        return NULL;
    char *text = NULL;
    hid_t attribute = H5Aopen(reader->file, name, H5P_DEFAULT), type = text_type();
    const char *copy = NULL;
    if (H5Aread(attribute, type, &text) >= 0 && text)
        copy = arena_copy(arena, text);
    H5free_memory(text);
    H5Tclose(type);
    H5Aclose(attribute);
    return copy;
}

/* The texts move into the arena, and HDF5's go. */
static bool read_texts(const char **out, hid_t dataset, hid_t space, int64_t n, Arena *arena) {
    char **texts = ARENA_ARRAY(arena, char *, n + 1);
    hid_t type = text_type();
    bool good = H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, texts) >= 0;
    for (int64_t i = 0; i < n && good; i++)
        out[i] = arena_copy(arena, texts[i] ? texts[i] : "");
    if (good)
        H5Dvlen_reclaim(type, space, H5P_DEFAULT, texts);
    H5Tclose(type);
    return good;
}

static bool read_values(Series *series, hid_t dataset, hid_t space, Arena *arena) {
    int64_t n = (int64_t)series->dims[0];
    void *values = arena_alloc(arena, 8 * (size_t)(n + 1));
    series->data = values;
    if (n == 0)
        return true;
    if (series->type == SERIES_TEXT)
        return read_texts(values, dataset, space, n, arena);
    hid_t memory = series->type == SERIES_WHOLE ? H5T_NATIVE_INT64 : H5T_NATIVE_DOUBLE;
    return H5Dread(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;
}

static H5T_class_t class_of(const Series *series) {
    return series->type == SERIES_TEXT    ? H5T_STRING
           : series->type == SERIES_WHOLE ? H5T_INTEGER
                                          : H5T_FLOAT;
}

Error *h5_read_series(Series *series, const Hdf5Reader *reader, Arena *arena) {
    hid_t dataset = H5Dopen2(reader->file, series->name, H5P_DEFAULT);
    if (dataset < 0)
        return error_new(CODE_IO, "'%s' has no dataset '%s'", reader->path, series->name);
    hid_t space = H5Dget_space(dataset), type = H5Dget_type(dataset);
    series->n_dims = H5Sget_simple_extent_ndims(space);
    bool good = series->n_dims == 1 && H5Tget_class(type) == class_of(series) &&
                H5Sget_simple_extent_dims(space, series->dims, NULL) == 1 &&
                read_values(series, dataset, space, arena);
    H5Tclose(type);
    H5Sclose(space);
    H5Dclose(dataset);
    return good ? NULL
                : error_new(CODE_IO, "the dataset '%s' of '%s' cannot be read as what it should be",
                            series->name, reader->path);
}

bool h5_read_says(const char *path, const char *name, const char *value) {
    Hdf5Reader reader;
    Arena *scratch = arena_new();
    Error *error = h5_read_begin(&reader, path);
    const char *text = error ? NULL : h5_read_text(&reader, name, scratch);
    bool same = text && strcmp(text, value) == 0;
    h5_read_end(&reader);
    error_end(error);
    arena_end(scratch);
    return same;
}
