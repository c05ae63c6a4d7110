/* Pairs: a user's own examples as an array x and their labels as an array y, whatever file holds
 * them. What the kinds npy and hdf5 have in common. */
#ifndef LAB_DATA_PAIRS_H
#define LAB_DATA_PAIRS_H

#include "lab/data/dataset.h"

/* Rows of both kinds begin with these. */
typedef struct PairSettings {
    const char *path;
    const char *x, *y; /* names inside the file; hdf5 alone */
    double mean, sd;
    int64_t train, valid, test; /* 0: see the help */
} PairSettings;

#define PAIR_ROWS                                                                                  \
    PARAM(NUMBER, PairSettings, mean, "0", -1e30, 1e30, "1",                                       \
          "subtracted from x; bytes count as p / 255"),                                            \
        PARAM(NUMBER, PairSettings, sd, "1", 1e-30, 1e30, "1", "x is divided by it then"),         \
        PARAM(COUNT, PairSettings, train, "0", 0, 2147483647, "examples",                          \
              "training examples; 0: all that valid and test leave"),                              \
        PARAM(COUNT, PairSettings, valid, "0", 0, 2147483647, "examples",                          \
              "validation examples, split off; 0: a twelfth"),                                     \
        PARAM(COUNT, PairSettings, test, "0", 0, 2147483647, "examples",                           \
              "test examples, split off; 0: a twelfth")

#define PAIR_DIMS 8

/* An array in a file, in C order; its first dimension counts the examples. */
typedef struct PairArray {
    const char *path; /* for messages: "data/x.npy", "data.h5:x" */
    int n_dims;
    int64_t dims[PAIR_DIMS];
    enum { PAIR_BYTES, PAIR_FLOATS, PAIR_WHOLE } type; /* uint8_t, real numbers, whole numbers */
    /* The next `n` examples, as uint8_t where type is PAIR_BYTES and `as` says so, else converted
     * to float or int64_t. Error 74: damaged or truncated. */
    Error *(*read)(struct PairArray *array, void *out, int as, int64_t n);
    void (*close)(struct PairArray *array); /* NULL while nothing is open */
    void *handle;                           /* the reader's */
} PairArray;

/* Product of the dimensions behind the first. */
int64_t pair_width(const PairArray *array);

/* Opens both arrays, as far as it gets. Errors: no input, or not what the kind reads. */
typedef Error *PairOpen(PairArray *x, PairArray *y, const PairSettings *settings, DataPaths paths,
                        Arena *arena);

/* What a kind's probe and load are: counts, shape and classes; the latter also reads x into the
 * rows of a fixed random split. Errors: those of `open`, wrong rank or type, different lengths, no
 * examples, labels out of range, counts; 74 a value that is not finite. */
Error *pairs_probe(Dataset *out, PairOpen *open, const PairSettings *settings, DataPaths paths,
                   Arena *arena);
Error *pairs_load(Dataset *out, PairOpen *open, const PairSettings *settings, DataPaths paths,
                  Arena *arena);

#endif
