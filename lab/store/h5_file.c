#include "lab/store/h5_file.h"

#include "lab/base/io.h"

#include <assert.h>
#include <string.h>

enum {
    SUPERBLOCK_BYTES = 48,
    HEAP_BYTES = 4096, /* least size of a block, the format's minimum */
    HEAP_HEAD = 16,
    HEAP_MOST_OBJECTS = 65535,
    OBJECT_BYTES = 4096, /* first room for messages */
    OBJECT_HEAD = 10,    /* before the messages; a checksum follows them */
    CHECKSUM = 4
};

void h5_file_begin(Hdf5File *file, size_t room) {
    *file = (Hdf5File){.arena = arena_new()};
    h5_bytes_begin(&file->image, room);
    h5_bytes_add(&file->image, SUPERBLOCK_BYTES);
}

/* ---- objects */

static Hdf5Object *empty_object(Hdf5File *file) {
    Hdf5Object *object = file->unused;
    if (object) {
        file->unused = object->next;
        object->messages.n = 0;
        return object;
    }
    object = ARENA_NEW(file->arena, Hdf5Object);
    h5_bytes_begin(&object->messages, OBJECT_BYTES);
    return object;
}

static void drop(Hdf5File *file, Hdf5Object *object) {
    object->next = file->unused;
    file->unused = object;
}

size_t h5_file_message(Hdf5Object *object, int type) {
    h5_bytes_number(&object->messages, (uint64_t)type, 1);
    h5_bytes_add(&object->messages, 3); /* size, flags */
    return object->messages.n;
}

void h5_file_message_end(Hdf5Object *object, size_t opened) {
    size_t n = object->messages.n - opened;
    assert(n <= UINT16_MAX);
    h5_bytes_set(object->messages.data + opened - 3, n, 2);
}

/* Attributes and links stand in the header itself: there is no index of them anywhere. */
static void add_info(Hdf5Object *object, int type) {
    size_t opened = h5_file_message(object, type);
    h5_bytes_number(&object->messages, 0, 2); /* version, flags */
    h5_bytes_number(&object->messages, HDF5_UNDEFINED, 8);
    h5_bytes_number(&object->messages, HDF5_UNDEFINED, 8);
    h5_file_message_end(object, opened);
}

Hdf5Object *h5_file_object(Hdf5File *file) {
    Hdf5Object *object = empty_object(file);
    add_info(object, HDF5_ATTRIBUTE_INFO); /* or readers count no attributes */
    return object;
}

uint64_t h5_file_address(const Hdf5File *file) {
    return file->image.n;
}

size_t h5_file_object_bytes(const Hdf5Object *object) {
    return OBJECT_HEAD + object->messages.n + CHECKSUM;
}

uint64_t h5_file_close(Hdf5File *file, Hdf5Object *object) {
    Hdf5Bytes *image = &file->image;
    size_t at = image->n;
    h5_bytes_copy(image, "OHDR\2\2", 6); /* version; flag: four bytes of size */
    h5_bytes_number(image, object->messages.n, 4);
    h5_bytes_copy(image, object->messages.data, object->messages.n);
    h5_bytes_number(image, h5_bytes_checksum(image->data + at, image->n - at), 4);
    drop(file, object);
    return at;
}

Hdf5Object *h5_file_group(Hdf5File *file) {
    Hdf5Object *group = h5_file_object(file);
    add_info(group, HDF5_LINK_INFO);
    size_t opened = h5_file_message(group, HDF5_GROUP_INFO);
    h5_bytes_number(&group->messages, 0, 2); /* version, flags */
    h5_file_message_end(group, opened);
    return group;
}

void h5_file_link(Hdf5Object *group, const char *name, uint64_t address) {
    size_t n = strlen(name), opened = h5_file_message(group, HDF5_LINK);
    assert(n > 0 && n < 256);
    h5_bytes_number(&group->messages, 1, 1); /* version */
    h5_bytes_number(&group->messages, 0, 1); /* a hard link, one byte of length */
    h5_bytes_number(&group->messages, n, 1);
    h5_bytes_copy(&group->messages, name, n);
    h5_bytes_number(&group->messages, address, 8);
    h5_file_message_end(group, opened);
}

/* ---- the global heap */

static void end_heap(Hdf5File *file) {
    Hdf5Heap *heap = &file->heap;
    size_t rest = heap->end - heap->used;
    if (rest >= HDF5_HEAP_HEAD) /* object 0: what is free */
        h5_bytes_set(file->image.data + heap->used + 8, rest, 8);
    heap->end = 0;
}

static void begin_heap(Hdf5File *file, size_t needed) {
    size_t n = HEAP_HEAD + needed > HEAP_BYTES ? HEAP_HEAD + needed : HEAP_BYTES;
    h5_bytes_align(&file->image);
    size_t at = file->image.n;
    uint8_t *head = h5_bytes_add(&file->image, n);
    memcpy(head, "GCOL\1", 5);
    h5_bytes_set(head + 8, n, 8);
    file->heap = (Hdf5Heap){.at = at, .used = at + HEAP_HEAD, .end = at + n};
}

void h5_file_reserve(Hdf5File *file, size_t bytes) {
    Hdf5Heap *heap = &file->heap;
    size_t most = bytes / HDF5_HEAP_HEAD; /* values */
    if (heap->end && (bytes > heap->end - heap->used || heap->n + most > HEAP_MOST_OBJECTS))
        end_heap(file);
    if (!heap->end)
        begin_heap(file, bytes);
}

void h5_file_refer(Hdf5File *file, Hdf5Bytes *to, const void *value, size_t bytes, uint32_t count) {
    Hdf5Heap *heap = &file->heap;
    size_t padded = HDF5_HEAP_HEAD + (bytes + 7) / 8 * 8;
    h5_file_reserve(file, padded);
    uint8_t *object = file->image.data + heap->used;
    h5_bytes_set(object, ++heap->n, 2);
    h5_bytes_set(object + 8, bytes, 8);
    if (bytes)
        memcpy(object + HDF5_HEAP_HEAD, value, bytes);
    heap->used += padded;
    h5_bytes_number(to, count, 4);
    h5_bytes_number(to, heap->at, 8);
    h5_bytes_number(to, heap->n, 4);
}

/* ---- attributes */

void h5_file_dataspace(Hdf5Bytes *to, int n_dims, const uint64_t *dims) {
    h5_bytes_number(to, 2, 1); /* version */
    h5_bytes_number(to, (uint64_t)n_dims, 1);
    h5_bytes_number(to, 0, 1);          /* flags: no larger maximum */
    h5_bytes_number(to, n_dims > 0, 1); /* simple, not scalar */
    for (int d = 0; d < n_dims; d++)
        h5_bytes_number(to, dims[d], 8);
}

size_t h5_file_attribute(Hdf5Object *object, const char *name, Hdf5Value value) {
    Hdf5Bytes *to = &object->messages;
    size_t n = strlen(name) + 1, opened = h5_file_message(object, HDF5_ATTRIBUTE);
    int n_dims = value.n >= 0;
    h5_bytes_number(to, 3, 1); /* version */
    h5_bytes_number(to, 0, 1); /* flags */
    h5_bytes_number(to, n, 2);
    h5_bytes_number(to, h5_type_bytes(value.type), 2);
    h5_bytes_number(to, (uint64_t)(4 + 8 * n_dims), 2); /* bytes of the dataspace */
    h5_bytes_number(to, 1, 1);                          /* the name is UTF-8 */
    h5_bytes_copy(to, name, n);
    h5_type_add(to, value.type, value.bytes);
    h5_file_dataspace(to, n_dims, (const uint64_t[]){(uint64_t)value.n});
    return opened;
}

void h5_file_text(Hdf5File *file, Hdf5Object *object, const char *name, const char *value) {
    const char *text = value ? value : "none";
    size_t n = strlen(text);
    size_t opened = h5_file_attribute(object, name, (Hdf5Value){.type = HDF5_TEXT, .n = -1});
    h5_file_refer(file, &object->messages, text, n, (uint32_t)n);
    h5_file_message_end(object, opened);
}

static void add_number(Hdf5Object *object, const char *name, Hdf5Type type, uint64_t bits) {
    size_t opened = h5_file_attribute(object, name, (Hdf5Value){.type = type, .n = -1});
    h5_bytes_number(&object->messages, bits, 8);
    h5_file_message_end(object, opened);
}

void h5_file_whole(Hdf5Object *object, const char *name, int64_t value) {
    add_number(object, name, HDF5_INT64, (uint64_t)value);
}

void h5_file_seed(Hdf5Object *object, const char *name, uint64_t value) {
    add_number(object, name, HDF5_UINT64, value);
}

void h5_file_real(Hdf5Object *object, const char *name, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    add_number(object, name, HDF5_FLOAT64, bits);
}

/* ---- ending */

void h5_file_complete(Hdf5File *file, uint64_t root) {
    if (file->heap.end)
        end_heap(file);
    uint8_t *to = file->image.data;
    memcpy(to, "\211HDF\r\n\032\n", 8);
    to[8] = 2;          /* version */
    to[9] = to[10] = 8; /* bytes of an address, of a length */
    h5_bytes_set(to + 12, 0, 8);
    h5_bytes_set(to + 20, HDF5_UNDEFINED, 8); /* no extension */
    h5_bytes_set(to + 28, file->image.n, 8);
    h5_bytes_set(to + 36, root, 8);
    h5_bytes_set(to + 44, h5_bytes_checksum(to, 44), 4);
}

Error *h5_file_write(const Hdf5File *file, const char *path) {
    return io_write(path, file->image.data, file->image.n);
}

void h5_file_end(Hdf5File *file) {
    for (Hdf5Object *object = file->unused; object; object = object->next)
        h5_bytes_end(&object->messages);
    h5_bytes_end(&file->image);
    arena_end(file->arena);
}
