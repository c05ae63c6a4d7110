/* Segment: one named tensor inside the flat weight vector. Models declare them, optimizers walk
 * them. */
#ifndef LAB_BASE_SEGMENT_H
#define LAB_BASE_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

typedef struct Segment {
    const char *name; /* "layer1.weight" */
    int64_t offset; /* first element in the flat vector; segments follow each other without gaps */
    int64_t n;      /* elements */
    int n_dims;
    int64_t shape[4];
    bool decay; /* weight decay applies (default: n_dims > 1) */
    bool adapt; /* layer-wise adaptation applies (default: n_dims > 1) */
} Segment;

#endif
