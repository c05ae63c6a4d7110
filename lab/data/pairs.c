#include "lab/data/pairs.h"

#include "lab/data/split.h"

#include <math.h>
#include <string.h>

#define MOST_FEATURES (INT64_C(1) << 24)
#define CHUNK_BYTES (INT64_C(4) << 20) /* read at a time */

int64_t pair_width(const PairArray *array) {
    int64_t width = 1;
    for (int d = 1; d < array->n_dims; d++) /* beyond the limit it does not matter how far */
        width = array->dims[d] > MOST_FEATURES || width > MOST_FEATURES ? MOST_FEATURES + 1
                                                                        : width * array->dims[d];
    return width;
}

static const char *shape_text(const PairArray *array, Arena *arena) {
    const char *text = "(";
    for (int d = 0; d < array->n_dims; d++)
        text = arena_print(arena, "%s%s%lld", text, d ? ", " : "", (long long)array->dims[d]);
    return arena_print(arena, "%s)", text);
}

static Error *check_x(const PairArray *x, Arena *arena) {
    const char *shape = shape_text(x, arena);
    if (x->n_dims < 2 || x->n_dims > 4)
        return error_hint(
            error_new(CODE_IO, "'%s' has %d dimensions, shape %s", x->path, x->n_dims, shape),
            "x is (examples, features), (examples, height, width) or (examples, channels, "
            "height, width)");
    if (x->dims[0] < 1)
        return error_hint(error_new(CODE_IO, "'%s' is empty: shape %s", x->path, shape),
                          "the first dimension counts the examples");
    if (x->dims[0] > INT32_MAX || pair_width(x) < 1 || pair_width(x) > MOST_FEATURES)
        return error_hint(error_new(CODE_IO, "'%s' has shape %s", x->path, shape),
                          "1 to 2^31 - 1 examples of 1 to 2^24 features are legal");
    if (x->n_dims == 4 && x->dims[3] <= 4 && x->dims[1] > 4)
        return error_hint(
            error_new(CODE_IO, "'%s' has shape %s: its channels come last", x->path, shape),
            "images are (examples, channels, height, width): x.transpose(0, 3, 1, 2) "
            "makes them so, and numpy.ascontiguousarray puts them in that order");
    return NULL;
}

static Error *check_y(const PairArray *x, const PairArray *y, Arena *arena) {
    if (y->type == PAIR_FLOATS)
        return error_hint(error_new(CODE_IO, "'%s' holds real numbers, not labels", y->path),
                          "labels are whole numbers 0, 1, 2 ...: y.astype('int64')");
    if (y->n_dims < 1 || y->n_dims > 2 || pair_width(y) != 1)
        return error_hint(
            error_new(CODE_IO, "'%s' has shape %s", y->path, shape_text(y, arena)),
            "one label an example is wanted, shape (examples) or (examples, 1); one-hot rows "
            "become labels by y.argmax(1)");
    if (y->dims[0] != x->dims[0])
        return error_hint(error_new(CODE_IO, "'%s' holds %lld examples but '%s' %lld labels",
                                    x->path, (long long)x->dims[0], y->path, (long long)y->dims[0]),
                          "the two arrays must belong together");
    return NULL;
}

static Error *read_labels(int32_t **labels, PairArray *y, Arena *arena) {
    int64_t n = y->dims[0];
    int64_t *wide = ARENA_ARRAY(arena, int64_t, n);
    PASS(y->read(y, wide, PAIR_WHOLE, n));
    *labels = ARENA_ARRAY(arena, int32_t, n);
    for (int64_t i = 0; i < n; i++) {
        if (wide[i] < 0 || wide[i] >= SPLIT_MAX_CLASSES)
            return error_hint(error_new(CODE_IO, "'%s': label %lld of example %lld is out of range",
                                        y->path, (long long)wide[i], (long long)i),
                              "labels must be 0 to %d", SPLIT_MAX_CLASSES - 1);
        (*labels)[i] = (int32_t)wide[i];
    }
    return NULL;
}

/* Bytes become numbers as they are gathered; that no number is infinite then is known before. */
static Error *check_scale(const PairSettings *settings) {
    double low = -settings->mean / settings->sd, high = (1 - settings->mean) / settings->sd;
    if (isfinite((float)low) && isfinite((float)high))
        return NULL;
    return error_hint(error_new(CODE_USAGE,
                                "trial.dataset.mean = %g and sd = %g make numbers up to %g",
                                settings->mean, settings->sd, fmax(fabs(low), fabs(high))),
                      "numbers within +-3.4e38 (float32) are legal");
}

static Error *describe(Dataset *out, int32_t **labels, const PairSettings *settings, PairArray *x,
                       PairArray *y, Arena *arena) {
    int n_classes = 0;
    PASS(check_x(x, arena));
    PASS(check_y(x, y, arena));
    PASS(read_labels(labels, y, arena));
    PASS(split_classes(&n_classes, *labels, y->dims[0], y->path));
    if (x->type == PAIR_BYTES)
        PASS(check_scale(settings));
    int n = x->n_dims, width = (int)pair_width(x);
    *out = (Dataset){.n_features = width,
                     .n_classes = n_classes,
                     .shape = {n == 4 ? (int)x->dims[1] : 1, n > 2 ? (int)x->dims[n - 2] : 1,
                               (int)x->dims[n - 1]}};
    if (x->type == PAIR_BYTES) {
        out->pixel_scale = (float)(1 / (255 * settings->sd));
        out->pixel_shift = (float)(-settings->mean / settings->sd);
    }
    return split_counts(out->n,
                        (int64_t[SPLIT_N]){settings->train, settings->valid, settings->test},
                        (ItemFile){x->path, x->dims[0]}, NULL);
}

/* One example into its place; false when a value is not finite. */
static bool scale_row(float *row, const float *from, int width, const PairSettings *settings) {
    bool finite = true;
    for (int i = 0; i < width; i++) {
        row[i] = (float)(((double)from[i] - settings->mean) / settings->sd);
        finite = finite && isfinite(row[i]);
    }
    return finite;
}

static Error *not_finite(const PairArray *x, const float *from, const PairSettings *settings,
                         int64_t example) {
    int i = 0;
    float scaled;
    while (scale_row(&scaled, from + i, 1, settings))
        i++;
    return error_hint(error_new(CODE_IO, "'%s': value %d of example %lld is %g%s", x->path, i,
                                (long long)example, (double)from[i],
                                isfinite(from[i]) ? ", which (x - mean) / sd makes infinite" : ""),
                      "finite numbers within +-3.4e38 (float32) are legal");
}

static Error *read_rows(Dataset *out, const int32_t *labels, const PairSettings *settings,
                        PairArray *x, Arena *arena) {
    int64_t n_train = out->n[SPLIT_TRAIN], n_last = out->n[SPLIT_VALID] + out->n[SPLIT_TEST];
    int64_t n = x->dims[0], width = out->n_features, n_rows = n_train + n_last;
    const int32_t *row_of = split_rows(n, n_train, n_last, 0, 0, arena);
    bool bytes = x->type == PAIR_BYTES;
    int64_t item = width * (bytes ? 1 : (int64_t)sizeof(float));
    int64_t chunk = CHUNK_BYTES / item < 1 ? 1 : CHUNK_BYTES / item;
    int32_t *row_labels = ARENA_ARRAY(arena, int32_t, n_rows);
    uint8_t *pixels = bytes ? ARENA_ARRAY(arena, uint8_t, n_rows * width) : NULL;
    float *values = bytes ? NULL : ARENA_ARRAY(arena, float, n_rows *width);
    char *buffer = ARENA_ARRAY(arena, char, (chunk < n ? chunk : n) * item);
    for (int64_t first = 0; first < n; first += chunk) {
        int64_t now = n - first < chunk ? n - first : chunk;
        PASS(x->read(x, buffer, bytes ? PAIR_BYTES : PAIR_FLOATS, now));
        for (int64_t i = 0; i < now; i++) {
            int64_t row = row_of[first + i];
            const char *from = buffer + i * item;
            if (row >= 0)
                row_labels[row] = labels[first + i];
            if (row >= 0 && bytes)
                memcpy(pixels + row * width, from, (size_t)width);
            if (row >= 0 && !bytes &&
                !scale_row(values + row * width, (const float *)from, (int)width, settings))
                return not_finite(x, (const float *)from, settings, first + i);
        }
    }
    out->pixels = pixels;
    out->values = values;
    out->labels = row_labels;
    return NULL;
}

static void close_array(PairArray *array) {
    if (array->close)
        array->close(array);
}

static Error *get(Dataset *out, PairOpen *open, const PairSettings *settings, DataPaths paths,
                  bool rows, Arena *arena) {
    PairArray x = {0}, y = {0};
    int32_t *labels = NULL;
    Error *error = open(&x, &y, settings, paths, arena);
    if (!error)
        error = describe(out, &labels, settings, &x, &y, arena);
    if (!error && rows)
        error = read_rows(out, labels, settings, &x, arena);
    close_array(&x);
    close_array(&y);
    return error;
}

Error *pairs_probe(Dataset *out, PairOpen *open, const PairSettings *settings, DataPaths paths,
                   Arena *arena) {
    return get(out, open, settings, paths, false, arena);
}

Error *pairs_load(Dataset *out, PairOpen *open, const PairSettings *settings, DataPaths paths,
                  Arena *arena) {
    return get(out, open, settings, paths, true, arena);
}
