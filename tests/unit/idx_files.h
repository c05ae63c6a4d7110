/* Writes small IDX files for tests of the mnist dataset: image i has the number i in its first two
 * pixels. */
#ifndef TESTS_UNIT_IDX_FILES_H
#define TESTS_UNIT_IDX_FILES_H

#include "lab/data/dataset.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { IDX_SIDE_Y = 5, IDX_SIDE_X = 4, IDX_TRAIN = 120, IDX_TEST = 40, IDX_CLASSES = 3 };

static const char *const idx_names[4] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                         "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};

typedef struct IdxBytes {
    size_t n;
    uint8_t at[16 + IDX_TRAIN * IDX_SIDE_Y * IDX_SIDE_X];
} IdxBytes;

static inline void idx_put_word(uint8_t *to, uint32_t word) {
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(word >> (24 - 8 * i));
}

/* Sorted by class, the worst case for a split that takes the end of the file. */
static inline uint8_t idx_label(int i, int n) {
    return (uint8_t)(i * IDX_CLASSES / n);
}

static inline uint8_t idx_pixel(int i, int j) {
    return (uint8_t)(j == 0 ? i : j == 1 ? i >> 8 : i * 31 + j * 17);
}

/* File k of idx_names as it should be. */
static inline IdxBytes idx_bytes(int k) {
    IdxBytes file = {0};
    int n = k < 2 ? IDX_TRAIN : IDX_TEST, first = k < 2 ? 0 : IDX_TRAIN;
    bool images = k % 2 == 0;
    idx_put_word(file.at, images ? 0x803 : 0x801);
    idx_put_word(file.at + 4, (uint32_t)n);
    file.n = 8;
    if (images) {
        idx_put_word(file.at + 8, IDX_SIDE_Y);
        idx_put_word(file.at + 12, IDX_SIDE_X);
        file.n = 16;
    }
    for (int i = 0; i < n; i++)
        for (int j = 0; j < (images ? IDX_SIDE_Y * IDX_SIDE_X : 1); j++)
            file.at[file.n++] = images ? idx_pixel(first + i, j) : idx_label(i, n);
    return file;
}

static inline void idx_path(char out[512], const char *folder, int k, bool packed) {
    snprintf(out, 512, "%s/%s%s", folder, idx_names[k], packed ? ".gz" : "");
}

static inline void idx_write(const char *folder, int k, const IdxBytes *file, bool packed) {
    char path[512];
    idx_path(path, folder, k, packed);
    gzFile out = gzopen(path, packed ? "wb" : "wbT"); /* T: no compression, no header */
    assert(out);
    if (file->n)
        assert(gzwrite(out, file->at, (unsigned)file->n) == (int)file->n);
    assert(gzclose(out) == Z_OK);
}

static inline void idx_write_all(const char *folder, bool packed) {
    for (int k = 0; k < 4; k++) {
        IdxBytes file = idx_bytes(k);
        idx_write(folder, k, &file, packed);
    }
}

static inline void idx_folder_new(char folder[64]) {
    snprintf(folder, 64, "/tmp/batchlab-idx-XXXXXX");
    assert(mkdtemp(folder));
}

static inline void idx_folder_end(const char *folder) {
    char path[512];
    for (int k = 0; k < 8; k++) {
        idx_path(path, folder, k % 4, k >= 4);
        unlink(path);
    }
    rmdir(folder);
}

/* Settings of the mnist dataset, with `more` (", \"key\": value"), read from JSON so that its rows
 * are tested too. */
static inline const void *idx_settings(const char *folder, const char *more, Arena *arena) {
    const char *text =
        arena_print(arena, "{\"name\": \"mnist\", \"path\": \"%s\"%s}", folder, more);
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
