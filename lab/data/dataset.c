#include "lab/data/dataset.h"

#include "lab/base/io.h"
#include "lab/base/text.h"
#include "lab/base/vec.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define DATASET(name) extern const DatasetType dataset_##name;
#include "lab/data/datasets.def"
#undef DATASET

#define DATASET(name) [DATASET_ID_##name] = &dataset_##name.kind,
const Kind *const dataset_table[DATASET_N] = {
#include "lab/data/datasets.def"
};
#undef DATASET

static const char *const split_name[SPLIT_N] = {"training", "validation", "test"};

/* Splits lie one after the other, so that no row can belong to two. A class is one label unless the
 * type says more. */
static void place_splits(Dataset *data) {
    int64_t row = 0;
    if (data->n_classes > 0 && data->n_labels == 0)
        data->n_labels = 1;
    for (int s = 0; s < SPLIT_N; s++) {
        data->first[s] = row;
        row += data->n[s];
    }
}

static int64_t row_count(const Dataset *data) {
    return data->first[SPLIT_TEST] + data->n[SPLIT_TEST];
}

/* What every dataset promises; a type that breaks it is a bug, an empty split may be the user's
 * wish. */
static Error *check_counts(const Dataset *data) {
    const char *name = data->type->kind.name;
    for (int s = 0; s < SPLIT_N; s++)
        if (data->n[s] < 1)
            return error_hint(
                error_new(CODE_USAGE, "dataset '%s' has no %s examples", name, split_name[s]),
                "every split needs at least one example");
    if (data->n[SPLIT_TRAIN] > INT32_MAX)
        return error_new(CODE_USAGE, "dataset '%s' has more than 2^31 - 1 training examples", name);
    assert(data->n_features >= 0 && data->n_classes >= 0);
    assert(data->n_features == 0 ||
           data->shape[0] * data->shape[1] * data->shape[2] == data->n_features);
    return NULL;
}

static void check_text(const Dataset *data) {
    assert(!data->pixels && !data->values && !data->labels && data->n_labels == data->n_features);
    for (int s = 0; s < SPLIT_N; s++)
        assert(data->begin[s] >= 0 && data->stride[s] > 0 &&
               data->begin[s] + (data->n[s] - 1) * data->stride[s] + data->n_features <
                   data->text_bytes);
    for (int64_t i = 0; i < data->text_bytes; i++)
        assert(data->text[i] < data->n_classes);
}

static void check_content(const Dataset *data) {
    if (data->text) {
        check_text(data);
        return;
    }
    assert((data->n_features > 0) == (data->pixels || data->values));
    assert(!(data->pixels && data->values));
    assert((data->n_classes > 0) == (data->labels != NULL));
    for (int64_t i = 0, n = data->labels ? row_count(data) : 0; i < n; i++)
        assert(data->labels[i] >= 0 && data->labels[i] < data->n_classes);
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "hashes cover little-endian bytes");

static void hash_content(Dataset *data) {
    Hash hash = hash_new();
    char head[256];
    int n = snprintf(head, sizeof head,
                     "%lld %lld %lld features %d (%d %d %d) classes %d endless %d x %a %a\n",
                     (long long)data->n[SPLIT_TRAIN], (long long)data->n[SPLIT_VALID],
                     (long long)data->n[SPLIT_TEST], data->n_features, data->shape[0],
                     data->shape[1], data->shape[2], data->n_classes, data->endless,
                     (double)data->pixel_scale, (double)data->pixel_shift);
    assert(n > 0 && n < (int)sizeof head);
    hash_add(&hash, head, (size_t)n);
    size_t rows = (size_t)row_count(data), features = (size_t)data->n_features;
    for (int s = 0; s < SPLIT_N && data->text; s++) {
        n = snprintf(head, sizeof head, "windows from %lld by %lld\n", (long long)data->begin[s],
                     (long long)data->stride[s]);
        hash_add(&hash, head, (size_t)n);
    }
    if (data->text)
        hash_add(&hash, data->text, (size_t)data->text_bytes);
    if (data->labels)
        hash_add(&hash, data->labels, rows * sizeof *data->labels);
    if (data->pixels)
        hash_add(&hash, data->pixels, rows * features);
    if (data->values)
        hash_add(&hash, data->values, rows * features * sizeof *data->values);
    hash_hex(&hash, data->sha256);
}

Error *dataset_probe(Dataset *out, const DatasetType *type, const void *settings, DataPaths paths,
                     Arena *arena) {
    *out = (Dataset){.type = type};
    PASS(type->probe(out, settings, paths, arena));
    out->type = type;
    place_splits(out);
    return check_counts(out);
}

Error *dataset_load(Dataset *out, const DatasetType *type, const void *settings, DataPaths paths,
                    Arena *arena) {
    *out = (Dataset){.type = type};
    PASS(type->load(out, settings, paths, arena));
    out->type = type;
    place_splits(out);
    PASS(check_counts(out));
    check_content(out);
    hash_content(out);
    return NULL;
}

VEC_CLONES
static void scale_pixels(float *restrict x, const uint8_t *restrict pixels, int n, float scale,
                         float shift) {
    for (int i = 0; i < n; i++)
        x[i] = (float)pixels[i] * scale + shift;
}

/* Rows are drawn at random, so the processor cannot guess the next one. */
static void fetch_ahead(const Dataset *data, int64_t row) {
    const uint8_t *from = data->pixels + row * data->n_features;
    for (int i = 0; i < data->n_features; i += 64)
        __builtin_prefetch(from + i);
}

double dataset_bytes(const Dataset *data) {
    double rows = (double)row_count(data);
    return (data->text_bytes > 0 ? (double)data->text_bytes
                                 : rows * (data->pixels ? 1.0 : 4.0) * data->n_features) +
           (data->labels ? rows * 4 : 0);
}

static void gather_window(const uint8_t *from, int width, float *x, int32_t *y) {
    for (int j = 0; x && j < width; j++)
        x[j] = (float)from[j];
    for (int j = 0; y && j < width; j++)
        y[j] = from[j + 1];
}

void dataset_gather(const Dataset *data, Split split, const int64_t *index, int n, float *x,
                    int32_t *y) {
    int width = data->n_features;
    for (int i = 0; i < n && data->text; i++) {
        assert(index[i] >= 0 && index[i] < data->n[split]);
        gather_window(data->text + data->begin[split] + index[i] * data->stride[split], width,
                      x ? x + (int64_t)i * width : NULL, y ? y + (int64_t)i * width : NULL);
    }
    if (data->text)
        return;
    for (int i = 0; i < n; i++) {
        assert(index[i] >= 0 && index[i] < data->n[split]);
        int64_t row = data->first[split] + index[i];
        if (x && data->pixels && i + 1 < n)
            fetch_ahead(data, data->first[split] + index[i + 1]);
        if (x && data->pixels)
            scale_pixels(x + (int64_t)i * width, data->pixels + row * width, width,
                         data->pixel_scale, data->pixel_shift);
        else if (x && data->values)
            memcpy(x + (int64_t)i * width, data->values + row * width, (size_t)width * sizeof *x);
        if (y && data->labels)
            y[i] = data->labels[row];
    }
}

Error *dataset_find_path(const char **out, const char *path, DataPaths paths, const char *setting,
                         Arena *arena) {
    Text tried = text_new(arena);
    if (path[0] == '/') {
        *out = arena_copy(arena, path);
        if (io_exists(*out))
            return NULL;
        text_add(&tried, " '%s'", path);
    }
    for (int i = 0; path[0] != '/' && paths && paths[i]; i++) {
        *out = arena_print(arena, "%s/%s", paths[i], path);
        if (io_exists(*out))
            return NULL;
        text_add(&tried, "%s '%s'", i ? "," : "", *out);
    }
    *out = NULL;
    return error_hint(
        error_new(CODE_MISSING, "cannot find '%s' (setting '%s'); looked for%s", path, setting,
                  tried.n ? tried.data : " it nowhere: there are no search folders"),
        "set BATCHLAB_DATA to the folder that contains '%s', or give an absolute path", path);
}
