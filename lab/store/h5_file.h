/* An HDF5 file in the making, in memory: objects, attributes, datasets, dimension scales.
 *
 * The bytes are ours, by the HDF5 File Format Specification 3.0: superblock 2, object headers 2,
 * global heaps, B-trees 1, which every library since 1.8 reads. Made through the library, the 45
 * objects and 250 attributes of a run cost 3 ms, more than a short trial trains
 * (notebooks/design/0008). h5_check.h lets the library judge.
 *
 * Nothing here can fail but the writing at the end: as one block by io_write, aside, fsynced,
 * renamed, so that a full disk is an ordinary error. */
#ifndef LAB_STORE_H5_FILE_H
#define LAB_STORE_H5_FILE_H

#include "lab/base/error.h"
#include "lab/store/h5_bytes.h"

/* An object header while messages are added to it; its children are written before it. */
typedef struct Hdf5Object {
    Hdf5Bytes messages;
    struct Hdf5Object *next; /* in the list of those not in use */
} Hdf5Object;

/* The global heap that texts go to, one block of the file after the other. */
typedef struct Hdf5Heap {
    size_t at, used, end; /* of the open block, offsets in the file; end 0: none is open */
    uint32_t n;           /* objects in it */
} Hdf5Heap;

typedef struct Hdf5File {
    Arena *arena;
    Hdf5Bytes image;
    Hdf5Heap heap;
    Hdf5Object *unused;
} Hdf5File;

void h5_file_begin(Hdf5File *file, size_t room);

/* A group; its children are linked in before h5_file_close writes it and gives its address. */
Hdf5Object *h5_file_group(Hdf5File *file);
void h5_file_link(Hdf5Object *group, const char *name, uint64_t address);
uint64_t h5_file_close(Hdf5File *file, Hdf5Object *object);

/* A group of many children: found in logarithmic time. `names` (n) in strcmp order, all different.
 */
uint64_t h5_file_table(Hdf5File *file, const char *const *names, const uint64_t *addresses, int n);

/* Attributes; a NULL text becomes "none". */
void h5_file_text(Hdf5File *file, Hdf5Object *object, const char *name, const char *value);
void h5_file_whole(Hdf5Object *object, const char *name, int64_t value);
void h5_file_seed(Hdf5Object *object, const char *name, uint64_t value);
void h5_file_real(Hdf5Object *object, const char *name, double value);

/* Ends the file with the root group at `root`; the bytes hold until h5_file_end. */
void h5_file_complete(Hdf5File *file, uint64_t root);
Error *h5_file_write(const Hdf5File *file, const char *path);
void h5_file_end(Hdf5File *file);

/* ---- for the other files of the writer */

enum {
    HDF5_DATASPACE = 0x01,
    HDF5_LINK_INFO = 0x02,
    HDF5_DATATYPE = 0x03,
    HDF5_FILL_VALUE = 0x05,
    HDF5_LINK = 0x06,
    HDF5_LAYOUT = 0x08,
    HDF5_GROUP_INFO = 0x0a,
    HDF5_FILTERS = 0x0b,
    HDF5_ATTRIBUTE = 0x0c,
    HDF5_SYMBOL_TABLE = 0x11,
    HDF5_ATTRIBUTE_INFO = 0x15
};
#define HDF5_UNDEFINED UINT64_MAX /* an address that there is not */

Hdf5Object *h5_file_object(Hdf5File *file);            /* without messages */
uint64_t h5_file_address(const Hdf5File *file);        /* of the next object that is closed */
size_t h5_file_object_bytes(const Hdf5Object *object); /* that it will take in the file */
/* Opens a message; what is added to object->messages until the call to h5_file_message_end is its
 * content. */
size_t h5_file_message(Hdf5Object *object, int type);
void h5_file_message_end(Hdf5Object *object, size_t opened);

typedef enum {
    HDF5_INT64,
    HDF5_UINT64,
    HDF5_FLOAT64,
    HDF5_TEXT,       /* variable length, UTF-8 */
    HDF5_REFERENCES, /* variable length list of object references */
    HDF5_SCALE_USE,  /* {object reference "dataset", int32 "dimension"}, 16 bytes */
    HDF5_STRING,     /* fixed length, ASCII */
    HDF5_TYPE_N
} Hdf5Type;
/* Encoded; `bytes` is the length of an HDF5_STRING. */
void h5_type_add(Hdf5Bytes *to, Hdf5Type type, size_t bytes);
size_t h5_type_bytes(Hdf5Type type); /* of the encoding */

/* What an attribute holds. */
typedef struct Hdf5Value {
    Hdf5Type type;
    int n;        /* elements of its one dimension, -1: a scalar */
    size_t bytes; /* length of an HDF5_STRING */
} Hdf5Value;
/* Opens an attribute's message; its value is added to object->messages. */
size_t h5_file_attribute(Hdf5Object *object, const char *name, Hdf5Value value);
void h5_file_dataspace(Hdf5Bytes *to, int n_dims, const uint64_t *dims);

/* The 16 bytes by which a variable-length value of `count` elements refers to the heap. */
void h5_file_refer(Hdf5File *file, Hdf5Bytes *to, const void *value, size_t bytes, uint32_t count);
/* Sees to it that the next values, `bytes` with their heads, go into one block: the file does not
 * grow. */
void h5_file_reserve(Hdf5File *file, size_t bytes);
enum { HDF5_HEAP_HEAD = 16 }; /* before each value */

#endif
