#include "lab/train/checkpoint.h"

#include "lab/base/hash.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAGIC "batchlab"
#define VERSION 2u /* a reader on a machine of the other byte order sees another version */
#define ALIGN 64u
#define SPARE (1u << 20) /* bytes of disk that a checkpoint leaves to the journals */

enum { PIECE = 1 << 20 }; /* bytes read at a time: whole blocks of the hash */
_Static_assert(PIECE % HASH_BLOCK == 0, "pieces of an array are whole blocks");

/* 128 bytes. */
typedef struct CheckpointHead {
    char magic[8];
    uint32_t version;
    uint32_t n_arrays;
    uint64_t n_bytes; /* of the whole file */
    uint64_t n_text;
    int64_t step;
    char pad[24];
    char sha256[64]; /* hex digits: over the head before them, and block hashes of the rest */
} CheckpointHead;

typedef struct CheckpointEntry {
    char name[CHECKPOINT_NAME_ROOM];
    uint64_t kind;
    uint64_t n;
    uint64_t offset; /* from the start of the file */
} CheckpointEntry;

_Static_assert(sizeof(CheckpointHead) == 128 && sizeof(CheckpointEntry) == 64, "no padding");

size_t state_bytes(const StateArray *array) {
    return (size_t)array->n * (array->kind == STATE_FLOAT ? sizeof(float) : 8);
}

static uint64_t aligned(uint64_t offset) {
    return (offset + ALIGN - 1) / ALIGN * ALIGN;
}

/* ---- writing */

static void fill_table(CheckpointHead *head, CheckpointEntry *table, const StateArray *arrays,
                       int n) {
    uint64_t at = aligned(sizeof *head + head->n_text) + (uint64_t)n * sizeof *table;
    for (int i = 0; i < n; i++) {
        assert(strlen(arrays[i].name) < CHECKPOINT_NAME_ROOM);
        table[i] =
            (CheckpointEntry){.kind = arrays[i].kind, .n = (uint64_t)arrays[i].n, .offset = at};
        memcpy(table[i].name, arrays[i].name, strlen(arrays[i].name));
        at = aligned(at + state_bytes(&arrays[i]));
    }
    head->n_bytes = at;
}

/* The file as pieces in their order; zeros fill the gaps. Returns how many. */
static int cut(IoPiece *pieces, const CheckpointHead *head, const char *text,
               const CheckpointEntry *table, const StateArray *arrays, int n) {
    static const char zeros[ALIGN];
    int used = 0;
    pieces[used++] = (IoPiece){head, sizeof *head};
    pieces[used++] = (IoPiece){text, head->n_text};
    pieces[used++] = (IoPiece){zeros, aligned(head->n_text) - head->n_text};
    pieces[used++] = (IoPiece){table, (size_t)n * sizeof *table};
    for (int i = 0; i < n; i++) {
        size_t bytes = state_bytes(&arrays[i]);
        pieces[used++] = (IoPiece){arrays[i].data, bytes};
        pieces[used++] = (IoPiece){zeros, aligned(bytes) - bytes};
    }
    return used;
}

Error *checkpoint_write_aside(char aside[IO_PATH_ROOM], const char *path, int64_t step,
                              const char *text, const StateArray *arrays, int n) {
    assert(n <= CHECKPOINT_MAX_ARRAYS);
    Arena *scratch = arena_new();
    CheckpointHead head = {
        .version = VERSION, .n_arrays = (uint32_t)n, .n_text = strlen(text), .step = step};
    memcpy(head.magic, MAGIC, sizeof head.magic);
    CheckpointEntry *table = ARENA_ARRAY(scratch, CheckpointEntry, n);
    fill_table(&head, table, arrays, n);
    IoPiece *pieces = ARENA_ARRAY(scratch, IoPiece, 4 + 2 * n);
    int n_pieces = cut(pieces, &head, text, table, arrays, n);
    Hash hash = hash_new();
    hash_add(&hash, &head, offsetof(CheckpointHead, sha256));
    for (int i = 1; i < n_pieces; i++)
        hash_add_blocks(&hash, pieces[i].bytes, pieces[i].n);
    char hex[HASH_ROOM];
    hash_hex(&hash, hex);
    memcpy(head.sha256, hex, sizeof head.sha256);
    Error *error = io_check_room(path, head.n_bytes + SPARE);
    if (!error)
        error = io_write_aside(aside, path, pieces, n_pieces);
    arena_end(scratch);
    return error;
}

Error *checkpoint_write(const char *path, int64_t step, const char *text, const StateArray *arrays,
                        int n) {
    char aside[IO_PATH_ROOM];
    PASS(checkpoint_write_aside(aside, path, step, text, arrays, n));
    return io_publish(IO_DURABLE, aside, path);
}

/* ---- reading */

static Error *damaged(const char *path, const char *how) {
    return error_new(CODE_IO, "the checkpoint '%s' %s", path, how);
}

/* An open file, its head and its table. */
typedef struct Reader {
    const char *path;
    int fd;
    CheckpointHead head;
    CheckpointEntry *table;
} Reader;

static Error *read_at(const Reader *reader, void *to, size_t n, uint64_t offset) {
    char *at = to;
    while (n > 0) {
        ssize_t got = pread(reader->fd, at, n, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_new(CODE_IO, "cannot read '%s': %s", reader->path, strerror(errno));
        if (got == 0)
            return damaged(reader->path, "is shorter than it should be");
        at += got;
        offset += (uint64_t)got;
        n -= (size_t)got;
    }
    return NULL;
}

/* The head makes sense, and the file has the size that it tells. */
static Error *check_head(const Reader *reader) {
    const CheckpointHead *head = &reader->head;
    if (memcmp(head->magic, MAGIC, sizeof head->magic) != 0)
        return damaged(reader->path, "is none");
    if (head->version != VERSION)
        return damaged(reader->path, "was written by another version of the program");
    off_t size = lseek(reader->fd, 0, SEEK_END);
    if (size < 0 || (uint64_t)size < head->n_bytes)
        return damaged(reader->path, "is shorter than it should be");
    uint64_t least = sizeof *head + head->n_arrays * sizeof(CheckpointEntry);
    if ((uint64_t)size > head->n_bytes || head->n_arrays > CHECKPOINT_MAX_ARRAYS ||
        head->n_text > head->n_bytes || least + head->n_text > head->n_bytes)
        return damaged(reader->path, "is damaged");
    return NULL;
}

static Error *reader_open(Reader *out, const char *path, Arena *arena) {
    *out = (Reader){.path = path, .fd = open(path, O_RDONLY | O_CLOEXEC)};
    if (out->fd < 0)
        return error_new(CODE_IO, "cannot read '%s': %s", path, strerror(errno));
    PASS(read_at(out, &out->head, sizeof out->head, 0));
    PASS(check_head(out));
    out->table = ARENA_ARRAY(arena, CheckpointEntry, out->head.n_arrays);
    return read_at(out, out->table, out->head.n_arrays * sizeof *out->table,
                   sizeof out->head + aligned(out->head.n_text));
}

static void reader_close(Reader *reader) {
    if (reader->fd >= 0)
        close(reader->fd);
}

/* One piece of the file, as the writer had it in memory. */
static Error *hash_piece(Hash *hash, const Reader *reader, uint64_t *at, uint64_t n,
                         uint8_t *buffer) {
    for (uint64_t left = n; left > 0;) {
        uint64_t some = left < PIECE ? left : PIECE;
        PASS(read_at(reader, buffer, some, *at));
        hash_add_blocks(hash, buffer, some);
        *at += some;
        left -= some;
    }
    return NULL;
}

static uint64_t entry_bytes(const CheckpointEntry *entry) {
    uint64_t each = entry->kind == STATE_FLOAT ? sizeof(float) : 8;
    return entry->n <= UINT64_MAX / 16 ? entry->n * each : UINT64_MAX / 2;
}

static Error *check_hash(const Reader *reader, Arena *arena) {
    const CheckpointHead *head = &reader->head;
    uint8_t *buffer = arena_alloc(arena, PIECE);
    uint64_t at = sizeof *head;
    Hash hash = hash_new();
    hash_add(&hash, head, offsetof(CheckpointHead, sha256));
    PASS(hash_piece(&hash, reader, &at, head->n_text, buffer));
    PASS(hash_piece(&hash, reader, &at, aligned(head->n_text) - head->n_text, buffer));
    PASS(hash_piece(&hash, reader, &at, head->n_arrays * sizeof(CheckpointEntry), buffer));
    for (uint32_t i = 0; i < head->n_arrays; i++) {
        uint64_t n = entry_bytes(&reader->table[i]);
        if (reader->table[i].offset != at || n > head->n_bytes - at)
            return damaged(reader->path, "is damaged");
        PASS(hash_piece(&hash, reader, &at, n, buffer));
        PASS(hash_piece(&hash, reader, &at, aligned(n) - n, buffer));
    }
    char hex[HASH_ROOM];
    hash_hex(&hash, hex);
    return at == head->n_bytes && memcmp(hex, head->sha256, sizeof head->sha256) == 0
               ? NULL
               : damaged(reader->path, "is damaged: its SHA-256 does not match");
}

static Error *check_and_take(Checkpoint *out, const Reader *reader, Arena *arena) {
    PASS(check_hash(reader, arena));
    char *text = arena_alloc(arena, reader->head.n_text + 1);
    PASS(read_at(reader, text, reader->head.n_text, sizeof reader->head));
    *out = (Checkpoint){reader->path, reader->head.step, text};
    return NULL;
}

Error *checkpoint_check(Checkpoint *out, const char *path, Arena *arena) {
    Reader reader;
    Error *error = reader_open(&reader, path, arena);
    if (!error)
        error = check_and_take(out, &reader, arena);
    reader_close(&reader);
    return error;
}

static const CheckpointEntry *find_entry(const Reader *reader, const char *name) {
    for (uint32_t i = 0; i < reader->head.n_arrays; i++)
        if (strncmp(reader->table[i].name, name, CHECKPOINT_NAME_ROOM) == 0)
            return &reader->table[i];
    return NULL;
}

static Error *read_array(const Reader *reader, const StateArray *array) {
    const CheckpointEntry *entry = find_entry(reader, array->name);
    if (!entry)
        return error_new(CODE_IO, "the checkpoint '%s' lacks '%s'", reader->path, array->name);
    size_t bytes = state_bytes(array);
    if (entry->kind != array->kind || entry->n != (uint64_t)array->n ||
        entry->offset > reader->head.n_bytes || bytes > reader->head.n_bytes - entry->offset)
        return error_new(CODE_IO, "'%s' of the checkpoint '%s' has another kind or size",
                         array->name, reader->path);
    return read_at(reader, array->data, bytes, entry->offset);
}

static Error *check_wanted(const Reader *reader, const StateArray *arrays, int n) {
    for (uint32_t i = 0; i < reader->head.n_arrays; i++) {
        bool wanted = false;
        for (int j = 0; j < n; j++)
            wanted |= strncmp(reader->table[i].name, arrays[j].name, CHECKPOINT_NAME_ROOM) == 0;
        if (!wanted)
            return error_new(CODE_IO, "the checkpoint '%s' holds '%.*s', which is not known here",
                             reader->path, CHECKPOINT_NAME_ROOM, reader->table[i].name);
    }
    return NULL;
}

Error *checkpoint_read(const char *path, const StateArray *arrays, int n) {
    Arena *scratch = arena_new();
    Reader reader;
    Error *error = reader_open(&reader, path, scratch);
    if (!error)
        error = check_wanted(&reader, arrays, n);
    for (int i = 0; i < n && !error; i++)
        error = read_array(&reader, &arrays[i]);
    reader_close(&reader);
    arena_end(scratch);
    return error;
}
