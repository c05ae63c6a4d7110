#include "lab/data/idx.h"

#include "lab/base/io.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#define IDX_UBYTE 0x08
#define MAX_ITEMS INT64_C(2147483647)
#define MAX_SIDE 4096
#define FETCH_AGAIN "the file is damaged or only partly copied; fetch it again"

static int64_t item_bytes(const Idx *idx) {
    return (int64_t)idx->height * idx->width;
}

static int64_t header_bytes(const Idx *idx) {
    return 4 + 4 * (int64_t)idx->n_dims;
}

static int64_t total_bytes(const Idx *idx) {
    return header_bytes(idx) + idx->n * item_bytes(idx);
}

static Error *find(Idx *idx, const char *folder, const char *name, Arena *arena) {
    const char *raw = arena_print(arena, "%s/%s", folder, name);
    const char *packed = arena_print(arena, "%s.gz", raw);
    idx->path = io_exists(raw) ? raw : packed;
    if (!io_exists(idx->path))
        return error_hint(error_new(CODE_MISSING, "there is neither '%s' nor '%s'", raw, packed),
                          "the folder must hold train-images-idx3-ubyte, train-labels-idx1-ubyte "
                          "and the same two "
                          "of t10k, raw or .gz");
    idx->stream = gzopen(idx->path, "rb");
    if (!idx->stream)
        return error_new(CODE_IO, "cannot open '%s': %s", idx->path, strerror(errno));
    gzbuffer(idx->stream, 1 << 17);
    return NULL;
}

/* Reads exactly n bytes; the error says how far the whole (decompressed) file got. */
static Error *read_bytes(Idx *idx, void *bytes, int64_t n, int64_t promised) {
    for (int64_t done = 0; done < n;) {
        int64_t ask = n - done < INT_MAX / 2 ? n - done : INT_MAX / 2;
        int got = gzread(idx->stream, (char *)bytes + done, (unsigned)ask);
        if (got > 0) {
            done += got;
            continue;
        }
        int code;
        const char *why = gzerror(idx->stream, &code);
        if (code != Z_OK && code != Z_BUF_ERROR && code != Z_STREAM_END)
            return error_hint(error_new(CODE_IO, "cannot read '%s': %s", idx->path,
                                        code == Z_ERRNO ? strerror(errno) : why),
                              FETCH_AGAIN);
        return error_hint(error_new(CODE_IO, "'%s' is truncated: expected %lld bytes%s, found %lld",
                                    idx->path, (long long)promised,
                                    gzdirect(idx->stream) ? "" : " when decompressed",
                                    (long long)gztell(idx->stream)),
                          FETCH_AGAIN);
    }
    return NULL;
}

static int64_t big_endian(const uint8_t *bytes) {
    return (int64_t)bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
}

static Error *check_magic(const Idx *idx, const uint8_t *magic) {
    const char *wanted = idx->n_dims == 3 ? "images (0x00000803)" : "labels (0x00000801)";
    if (magic[0] == 0 && magic[1] == 0 && magic[2] == IDX_UBYTE && magic[3] == idx->n_dims)
        return NULL;
    Error *error = error_new(CODE_IO, "'%s' is not an IDX file of %s: it begins with 0x%08llx",
                             idx->path, wanted, (unsigned long long)big_endian(magic));
    if (magic[0] || magic[1])
        return error_hint(error, "is it another format, or a downloaded error page?");
    if (magic[2] != IDX_UBYTE)
        return error_hint(error, "only unsigned bytes (type 0x08) of one channel can be read");
    return error_hint(error, "are the image and label files exchanged?");
}

static Error *read_header(Idx *idx) {
    uint8_t magic[4], dims[12] = {0};
    PASS(read_bytes(idx, magic, 4, header_bytes(idx)));
    PASS(check_magic(idx, magic));
    PASS(read_bytes(idx, dims, 4 * idx->n_dims, header_bytes(idx)));
    idx->n = big_endian(dims);
    int64_t height = idx->n_dims == 3 ? big_endian(dims + 4) : 1;
    int64_t width = idx->n_dims == 3 ? big_endian(dims + 8) : 1;
    if (idx->n < 1 || idx->n > MAX_ITEMS || height < 1 || width < 1 || height > MAX_SIDE ||
        width > MAX_SIDE)
        return error_hint(
            error_new(CODE_IO, "'%s' says it holds %lld items of %lld x %lld", idx->path,
                      (long long)idx->n, (long long)height, (long long)width),
            "1 to 2^31 - 1 items of 1 x 1 to %d x %d pixels are legal", MAX_SIDE, MAX_SIDE);
    idx->height = (int)height;
    idx->width = (int)width;
    return NULL;
}

/* A raw file tells its size without being read, and deflate shrinks nothing more than about 1032
 * times: a lying header must not make the caller ask for the memory it promises. */
static Error *check_size(const Idx *idx) {
    struct stat info;
    if (stat(idx->path, &info) != 0)
        return error_new(CODE_IO, "cannot look at '%s': %s", idx->path, strerror(errno));
    bool raw = gzdirect(idx->stream);
    int64_t most = raw ? info.st_size : 1032 * (int64_t)info.st_size;
    if (total_bytes(idx) > most)
        return error_hint(
            error_new(CODE_IO, "'%s' is truncated: expected %lld bytes%s, found %s%lld", idx->path,
                      (long long)total_bytes(idx), raw ? "" : " when decompressed",
                      raw ? "" : "at most ", (long long)most),
            FETCH_AGAIN);
    if (raw && total_bytes(idx) < most)
        return error_hint(
            error_new(CODE_IO,
                      "'%s' is longer than its header says: expected %lld bytes, found %lld",
                      idx->path, (long long)total_bytes(idx), (long long)most),
            FETCH_AGAIN);
    return NULL;
}

Error *idx_open(Idx *out, const char *folder, const char *name, int n_dims, Arena *arena) {
    assert(n_dims == 1 || n_dims == 3);
    *out = (Idx){.n_dims = n_dims, .height = 1, .width = 1};
    Error *error = find(out, folder, name, arena);
    if (!error)
        error = read_header(out);
    if (!error)
        error = check_size(out);
    if (error && out->stream) {
        gzclose_r(out->stream);
        out->stream = NULL;
    }
    return error;
}

Error *idx_read(Idx *idx, uint8_t *items, int64_t n) {
    return read_bytes(idx, items, n * item_bytes(idx), total_bytes(idx));
}

Error *idx_close(Idx *idx) {
    Error *error = NULL;
    uint8_t extra;
    if (!idx->stream)
        return NULL;
    if (gztell(idx->stream) == total_bytes(idx)) {
        /* Reading past the end is what makes zlib compare the checksum. */
        int got = gzread(idx->stream, &extra, 1);
        int code;
        const char *why = gzerror(idx->stream, &code);
        if (got > 0)
            error = error_new(CODE_IO, "'%s' goes on after the %lld bytes its header promises",
                              idx->path, (long long)total_bytes(idx));
        else if (got < 0 || code == Z_BUF_ERROR)
            error = error_new(CODE_IO, "'%s' ends badly: %s", idx->path, why);
    }
    gzclose_r(idx->stream);
    idx->stream = NULL;
    return error ? error_hint(error, FETCH_AGAIN) : NULL;
}
