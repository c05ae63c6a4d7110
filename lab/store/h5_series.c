#include "lab/store/h5_series.h"

#include <string.h>

/* Longer series are chunked, shuffled and deflated; shorter ones would only grow. */
#define PLAIN_ELEMENTS 1024
#define CHUNK_ELEMENTS 4096
#define DEFLATE_LEVEL 4

static bool is_long(const Series *series) {
    hsize_t width = series->n_dims == 2 ? series->dims[1] : 1;
    return series->type != SERIES_TEXT && series->dims[0] * width > PLAIN_ELEMENTS;
}

static hid_t chunked_properties(const Series *series) {
    hid_t properties = h5_file_dataset_properties(true);
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

/* The same for every run: no tap asks. */
static void add_label(Hdf5File *file, hid_t dataset, const char *name, const char *text) {
    h5_file_attribute(file, dataset, name, file->text_type, file->text_type, file->scalar, &text);
}

static void add_labels(Hdf5File *file, hid_t dataset, const Series *series) {
    if (series->type != SERIES_TEXT)
        add_label(file, dataset, "units", series->unit);
    add_label(file, dataset, "long_name", series->meaning);
}

static size_t count(const Series *series) {
    return (size_t)(series->dims[0] * (series->n_dims == 2 ? series->dims[1] : 1));
}

/* What is to be written instead of the series' data. */
static const void *tap_series(Hdf5Tap *tap, const Series *series) {
    const char *name = series->name;
    size_t n = count(series);
    h5_tap_shape(tap, name, &series->type, sizeof series->type);
    h5_tap_shape(tap, name, series->dims, sizeof series->dims);
    tap->irregular |= is_long(series);
    if (series->type != SERIES_TEXT)
        return h5_tap_value(tap, name, series->data, 8 * n);
    const char **out = ARENA_ARRAY(tap->arena, const char *, n);
    for (size_t i = 0; i < n; i++)
        out[i] = h5_tap_text(tap, name, ((const char *const *)series->data)[i]);
    return out;
}

static void write_data(Hdf5File *file, hid_t dataset, const Series *series, const void *data) {
    hid_t memory = series->type == SERIES_TEXT    ? file->text_type
                   : series->type == SERIES_WHOLE ? H5T_NATIVE_INT64
                                                  : H5T_NATIVE_DOUBLE;
    herr_t wrote = H5Dwrite(dataset, memory, H5S_ALL, H5S_ALL, file->transfer, data);
    h5_file_check(file, wrote >= 0, "write dataset", series->name);
}

hid_t h5_series_add(Hdf5File *file, hid_t group, const Series *series) {
    const void *data = file->tap ? tap_series(file->tap, series) : series->data;
    if (file->error || h5_file_is_dry(file))
        return H5I_INVALID_HID;
    hid_t stored = series->type == SERIES_TEXT    ? file->text_type
                   : series->type == SERIES_WHOLE ? H5T_STD_I64LE
                                                  : H5T_IEEE_F64LE;
    hid_t dataset = make_dataset(file, group, series, stored);
    if (!file->error && count(series) > 0)
        write_data(file, dataset, series, data);
    if (!file->error)
        add_labels(file, dataset, series);
    return dataset;
}

void h5_series_end(hid_t dataset) {
    if (dataset >= 0)
        H5Dclose(dataset);
}
