#include "lab/store/h5_series.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>
#include <zlib.h>

/* Longer series are chunked, shuffled and deflated; shorter ones would only grow. */
enum {
    PLAIN_ELEMENTS = 1024,
    CHUNK_ELEMENTS = 4096, /* at least */
    MOST_CHUNKS = 64,      /* what one node of the index holds, as readers expect it (K = 32) */
    DEFLATE_LEVEL = 4,
    ELEMENT = 8, /* bytes of a number */
};

/* ---- data as it stands in memory */

static uint64_t elements(const Series *series) {
    return series->dims[0] * (series->n_dims == 2 ? series->dims[1] : 1);
}

static void put_numbers(Hdf5Bytes *image, const Series *series) {
    size_t at = image->n, n = elements(series);
    h5_bytes_copy(image, series->data, n * ELEMENT);
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
    for (size_t i = 0; i < n; i++)
        h5_bytes_set(image->data + at + i * ELEMENT, ((const uint64_t *)series->data)[i], ELEMENT);
#else
    (void)at;
#endif
}

/* Texts go to the heap, what refers to them into `out`. */
static void refer_texts(Hdf5File *file, Hdf5Bytes *out, const Series *series) {
    const char *const *text = series->data;
    for (uint64_t i = 0; i < elements(series); i++) {
        size_t n = strlen(text[i]);
        h5_file_refer(file, out, text[i], n, (uint32_t)n);
    }
}

static void add_layout(Hdf5Object *object, uint64_t address, uint64_t bytes) {
    size_t opened = h5_file_message(object, HDF5_LAYOUT);
    h5_bytes_copy(&object->messages, "\3\1", 2); /* version; contiguous */
    h5_bytes_number(&object->messages, address, 8);
    h5_bytes_number(&object->messages, bytes, 8);
    h5_file_message_end(object, opened);
}

static void write_plain(Hdf5File *file, Hdf5Object *object, const Series *series) {
    Hdf5Bytes *image = &file->image;
    uint64_t n = elements(series);
    if (n == 0) {
        add_layout(object, HDF5_UNDEFINED, 0);
    } else if (series->type == SERIES_TEXT) {
        Hdf5Bytes texts;
        h5_bytes_begin(&texts, 2 * ELEMENT * n);
        refer_texts(file, &texts, series); /* the heap may grow before the data begin */
        h5_bytes_align(image);
        add_layout(object, image->n, texts.n);
        h5_bytes_copy(image, texts.data, texts.n);
        h5_bytes_end(&texts);
    } else {
        h5_bytes_align(image);
        add_layout(object, image->n, ELEMENT * n);
        put_numbers(image, series);
    }
}

/* ---- data in chunks */

static uint64_t chunk_rows(const Series *series) {
    uint64_t width = series->n_dims == 2 ? series->dims[1] : 1;
    uint64_t least = CHUNK_ELEMENTS / width + 1;
    uint64_t share = (series->dims[0] + MOST_CHUNKS - 1) / MOST_CHUNKS;
    uint64_t rows = least > share ? least : share;
    return rows < series->dims[0] ? rows : series->dims[0];
}

/* First bytes of all elements, then the second ones, ...: n elements, rows beyond the last are 0.
 */
static void shuffle(uint8_t *out, const uint64_t *numbers, uint64_t n_there, uint64_t n) {
    for (uint64_t i = 0; i < n; i++)
        for (uint64_t b = 0; b < ELEMENT; b++)
            out[b * n + i] = (uint8_t)(i < n_there ? numbers[i] >> 8 * b : 0);
}

/* One chunk into the image; returns its bytes there. */
static uint64_t write_chunk(Hdf5Bytes *image, const uint64_t *numbers, uint64_t n_there,
                            uint64_t n) {
    Arena *scratch = arena_new();
    uLongf packed_bytes = compressBound(n * ELEMENT);
    uint8_t *shuffled = arena_alloc(scratch, n * ELEMENT);
    uint8_t *packed = arena_alloc(scratch, packed_bytes);
    shuffle(shuffled, numbers, n_there, n);
    int code = compress2(packed, &packed_bytes, shuffled, n * ELEMENT, DEFLATE_LEVEL);
    assert(code == Z_OK); /* there is room for the worst case */
    h5_bytes_copy(image, packed, packed_bytes);
    arena_end(scratch);
    return packed_bytes;
}

/* A key of the index: what the chunk takes, and where it begins (the last axis is the element). */
static uint8_t *put_key(uint8_t *to, uint64_t bytes, uint64_t row, int n_dims) {
    h5_bytes_set(to, bytes, 4);
    h5_bytes_set(to + 8, row, 8); /* after the mask of filters left out: none */
    return to + 8 + 8 * (n_dims + 1);
}

/* The chunks, then the one node that finds them; returns its address. */
static uint64_t write_chunks(Hdf5File *file, const Series *series, uint64_t rows) {
    Hdf5Bytes *image = &file->image;
    uint64_t width = series->n_dims == 2 ? series->dims[1] : 1, at[MOST_CHUNKS], n[MOST_CHUNKS];
    int n_chunks = 0;
    for (uint64_t row = 0; row < series->dims[0]; row += rows, n_chunks++) {
        uint64_t left = series->dims[0] - row;
        assert(n_chunks < MOST_CHUNKS);
        h5_bytes_align(image);
        at[n_chunks] = image->n;
        n[n_chunks] = write_chunk(image, (const uint64_t *)series->data + row * width,
                                  (left < rows ? left : rows) * width, rows * width);
    }
    h5_bytes_align(image);
    uint64_t node = image->n;
    size_t key = 8 + 8 * ((size_t)series->n_dims + 1);
    uint8_t *to = h5_bytes_add(image, 24 + MOST_CHUNKS * 8 + (MOST_CHUNKS + 1) * key);
    memcpy(to, "TREE\1\0", 6); /* of chunks, a leaf */
    h5_bytes_set(to + 6, (uint64_t)n_chunks, 2);
    h5_bytes_set(to + 8, HDF5_UNDEFINED, 8); /* no sibling on the left, none on the right */
    h5_bytes_set(to + 16, HDF5_UNDEFINED, 8);
    to += 24;
    for (int i = 0; i < n_chunks; i++, to += 8) {
        to = put_key(to, n[i], (uint64_t)i * rows, series->n_dims);
        h5_bytes_set(to, at[i], 8);
    }
    put_key(to, 0, (uint64_t)n_chunks * rows, series->n_dims);
    return node;
}

static void add_filters(Hdf5Object *object) {
    static const uint8_t filters[] = {
        2, 2,                                      /* version, filters */
        2, 0, 1, 0, 1, 0, ELEMENT,       0, 0, 0,  /* shuffle, optional */
        1, 0, 1, 0, 1, 0, DEFLATE_LEVEL, 0, 0, 0}; /* deflate */
    size_t opened = h5_file_message(object, HDF5_FILTERS);
    h5_bytes_copy(&object->messages, filters, sizeof filters);
    h5_file_message_end(object, opened);
}

static void write_packed(Hdf5File *file, Hdf5Object *object, const Series *series) {
    Hdf5Bytes *to = &object->messages;
    uint64_t rows = chunk_rows(series), node = write_chunks(file, series, rows);
    size_t opened = h5_file_message(object, HDF5_LAYOUT);
    h5_bytes_copy(to, "\3\2", 2); /* version; chunks */
    h5_bytes_number(to, (uint64_t)series->n_dims + 1, 1);
    h5_bytes_number(to, node, 8);
    h5_bytes_number(to, rows, 4);
    if (series->n_dims == 2)
        h5_bytes_number(to, series->dims[1], 4);
    h5_bytes_number(to, ELEMENT, 4);
    h5_file_message_end(object, opened);
    add_filters(object);
}

/* ---- a dataset's header */

static void add_shape(Hdf5Object *object, const Series *series, Hdf5Type type) {
    size_t opened = h5_file_message(object, HDF5_DATASPACE);
    h5_file_dataspace(&object->messages, series->n_dims, series->dims);
    h5_file_message_end(object, opened);
    opened = h5_file_message(object, HDF5_DATATYPE);
    h5_type_add(&object->messages, type, 0);
    h5_file_message_end(object, opened);
}

/* The default value, written when space is made: version, then allocation and write time. */
static void add_fill(Hdf5Object *object, bool packed) {
    enum { LATE = 2, INCREMENTAL = 3, IF_SET = 2 << 2 };
    size_t opened = h5_file_message(object, HDF5_FILL_VALUE);
    h5_bytes_number(&object->messages, 3, 1);
    h5_bytes_number(&object->messages, (packed ? INCREMENTAL : LATE) | IF_SET, 1);
    h5_file_message_end(object, opened);
}

static void add_labels(Hdf5File *file, Hdf5Object *object, const Series *series) {
    if (series->type != SERIES_TEXT)
        h5_file_text(file, object, "units", series->unit);
    h5_file_text(file, object, "long_name", series->meaning);
    if (series->type != SERIES_REAL)
        return;
    uint64_t nan;
    memcpy(&nan, &(double){NAN}, sizeof nan);
    Hdf5Value one = {.type = HDF5_FLOAT64, .n = 1};
    size_t opened = h5_file_attribute(object, "_FillValue", one);
    h5_bytes_number(&object->messages, nan, 8);
    h5_file_message_end(object, opened);
}

void h5_series_add(Hdf5Datasets *datasets, const Series *series) {
    static const Hdf5Type types[] = {HDF5_INT64, HDF5_FLOAT64, HDF5_TEXT};
    Hdf5File *file = datasets->file;
    Hdf5Object *object = h5_file_object(file);
    bool packed = series->type != SERIES_TEXT && elements(series) > PLAIN_ELEMENTS;
    add_shape(object, series, types[series->type]);
    add_fill(object, packed);
    if (packed)
        write_packed(file, object, series);
    else
        write_plain(file, object, series);
    add_labels(file, object, series);
    assert(datasets->n < HDF5_DATASETS);
    datasets->at[datasets->n].object = object;
    datasets->at[datasets->n].name = series->name;
    datasets->at[datasets->n++].n_dims = series->n_dims;
}

/* ---- dimension scales (HDF5 Dimension Scale Specification) */

static void add_string(Hdf5Object *object, const char *name, const char *value) {
    size_t n = strlen(value) + 1;
    size_t opened =
        h5_file_attribute(object, name, (Hdf5Value){.type = HDF5_STRING, .n = -1, .bytes = n});
    h5_bytes_copy(&object->messages, value, n);
    h5_file_message_end(object, opened);
}

/* What makes dataset `axis` the scale of that axis: its name, and who uses it. */
static void add_scale(const Hdf5Datasets *datasets, int axis, const uint64_t *addresses) {
    Hdf5Object *object = datasets->at[axis].object;
    add_string(object, "CLASS", "DIMENSION_SCALE");
    add_string(object, "NAME", datasets->at[axis].name);
    int n = datasets->n - datasets->n_scales;
    if (n == 0)
        return;
    size_t opened =
        h5_file_attribute(object, "REFERENCE_LIST", (Hdf5Value){.type = HDF5_SCALE_USE, .n = n});
    for (int i = datasets->n_scales; i < datasets->n; i++) {
        h5_bytes_number(&object->messages, addresses[i], 8);
        h5_bytes_number(&object->messages, (uint64_t)axis, 8); /* with four bytes of padding */
    }
    h5_file_message_end(object, opened);
}

/* The scales that dataset i uses, one for each axis. */
static void add_use(const Hdf5Datasets *datasets, int i, const uint64_t *addresses) {
    Hdf5Object *object = datasets->at[i].object;
    Hdf5Value lists = {.type = HDF5_REFERENCES, .n = datasets->at[i].n_dims};
    size_t opened = h5_file_attribute(object, "DIMENSION_LIST", lists);
    for (int axis = 0; axis < datasets->at[i].n_dims; axis++) {
        uint8_t reference[8];
        h5_bytes_set(reference, addresses[axis], 8);
        h5_file_refer(datasets->file, &object->messages, reference, sizeof reference, 1);
    }
    h5_file_message_end(object, opened);
}

static void attach(const Hdf5Datasets *datasets, const uint64_t *addresses) {
    for (int i = 0; i < datasets->n_scales; i++)
        add_scale(datasets, i, addresses);
    for (int i = datasets->n_scales; i < datasets->n && datasets->n_scales; i++)
        add_use(datasets, i, addresses);
}

/* Headers refer to each other, so they are made twice: first to see how long they are, then with
 * their addresses. */
void h5_series_end(Hdf5Datasets *datasets, Hdf5Object *group) {
    Hdf5File *file = datasets->file;
    uint64_t addresses[HDF5_DATASETS] = {0};
    size_t length[HDF5_DATASETS];
    h5_file_reserve(file, (size_t)(2 * datasets->n) * (HDF5_HEAP_HEAD + 8));
    Hdf5Heap heap = file->heap;
    for (int i = 0; i < datasets->n; i++)
        length[i] = datasets->at[i].object->messages.n;
    attach(datasets, addresses);
    uint64_t at = h5_file_address(file);
    for (int i = 0; i < datasets->n; i++) {
        addresses[i] = at;
        at += h5_file_object_bytes(datasets->at[i].object);
        datasets->at[i].object->messages.n = length[i];
    }
    file->heap = heap;
    attach(datasets, addresses);
    for (int i = 0; i < datasets->n; i++) {
        uint64_t address = h5_file_close(file, datasets->at[i].object);
        assert(address == addresses[i]);
        h5_file_link(group, datasets->at[i].name, address);
    }
}
