#include "lab/store/h5_tap.h"

#include <assert.h>
#include <string.h>

void h5_tap_begin(Hdf5Tap *tap, Arena *arena) {
    *tap = (Hdf5Tap){.arena = arena, .shape = hash_new()};
}

void h5_tap_fill(Hdf5Tap *tap, const uint8_t *instead, Arena *arena) {
    h5_tap_begin(tap, arena);
    tap->instead = instead;
}

void h5_tap_shape(Hdf5Tap *tap, const char *name, const void *bytes, size_t n) {
    uint64_t size = n;
    hash_add(&tap->shape, name, strlen(name) + 1);
    hash_add(&tap->shape, &size, sizeof size);
    hash_add(&tap->shape, bytes, n);
}

/* Room for `n` things of `bytes` more than the first `used`. */
static void *grown(void *old, size_t used, size_t n, size_t *room, size_t bytes, Arena *arena) {
    if (used + n <= *room)
        return old;
    *room = 2 * (used + n) + 64;
    void *out = arena_alloc(arena, *room * bytes);
    if (used)
        memcpy(out, old, used * bytes);
    return out;
}

static void take_down(Hdf5Tap *tap, const void *value, size_t n) {
    size_t values_room = (size_t)tap->values_room;
    tap->bytes = grown(tap->bytes, tap->n_bytes, n, &tap->bytes_room, 1, tap->arena);
    tap->size =
        grown(tap->size, (size_t)tap->n_values, 1, &values_room, sizeof tap->size[0], tap->arena);
    tap->values_room = (int)values_room;
    memcpy(tap->bytes + tap->n_bytes, value, n);
    tap->size[tap->n_values++] = (uint32_t)n;
}

const void *h5_tap_value(Hdf5Tap *tap, const char *name, const void *value, size_t n) {
    assert(n == 0 || n >= 8);
    h5_tap_shape(tap, name, &n, sizeof n);
    if (n == 0)
        return value;
    const void *out = tap->instead ? tap->instead + tap->n_bytes : value;
    if (!tap->instead)
        take_down(tap, value, n);
    tap->n_bytes += n;
    return out;
}

const char *h5_tap_text(Hdf5Tap *tap, const char *name, const char *text) {
    size_t n = strlen(text);
    if (n < HDF5_TAP_SHORT) {
        h5_tap_shape(tap, name, text, n);
        return text;
    }
    const char *out = h5_tap_value(tap, name, text, n);
    return out == text ? text : arena_copy_n(tap->arena, out, n);
}
