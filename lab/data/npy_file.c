#include "lab/data/npy_file.h"

#include "lab/base/io.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MOST_HEADER (1 << 20) /* bytes; numpy writes about 120 */
#define FETCH_AGAIN "the file is damaged or only partly copied; write it again with numpy.save"

typedef struct {
    FILE *stream;
    char kind;     /* of a number: f float, i signed, u unsigned, b bool */
    int bytes;     /* of a number */
    int64_t begin; /* of the data */
} Npy;

/* ---- header */

static Error *read_exactly(PairArray *array, void *out, size_t n) {
    Npy *npy = array->handle;
    if (fread(out, 1, n, npy->stream) == n)
        return NULL;
    return error_hint(error_new(CODE_IO, "'%s' ends in its header", array->path), FETCH_AGAIN);
}

/* The text of the dictionary, which ends in a newline. */
static Error *read_header_text(char **text, PairArray *array, Arena *arena) {
    Npy *npy = array->handle;
    uint8_t head[8], length[4] = {0};
    PASS(read_exactly(array, head, sizeof head));
    if (memcmp(head, "\x93NUMPY", 6) != 0)
        return error_hint(error_new(CODE_IO, "'%s' is not an npy file: it begins with 0x%02x%02x",
                                    array->path, head[0], head[1]),
                          "numpy.save(path, array) writes one (not numpy.savez, not a text)");
    if (head[6] < 1 || head[6] > 3)
        return error_hint(error_new(CODE_IO, "'%s' is of npy version %d", array->path, head[6]),
                          "versions 1 to 3 can be read");
    size_t length_bytes = head[6] == 1 ? 2 : 4;
    PASS(read_exactly(array, length, length_bytes));
    uint32_t n = (uint32_t)length[0] | (uint32_t)length[1] << 8 | (uint32_t)length[2] << 16 |
                 (uint32_t)length[3] << 24;
    if (n > MOST_HEADER)
        return error_hint(error_new(CODE_IO, "'%s' says its header has %u bytes", array->path, n),
                          FETCH_AGAIN);
    *text = ARENA_ARRAY(arena, char, n + 1);
    npy->begin = (int64_t)(sizeof head + length_bytes + n);
    return read_exactly(array, *text, n);
}

/* What follows 'KEY': in the dictionary; NULL when it is not there. */
static const char *value_of(const char *text, const char *key) {
    const char *at = strstr(text, key);
    at = at ? at + strlen(key) : NULL;
    while (at && (*at == '\'' || *at == '"' || *at == ':' || isspace((unsigned char)*at)))
        at++;
    return at;
}

static Error *read_type(PairArray *array, const char *descr) {
    Npy *npy = array->handle;
    char order = descr ? descr[0] : '?';
    npy->kind = order && descr ? descr[1] : '?';
    npy->bytes = npy->kind && descr && order ? atoi(descr + 2) : 0;
    bool whole = strchr("iu", npy->kind) &&
                 (npy->bytes == 1 || npy->bytes == 2 || npy->bytes == 4 || npy->bytes == 8);
    bool real = npy->kind == 'f' && (npy->bytes == 4 || npy->bytes == 8);
    if (order == '>' && (whole || real))
        return error_hint(
            error_new(CODE_IO, "'%s' is big-endian ('>%c%d')", array->path, npy->kind, npy->bytes),
            "little-endian numbers can be read: array.astype('<%c%d')", npy->kind, npy->bytes);
    if (!strchr("<|=", order) || !order || !npy->kind || !(whole || real))
        return error_hint(error_new(CODE_IO, "'%s' holds numbers of the type '%.*s'", array->path,
                                    descr ? (int)strcspn(descr, "'\"") : 1, descr ? descr : "?"),
                          "x may be u1, f4 or f8, y any whole number i1 to i8 or u1 to u8");
    array->type = real                                  ? PAIR_FLOATS
                  : npy->kind == 'u' && npy->bytes == 1 ? PAIR_BYTES
                                                        : PAIR_WHOLE;
    return NULL;
}

/* "(12, 3, 4)", "(12,)" */
static Error *read_shape(PairArray *array, const char *text) {
    const char *at = text && *text == '(' ? text + 1 : NULL;
    while (at && *at != ')') {
        char *end;
        long long size = strtoll(at, &end, 10);
        if (end == at || size < 0 || array->n_dims == PAIR_DIMS) {
            at = NULL;
            break;
        }
        array->dims[array->n_dims++] = size;
        at = end + strspn(end, "L, ");
    }
    if (!at)
        return error_hint(error_new(CODE_IO, "'%s' has no shape that can be read: '%.40s'",
                                    array->path, text ? text : ""),
                          "at most %d dimensions are legal", PAIR_DIMS);
    return NULL;
}

static Error *check_size(const PairArray *array) {
    const Npy *npy = array->handle;
    struct stat info;
    if (fstat(fileno(npy->stream), &info) != 0)
        return error_new(CODE_IO, "cannot look at '%s': %s", array->path, strerror(errno));
    /* In double, because a lying header may promise more than 2^63 bytes. */
    double promised = (double)npy->begin, item = npy->bytes;
    for (int d = 0; d < array->n_dims; d++)
        item *= (double)array->dims[d];
    promised += item;
    if (promised == (double)info.st_size)
        return NULL;
    return error_hint(error_new(CODE_IO, "'%s' is %s: its header promises %.0f bytes, found %lld",
                                array->path,
                                promised > (double)info.st_size ? "truncated" : "too long",
                                promised, (long long)info.st_size),
                      FETCH_AGAIN);
}

static Error *read_header(PairArray *array, Arena *arena) {
    char *text = NULL;
    PASS(read_header_text(&text, array, arena));
    PASS(read_type(array, value_of(text, "descr")));
    const char *fortran = value_of(text, "fortran_order");
    PASS(read_shape(array, value_of(text, "shape")));
    if (!fortran || strncmp(fortran, "False", 5) != 0)
        return error_hint(error_new(CODE_IO, "'%s' is in Fortran order", array->path),
                          "C order can be read: numpy.ascontiguousarray(array)");
    return check_size(array);
}

/* ---- numbers */

static float float_at(const char *at, const Npy *npy) {
    float value;
    double wide;
    if (npy->bytes == 8) {
        memcpy(&wide, at, 8);
        return (float)wide;
    }
    memcpy(&value, at, 4);
    return value;
}

static int64_t whole_at(const char *at, const Npy *npy) {
    uint64_t bits = 0;
    memcpy(&bits, at, (size_t)npy->bytes);
    int unused = 64 - 8 * npy->bytes;
    if (npy->kind == 'i') /* the sign moves to the top */
        return (int64_t)(bits << unused) >> unused;
    return bits > INT64_MAX ? INT64_MAX : (int64_t)bits;
}

static Error *npy_read(PairArray *array, void *out, int as, int64_t n) {
    const Npy *npy = array->handle;
    int64_t count = n * pair_width(array);
    char chunk[8192];
    int64_t most = (int64_t)sizeof chunk / npy->bytes;
    for (int64_t done = 0; done < count;) {
        size_t now = (size_t)(count - done < most ? count - done : most);
        if (fread(chunk, (size_t)npy->bytes, now, npy->stream) != now)
            return error_hint(error_new(CODE_IO, "cannot read '%s': %s", array->path,
                                        ferror(npy->stream) ? strerror(errno) : "end of file"),
                              FETCH_AGAIN);
        if (as == PAIR_BYTES)
            memcpy((uint8_t *)out + done, chunk, now);
        for (size_t i = 0; as != PAIR_BYTES && i < now; i++) {
            const char *at = chunk + i * (size_t)npy->bytes;
            if (as == PAIR_FLOATS)
                ((float *)out)[done + (int64_t)i] = float_at(at, npy);
            else
                ((int64_t *)out)[done + (int64_t)i] = whole_at(at, npy);
        }
        done += (int64_t)now;
    }
    return NULL;
}

/* ---- */

static void npy_close(PairArray *array) {
    Npy *npy = array->handle;
    if (npy->stream)
        fclose(npy->stream);
}

Error *npy_open(PairArray *out, const char *path, Arena *arena) {
    Npy *npy = ARENA_NEW(arena, Npy);
    *out = (PairArray){.path = path, .read = npy_read, .close = npy_close, .handle = npy};
    if (!io_exists(path))
        return error_hint(error_new(CODE_MISSING, "there is no '%s'", path),
                          "the folder must hold x.npy and y.npy, as numpy.save writes them");
    npy->stream = fopen(path, "rb");
    if (!npy->stream)
        return error_new(CODE_IO, "cannot open '%s': %s", path, strerror(errno));
    return read_header(out, arena);
}
