/* Datasets: examples in memory, split into train, valid and test. Targets are chosen on valid; test
 * is only reported. */
#ifndef LAB_DATA_DATASET_H
#define LAB_DATA_DATASET_H

#include "lab/base/hash.h"
#include "lab/base/kind.h"

typedef enum { SPLIT_TRAIN, SPLIT_VALID, SPLIT_TEST, SPLIT_N } Split;

/* Where relative data paths are looked for, in this order; NULL-terminated. */
typedef const char *const *DataPaths;

typedef struct Dataset {
    const struct DatasetType *type;
    int64_t n[SPLIT_N];     /* examples in each split */
    int64_t first[SPLIT_N]; /* row of each split's first example */
    int n_features;         /* per example; 0 when examples carry none */
    int n_classes;          /* 0 when there are no labels */
    int n_labels;           /* per example: 1, or one for each position of a text; 0: none */
    int shape[3];           /* channels, height, width; product = n_features */
    bool endless; /* every draw is fresh: no finite-population correction, no epochs in the noise */
    const uint8_t *pixels; /* (rows, n_features), x = pixel * pixel_scale + pixel_shift; or NULL */
    float pixel_scale, pixel_shift;
    const float *values;   /* (rows, n_features) or NULL */
    const int32_t *labels; /* (rows) or NULL */
    /* Instead of rows, windows over one text: example i of a split is the n_features bytes from
     * begin + i stride on, each a class, and its labels are the bytes one place further. So
     * overlapping windows cost no memory. */
    const uint8_t *text; /* (text_bytes) or NULL */
    int64_t text_bytes;
    int64_t begin[SPLIT_N], stride[SPLIT_N];
    double best_loss; /* what a model that knows the source loses per label, nat; 0: unknown */
    char sha256[HASH_ROOM]; /* of the resolved content: pixels or values, labels, counts, scale */
} Dataset;

typedef struct DatasetType {
    Kind kind;
    bool is_text; /* a loss is that of one byte: bits per byte can be told */
    /* Checks that the input is there and well-formed as far as its headers tell, and the counts of
     * the splits and the shape that loading will give; reads no bulk data. Fills n, n_features,
     * n_classes, shape, endless, text_bytes, best_loss. */
    Error *(*probe)(Dataset *out, const void *settings, DataPaths paths, Arena *arena);
    /* Loads or makes everything. Same bits every time; may use OpenMP. */
    Error *(*load)(Dataset *out, const void *settings, DataPaths paths, Arena *arena);
} DatasetType;

#define DATASET(name) DATASET_ID_##name,
enum {
#include "lab/data/datasets.def"
    DATASET_N
};
#undef DATASET
#define DATASET_TYPE(name)                                                                         \
    extern const DatasetType dataset_##name;                                                       \
    _Static_assert(DATASET_ID_##name >= 0, "line in datasets.def");                                \
    const DatasetType dataset_##name

extern const Kind *const dataset_table[DATASET_N];

/* Type-independent wrappers: call the type, check the invariants, fill `first` and sha256 (load).
 */
Error *dataset_probe(Dataset *out, const DatasetType *type, const void *settings, DataPaths paths,
                     Arena *arena);
Error *dataset_load(Dataset *out, const DatasetType *type, const void *settings, DataPaths paths,
                    Arena *arena);

/* Bytes that the loaded content takes. */
double dataset_bytes(const Dataset *data);

/* Copies examples `index[0..n)` of a split: x (n, n_features) float, y (n, n_labels). Either may be
 * NULL. */
void dataset_gather(const Dataset *data, Split split, const int64_t *index, int n, float *x,
                    int32_t *y);

/* Finds an input file or folder: as given when absolute, else below each of `paths`. Error 66 lists
 * where it was looked for. */
Error *dataset_find_path(const char **out, const char *path, DataPaths paths, const char *setting,
                         Arena *arena);

#endif
