#include "lab/store/h5_bytes.h"

#include <string.h>

void h5_bytes_begin(Hdf5Bytes *bytes, size_t room) {
    *bytes = (Hdf5Bytes){.arena = arena_new(), .room = room};
    bytes->data = arena_alloc(bytes->arena, room);
}

void h5_bytes_end(Hdf5Bytes *bytes) {
    arena_end(bytes->arena);
    *bytes = (Hdf5Bytes){0};
}

static void grow(Hdf5Bytes *bytes, size_t needed) {
    size_t room = 2 * bytes->room > needed ? 2 * bytes->room : needed;
    Arena *arena = arena_new();
    uint8_t *data = arena_alloc(arena, room);
    memcpy(data, bytes->data, bytes->n);
    arena_end(bytes->arena);
    *bytes = (Hdf5Bytes){arena, data, bytes->n, room};
}

uint8_t *h5_bytes_add(Hdf5Bytes *bytes, size_t n) {
    if (bytes->n + n > bytes->room)
        grow(bytes, bytes->n + n);
    uint8_t *to = bytes->data + bytes->n;
    memset(to, 0, n); /* the array is used again */
    bytes->n += n;
    return to;
}

void h5_bytes_copy(Hdf5Bytes *bytes, const void *from, size_t n) {
    uint8_t *to = h5_bytes_add(bytes, n);
    if (n)
        memcpy(to, from, n);
}

void h5_bytes_align(Hdf5Bytes *bytes) {
    h5_bytes_add(bytes, (8 - bytes->n % 8) % 8);
}

void h5_bytes_set(uint8_t *to, uint64_t value, int width) {
    for (int i = 0; i < width; i++)
        to[i] = (uint8_t)(value >> 8 * i);
}

void h5_bytes_number(Hdf5Bytes *bytes, uint64_t value, int width) {
    h5_bytes_set(h5_bytes_add(bytes, (size_t)width), value, width);
}

/* ---- lookup3; a, b, c are its state */

static uint32_t rotated(uint32_t x, int k) {
    return x << k | x >> (32 - k);
}

static uint32_t word(const uint8_t *from) {
    return from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}

static void mix(uint32_t s[3]) {
    static const int shift[6] = {4, 6, 8, 16, 19, 4};
    for (int i = 0; i < 6; i++) { /* a, b, c in turn: subtract the one before, add the one after */
        uint32_t *x = &s[i % 3], *y = &s[(i + 2) % 3], *z = &s[(i + 1) % 3];
        *x -= *y;
        *x ^= rotated(*y, shift[i]);
        *y += *z;
    }
}

static uint32_t finish(uint32_t s[3]) {
    static const int shift[7] = {14, 11, 25, 16, 4, 14, 24};
    for (int i = 0; i < 7; i++) {
        uint32_t *x = &s[(i + 2) % 3], y = s[(i + 1) % 3];
        *x ^= y;
        *x -= rotated(y, shift[i]);
    }
    return s[2];
}

uint32_t h5_bytes_checksum(const uint8_t *bytes, size_t n) {
    uint32_t start = 0xdeadbeefu + (uint32_t)n, s[3] = {start, start, start};
    if (n == 0)
        return s[2];
    for (; n > 12; n -= 12, bytes += 12) {
        for (int i = 0; i < 3; i++)
            s[i] += word(bytes + 4 * i);
        mix(s);
    }
    uint8_t rest[12] = {0};
    memcpy(rest, bytes, n);
    for (int i = 0; i < 3; i++)
        s[i] += word(rest + 4 * i);
    return finish(s);
}
