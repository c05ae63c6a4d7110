/* Datatype messages, version 1 (HDF5 File Format Specification IV.A.2.d): class and version, 24
 * bits of its own, size, properties. */
#include "lab/store/h5_file.h"

#include <assert.h>

#define PREFIX(class, bits0, bits1, size) 0x10 | (class), bits0, bits1, 0, size, 0, 0, 0
#define INTEGER(size, is_signed) PREFIX(0, (is_signed) << 3, 0, size), 0, 0, 8 * (size), 0
#define REFERENCE PREFIX(7, 0, 0, 8)
/* offset of the member, then 20 bytes about dimensions that it has not */
#define MEMBER(offset)                                                                             \
    offset, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
        0, 0

typedef struct Encoding {
    size_t n;
    uint8_t byte[120];
} Encoding;

#define ENCODING(...)                                                                              \
    {                                                                                              \
        sizeof((const uint8_t[]){__VA_ARGS__}), {                                                  \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

static const Encoding encodings[HDF5_TYPE_N] = {
    [HDF5_INT64] = ENCODING(INTEGER(8, 1)),
    [HDF5_UINT64] = ENCODING(INTEGER(8, 0)),
    /* IEEE 754: sign at bit 63, 11 bits of exponent at 52, biased by 1023, 52 bits of mantissa */
    [HDF5_FLOAT64] = ENCODING(PREFIX(1, 0x20, 63, 8), 0, 0, 64, 0, 52, 11, 0, 52, 0xff, 3, 0, 0),
    /* a string (1) in UTF-8 (1), over single bytes */
    [HDF5_TEXT] = ENCODING(PREFIX(9, 1, 1, 16), INTEGER(1, 0)),
    [HDF5_REFERENCES] = ENCODING(PREFIX(9, 0, 0, 16), REFERENCE),
    [HDF5_SCALE_USE] = ENCODING(PREFIX(6, 2, 0, 16), /* two members */
                                'd', 'a', 't', 'a', 's', 'e', 't', 0, MEMBER(0), REFERENCE, /* */
                                'd', 'i', 'm', 'e', 'n', 's', 'i', 'o', 'n', 0, 0, 0, 0, 0, 0, 0,
                                MEMBER(8), INTEGER(4, 1)),
    [HDF5_STRING] = ENCODING(PREFIX(3, 0, 0, 0)),
};

void h5_type_add(Hdf5Bytes *to, Hdf5Type type, size_t bytes) {
    size_t at = to->n;
    h5_bytes_copy(to, encodings[type].byte, encodings[type].n);
    if (type == HDF5_STRING)
        h5_bytes_set(to->data + at + 4, bytes, 4);
}

size_t h5_type_bytes(Hdf5Type type) {
    return encodings[type].n;
}
