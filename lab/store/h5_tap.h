/* A tap stands between a layout and the HDF5 library: it takes down what the layout consists of and
 * which values it holds, or has other values of the same size written instead. For h5_mould.c. */
#ifndef LAB_STORE_H5_TAP_H
#define LAB_STORE_H5_TAP_H

#include "lab/base/arena.h"
#include "lab/base/hash.h"

#include <stdbool.h>

#define HDF5_TAP_SHORT 16 /* bytes: a shorter text is part of the shape */

typedef struct Hdf5Tap {
    Arena *arena;
    const uint8_t
        *instead; /* (n_bytes) values to write; NULL: takes down, and nothing is written */
    Hash shape;   /* of names, types and sizes: equal ones make files that differ in values alone */
    bool irregular; /* holds what is compressed, whose size depends on its values */
    uint8_t *bytes; /* (n_bytes) values, one behind the other */
    size_t n_bytes, bytes_room;
    uint32_t *size; /* (n_values) bytes of each, 8 at least */
    int n_values, values_room;
} Hdf5Tap;

/* To take down. */
void h5_tap_begin(Hdf5Tap *tap, Arena *arena);
/* To write what a tap that took the same layout down calls for. */
void h5_tap_fill(Hdf5Tap *tap, const uint8_t *instead, Arena *arena);

/* Something that is the same in every file of the shape. */
void h5_tap_shape(Hdf5Tap *tap, const char *name, const void *bytes, size_t n);
/* A value of `n` bytes, none or 8 at least; returns what is to be written. */
const void *h5_tap_value(Hdf5Tap *tap, const char *name, const void *value, size_t n);
const char *h5_tap_text(Hdf5Tap *tap, const char *name, const char *text);

#endif
