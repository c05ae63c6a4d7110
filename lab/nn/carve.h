/* Carve: hands out 64-byte aligned pieces of a block; with `base` NULL it only measures. */
#ifndef LAB_NN_CARVE_H
#define LAB_NN_CARVE_H

#include <stddef.h>

typedef struct Carve {
    char *base;
    size_t used;
} Carve;

static inline void *carve(Carve *from, size_t count, size_t size) {
    size_t at = from->used;
    from->used += (count * size + 63) / 64 * 64;
    return from->base ? from->base + at : NULL;
}

#endif
