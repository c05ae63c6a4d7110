/* A growing array of bytes, and the numbers of an HDF5 file in it: unsigned, little-endian. */
#ifndef LAB_STORE_H5_BYTES_H
#define LAB_STORE_H5_BYTES_H

#include "lab/base/arena.h"

#include <stdint.h>

typedef struct Hdf5Bytes {
    Arena *arena; /* holds the array and nothing else, so that a bigger one replaces it */
    uint8_t *data;
    size_t n, room;
} Hdf5Bytes;

void h5_bytes_begin(Hdf5Bytes *bytes, size_t room);
void h5_bytes_end(Hdf5Bytes *bytes);

/* `n` more bytes, zero; the pointer holds until the next call. */
uint8_t *h5_bytes_add(Hdf5Bytes *bytes, size_t n);
void h5_bytes_copy(Hdf5Bytes *bytes, const void *from, size_t n);
void h5_bytes_align(Hdf5Bytes *bytes); /* to a multiple of 8 */

/* The low `width` bytes of a number. */
void h5_bytes_number(Hdf5Bytes *bytes, uint64_t value, int width);
void h5_bytes_set(uint8_t *to, uint64_t value, int width);

/* The checksum of HDF5's metadata: lookup3 `hashlittle` with initial value 0 (Bob Jenkins 2006,
 * public domain). */
uint32_t h5_bytes_checksum(const uint8_t *bytes, size_t n);

#endif
