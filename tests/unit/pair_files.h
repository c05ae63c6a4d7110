/* Writes small npy and HDF5 files for tests of the datasets npy and hdf5: example i has the number
 * i in its first feature and the label i mod 3. */
#ifndef TESTS_UNIT_PAIR_FILES_H
#define TESTS_UNIT_PAIR_FILES_H

#include "lab/data/dataset.h"

#include <hdf5.h>

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PAIR_N = 120, PAIR_CHANNELS = 2, PAIR_HEIGHT = 3, PAIR_SIDE = 4, PAIR_FEATURES = 24 };
enum { PAIR_CLASSES = 3 };

typedef struct PairData {
    float x[PAIR_N][PAIR_FEATURES];
    double wide[PAIR_N][PAIR_FEATURES];
    uint8_t byte[PAIR_N][PAIR_FEATURES];
    int64_t y[PAIR_N];
} PairData;

static inline void pair_data(PairData *out) {
    for (int i = 0; i < PAIR_N; i++) {
        for (int j = 0; j < PAIR_FEATURES; j++) {
            out->byte[i][j] = (uint8_t)(j ? i * 7 + j * 13 : i);
            out->x[i][j] = j ? (float)(i * j) * 0.25f : (float)i;
            out->wide[i][j] = (double)out->x[i][j];
        }
        out->y[i] = i % PAIR_CLASSES;
    }
}

/* Any npy file: the dictionary `header` as it is, padded as numpy does. */
static inline void npy_write(const char *path, int version, const char *header, const void *data,
                             size_t bytes) {
    FILE *file = fopen(path, "wb");
    assert(file);
    size_t length = strlen(header) + 1, head = version == 1 ? 10 : 12;
    size_t padded = (head + length + 63) / 64 * 64 - head;
    fwrite("\x93NUMPY", 1, 6, file);
    fputc(version, file);
    fputc(0, file);
    for (size_t i = 0; i < head - 8; i++)
        fputc((int)(padded >> 8 * i & 255), file);
    fputs(header, file);
    for (size_t i = length; i < padded; i++)
        fputc(' ', file);
    fputc('\n', file);
    fwrite(data, 1, bytes, file);
    assert(fclose(file) == 0);
}

static inline void npy_write_pair(const char *folder, const PairData *data) {
    char path[512];
    snprintf(path, sizeof path, "%s/x.npy", folder);
    npy_write(path, 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (120, 2, 3, 4), }",
              data->x, sizeof data->x);
    snprintf(path, sizeof path, "%s/y.npy", folder);
    npy_write(path, 1, "{'descr': '<i8', 'fortran_order': False, 'shape': (120,), }", data->y,
              sizeof data->y);
}

static inline void npy_remove_pair(const char *folder) {
    char path[512];
    snprintf(path, sizeof path, "%s/x.npy", folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/y.npy", folder);
    unlink(path);
}

/* One dataset; `type` on disk, `memory` of `data`; chunked and deflated when `chunk` > 0. `data`
 * NULL: never written. */
static inline void hdf5_put(hid_t file, const char *name, hid_t type, hid_t memory, int n_dims,
                            const hsize_t *dims, hsize_t chunk, const void *data) {
    hid_t space = H5Screate_simple(n_dims, dims, NULL), links = H5Pcreate(H5P_LINK_CREATE);
    hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    hsize_t part[8];
    for (int d = 0; d < n_dims; d++)
        part[d] = d ? dims[d] : chunk;
    if (chunk > 0) {
        H5Pset_chunk(properties, n_dims, part);
        H5Pset_deflate(properties, 4);
    }
    H5Pset_create_intermediate_group(links, 1);
    hid_t set = H5Dcreate2(file, name, type, space, links, properties, H5P_DEFAULT);
    assert(set >= 0);
    if (data)
        assert(H5Dwrite(set, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
    H5Dclose(set);
    H5Pclose(properties);
    H5Pclose(links);
    H5Sclose(space);
}

static inline hid_t hdf5_begin(const char *path) {
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    assert(file >= 0);
    return file;
}

static const hsize_t pair_dims[4] = {PAIR_N, PAIR_CHANNELS, PAIR_HEIGHT, PAIR_SIDE};

/* x as bytes. */
static inline void hdf5_write_pair(const char *path, const PairData *data) {
    hid_t file = hdf5_begin(path);
    hdf5_put(file, "x", H5T_STD_U8LE, H5T_NATIVE_UINT8, 4, pair_dims, 0, data->byte);
    hdf5_put(file, "y", H5T_STD_I64LE, H5T_NATIVE_INT64, 1, pair_dims, 0, data->y);
    H5Fclose(file);
}

/* Settings of a kind, with `more` (", \"key\": value"), read from JSON so that its rows are tested
 * too. */
static inline const void *pair_settings(const char *name, const char *path, const char *more,
                                        Arena *arena) {
    const char *text =
        arena_print(arena, "{\"name\": \"%s\", \"path\": \"%s\"%s}", name, path, more);
    Json *json;
    const Kind *kind;
    void *settings;
    Error *error = json_parse(&json, text, strlen(text), NULL, arena);
    if (!error)
        error = kind_read(&kind, &settings, json, dataset_table, DATASET_N, "dataset", NULL, arena);
    assert(!error);
    return settings;
}

#endif
