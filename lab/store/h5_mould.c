#include "lab/store/h5_mould.h"

#include "lab/base/io.h"
#include "lab/base/rng.h"
#include "lab/store/h5.h"

#include <string.h>

#define MOST_MOULDS 64
#define MOST_BYTES (64 << 10) /* of values: a longer run takes seconds itself */

typedef struct Mould {
    char shape[HASH_ROOM];
    uint8_t *image; /* (n); NULL: there is none of this shape */
    size_t n;
    uint32_t *place; /* of each value in the image */
} Mould;

struct H5Moulds {
    Arena *arena;
    Mould mould[MOST_MOULDS];
    int n;
    bool proven; /* one file was compared with the library's */
    bool off;    /* and differed */
};

H5Moulds *h5_moulds_new(Arena *arena) {
    H5Moulds *out = ARENA_NEW(arena, H5Moulds);
    out->arena = arena;
    return out;
}

int h5_moulds_count(const H5Moulds *moulds) {
    return moulds->off ? 0 : moulds->n;
}

/* ---- values that can be found again: random, and texts of letters */

static const uint8_t *strange_bytes(size_t n, Arena *arena) {
    uint8_t *out = arena_alloc(arena, n);
    Rng rng = rng_new(n, RNG_MOULD, 0);
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)('0' + rng_word(&rng) % 64); /* a text and a number alike */
    return out;
}

/* Values by their first 8 bytes. */
typedef struct Index {
    const uint8_t *bytes;
    const uint32_t *size;
    size_t *begin; /* (n) of each value in `bytes` */
    int n;
    int *slot; /* (n_slots) number of a value + 1, 0: empty */
    uint64_t n_slots;
} Index;

static uint64_t head(const uint8_t *bytes) {
    uint64_t out;
    memcpy(&out, bytes, sizeof out);
    return out;
}

static uint64_t slot_of(const Index *index, uint64_t key) {
    return (key * 0x9e3779b97f4a7c15u >> 32) & (index->n_slots - 1);
}

static Index index_values(const uint8_t *bytes, const Hdf5Tap *run, Arena *arena) {
    Index out = {.bytes = bytes, .size = run->size, .n = run->n_values, .n_slots = 64};
    while (out.n_slots < 4 * (uint64_t)out.n)
        out.n_slots *= 2;
    out.begin = ARENA_ARRAY(arena, size_t, out.n);
    out.slot = ARENA_ARRAY(arena, int, out.n_slots);
    size_t begin = 0;
    for (int i = 0; i < out.n; i++) {
        out.begin[i] = begin;
        uint64_t slot = slot_of(&out, head(bytes + begin));
        while (out.slot[slot])
            slot = (slot + 1) & (out.n_slots - 1);
        out.slot[slot] = i + 1;
        begin += run->size[i];
    }
    return out;
}

/* The value that stands at `at`, or -1. */
static int value_at(const Index *index, const uint8_t *at, size_t left) {
    uint64_t key = head(at);
    for (uint64_t slot = slot_of(index, key); index->slot[slot];
         slot = (slot + 1) & (index->n_slots - 1)) {
        int i = index->slot[slot] - 1;
        if (index->size[i] <= left &&
            memcmp(at, index->bytes + index->begin[i], index->size[i]) == 0)
            return i;
    }
    return -1;
}

/* Every value once; false when one stands nowhere or twice. */
static bool find_places(uint32_t *place, const Index *index, const uint8_t *image, size_t n) {
    int n_found = 0;
    for (size_t at = 0; at + 8 <= n; at++) {
        int i = value_at(index, image + at, n - at);
        if (i < 0)
            continue;
        if (place[i])
            return false;
        place[i] = (uint32_t)at; /* never 0, where the file says what it is */
        n_found++;
    }
    return n_found == index->n;
}

/* ---- making and using */

static const Mould *find(const H5Moulds *moulds, const char *shape) {
    for (int i = 0; i < moulds->n; i++)
        if (strcmp(moulds->mould[i].shape, shape) == 0)
            return &moulds->mould[i];
    return NULL;
}

/* Without an image when the library cannot, or hides a value: such runs go to the library. */
static void make(Mould *out, const RunRecord *run, const Hdf5Tap *values, Arena *arena,
                 Arena *scratch) {
    const uint8_t *strange = strange_bytes(values->n_bytes, scratch);
    uint8_t *image;
    Hdf5Tap fill;
    h5_tap_fill(&fill, strange, scratch);
    Error *error = h5_image(&image, &out->n, run, &fill, scratch);
    Index index = index_values(strange, values, scratch);
    out->place = ARENA_ARRAY(arena, uint32_t, values->n_values);
    if (!error && fill.n_bytes == values->n_bytes && find_places(out->place, &index, image, out->n))
        out->image = memcpy(arena_alloc(arena, out->n), image, out->n);
    error_end(error);
}

static const Mould *add(H5Moulds *moulds, const RunRecord *run, const Hdf5Tap *values,
                        const char *shape, Arena *scratch) {
    if (moulds->n == MOST_MOULDS)
        return NULL;
    Mould *out = &moulds->mould[moulds->n++];
    strcpy(out->shape, shape);
    make(out, run, values, moulds->arena, scratch);
    return out;
}

static uint8_t *cast(const Mould *mould, const Hdf5Tap *values, Arena *arena) {
    uint8_t *out = arena_alloc(arena, mould->n);
    const uint8_t *value = values->bytes;
    memcpy(out, mould->image, mould->n);
    for (int i = 0; i < values->n_values; value += values->size[i++])
        memcpy(out + mould->place[i], value, values->size[i]);
    return out;
}

static bool is_as_the_library_makes_it(const uint8_t *image, size_t n, const RunRecord *run,
                                       Arena *scratch) {
    uint8_t *expected;
    size_t n_expected = 0;
    Error *error = h5_image(&expected, &n_expected, run, NULL, scratch);
    bool same = !error && n_expected == n && memcmp(image, expected, n) == 0;
    error_end(error);
    return same;
}

/* The file, or NULL. */
static const uint8_t *cast_run(H5Moulds *moulds, size_t *n, const RunRecord *run, Arena *scratch) {
    Hdf5Tap values;
    char shape[HASH_ROOM];
    h5_tap_begin(&values, scratch);
    h5_take_down(&values, run);
    if (moulds->off || values.irregular || values.n_bytes > MOST_BYTES)
        return NULL;
    hash_hex(&values.shape, shape);
    const Mould *mould = find(moulds, shape);
    if (!mould)
        mould = add(moulds, run, &values, shape, scratch);
    if (!mould || !mould->image)
        return NULL;
    const uint8_t *image = cast(mould, &values, scratch);
    if (!moulds->proven)
        moulds->off = !is_as_the_library_makes_it(image, mould->n, run, scratch);
    moulds->proven = true;
    *n = mould->n;
    return moulds->off ? NULL : image;
}

Error *h5_moulds_write(H5Moulds *moulds, const RunRecord *run, const char *path) {
    Arena *scratch = arena_new();
    size_t n = 0;
    const uint8_t *image = cast_run(moulds, &n, run, scratch);
    Error *error = image ? io_write_as(IO_WHOLE, path, image, n) : h5_write_run(run, path);
    arena_end(scratch);
    return image && error ? error_wrap(error, "cannot write '%s'", path) : error;
}
