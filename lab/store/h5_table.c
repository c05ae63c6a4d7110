/* A group of many children: names in a local heap, entries in leaves of eight, over them a B-tree
 * of version 1 (HDF5 File Format Specification III.A-D). Links in a header would be searched one by
 * one. */
#include "lab/store/h5_file.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

enum {
    LEAF_MOST = 8,  /* entries: 2 K of the format's default K = 4 */
    NODE_MOST = 32, /* children: K = 16 */
    LEAF_BYTES = 8 + 40 * LEAF_MOST,
    NODE_BYTES = 24 + 8 * NODE_MOST + 8 * (NODE_MOST + 1),
};

/* Nodes of one level, left to right. */
typedef struct Level {
    int n;
    uint64_t *address; /* (n) */
    uint64_t *last;    /* (n) offset of the greatest name below, in the heap */
} Level;

static Level level_new(int n, Arena *arena) {
    return (Level){n, ARENA_ARRAY(arena, uint64_t, n), ARENA_ARRAY(arena, uint64_t, n)};
}

static int at_most(int n, int most) {
    return n < most ? n : most;
}

/* The names, each padded to 8 bytes, after an empty one; returns the heap's address. */
static uint64_t write_names(Hdf5File *file, uint64_t *offset, const char *const *names, int n) {
    Hdf5Bytes *image = &file->image;
    size_t bytes = 8;
    for (int i = 0; i < n; i++) {
        offset[i] = bytes;
        bytes += strlen(names[i]) / 8 * 8 + 8;
    }
    h5_bytes_align(image);
    uint64_t heap = image->n, data = heap + 32;
    h5_bytes_copy(image, "HEAP\0\0\0\0", 8);
    h5_bytes_number(image, bytes, 8);
    h5_bytes_number(image, 1, 8); /* nothing is free */
    h5_bytes_number(image, data, 8);
    uint8_t *to = h5_bytes_add(image, bytes);
    for (int i = 0; i < n; i++)
        memcpy(to + offset[i], names[i], strlen(names[i]));
    return heap;
}

static Level write_leaves(Hdf5File *file, const uint64_t *offset, const uint64_t *addresses, int n,
                          Arena *arena) {
    Level level = level_new((n + LEAF_MOST - 1) / LEAF_MOST, arena);
    for (int i = 0; i < level.n; i++) {
        int first = i * LEAF_MOST, here = at_most(n - first, LEAF_MOST);
        level.address[i] = file->image.n;
        level.last[i] = offset[first + here - 1];
        uint8_t *to = h5_bytes_add(&file->image, LEAF_BYTES);
        memcpy(to, "SNOD\1", 5);
        h5_bytes_set(to + 6, (uint64_t)here, 2);
        to += 8;
        for (int j = first; j < first + here; j++, to += 40) {
            h5_bytes_set(to, offset[j], 8);
            h5_bytes_set(to + 8, addresses[j], 8); /* nothing is cached in the rest */
        }
    }
    return level;
}

/* One level of the tree over `below`, which may be empty. Keys stand between the children: before
 * the first the greatest name to its left. */
static Level write_nodes(Hdf5File *file, const Level *below, int depth, Arena *arena) {
    int n = (below->n + NODE_MOST - 1) / NODE_MOST;
    Level level = level_new(n ? n : 1, arena);
    uint64_t first_node = file->image.n;
    for (int i = 0; i < level.n; i++) {
        int first = i * NODE_MOST, here = at_most(below->n - first, NODE_MOST);
        bool leftmost = i == 0, rightmost = i == level.n - 1;
        level.address[i] = first_node + (uint64_t)i * NODE_BYTES;
        level.last[i] = here ? below->last[first + here - 1] : 0;
        uint8_t *to = h5_bytes_add(&file->image, NODE_BYTES);
        memcpy(to, "TREE\0", 5); /* of a group */
        h5_bytes_set(to + 5, (uint64_t)depth, 1);
        h5_bytes_set(to + 6, (uint64_t)here, 2);
        h5_bytes_set(to + 8, leftmost ? HDF5_UNDEFINED : level.address[i] - NODE_BYTES, 8);
        h5_bytes_set(to + 16, rightmost ? HDF5_UNDEFINED : level.address[i] + NODE_BYTES, 8);
        to += 24;
        h5_bytes_set(to, first ? below->last[first - 1] : 0, 8);
        for (int j = first; j < first + here; j++, to += 16) {
            h5_bytes_set(to + 8, below->address[j], 8);
            h5_bytes_set(to + 16, below->last[j], 8);
        }
    }
    return level;
}

uint64_t h5_file_table(Hdf5File *file, const char *const *names, const uint64_t *addresses, int n) {
    Arena *scratch = arena_new();
    uint64_t *offset = ARENA_ARRAY(scratch, uint64_t, n);
    for (int i = 1; i < n; i++)
        assert(strcmp(names[i - 1], names[i]) < 0);
    uint64_t heap = write_names(file, offset, names, n);
    Level level = write_leaves(file, offset, addresses, n, scratch);
    int depth = 0;
    do
        level = write_nodes(file, &level, depth++, scratch);
    while (level.n > 1);
    Hdf5Object *group = h5_file_object(file);
    size_t opened = h5_file_message(group, HDF5_SYMBOL_TABLE);
    h5_bytes_number(&group->messages, level.address[0], 8);
    h5_bytes_number(&group->messages, heap, 8);
    h5_file_message_end(group, opened);
    arena_end(scratch);
    return h5_file_close(file, group);
}
