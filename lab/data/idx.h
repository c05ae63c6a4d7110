/* Idx: the IDX container of MNIST (unsigned bytes, big-endian header), raw or gzip-compressed.
 * Source of the format: yann.lecun.com/exdb/mnist. */
#ifndef LAB_DATA_IDX_H
#define LAB_DATA_IDX_H

#include "lab/base/arena.h"
#include "lab/base/error.h"

#include <stdint.h>

typedef struct Idx {
    const char *path;
    void *stream;      /* gzFile, just behind the header */
    int64_t n;         /* items */
    int n_dims;        /* 1 labels, 3 images */
    int height, width; /* of an image; 1, 1 for labels */
} Idx;

/* Opens FOLDER/NAME or FOLDER/NAME.gz, whichever is there (raw first), and reads its header; n_dims
 * is what the caller expects. Errors: 66 missing (both names), 74 unreadable, not IDX, wrong kind
 * of data, or a raw file whose size contradicts its header (expected and actual bytes). */
Error *idx_open(Idx *out, const char *folder, const char *name, int n_dims, Arena *arena);

/* The next `n` items into `items` (n, height * width). Error 74: truncated or damaged. */
Error *idx_read(Idx *idx, uint8_t *items, int64_t n);

/* Closes; after the last item was read it also makes sure that the file ends here and its checksum
 * is right. */
Error *idx_close(Idx *idx);

#endif
