#include "lab/store/calibration.h"

#include "lab/base/io.h"
#include "lab/store/h5_read.h"

#include <string.h>
#include <sys/utsname.h>

#define KIND "batchlab calibration"

typedef struct Field {
    CalibrationPart part;
    const char *name, *unit, *meaning;
    int type; /* of Series */
    bool key;
    size_t offset;
} Field;

static const Field fields[] = {
#define CALIBRATION(part_, Row, field_, type_, key_, unit_, meaning_)                              \
    {CALIBRATION_##part_, #field_, unit_, meaning_, SERIES_##type_, key_, offsetof(Row, field_)},
#include "lab/store/calibration.def"
#undef CALIBRATION
};
enum { N_FIELDS = sizeof fields / sizeof *fields };

static const struct {
    const char *name;
    size_t row_bytes;
} parts[CALIBRATION_N] = {{"sums", sizeof(SumTime)},
                          {"messages", sizeof(MessageTime)},
                          {"memory", sizeof(MemoryRate)},
                          {"passes", sizeof(PassTime)}};

const char *calibration_host(Arena *arena) {
    struct utsname system = {0};
    uname(&system);
    return arena_copy(arena, system.nodename);
}

const char *calibration_path(const char *results, const char *host, Arena *arena) {
    return arena_print(arena, "%s/calibration/%s.h5", results, host);
}

static char *row_of(const Calibration *calibration, CalibrationPart part, int64_t i) {
    return (char *)calibration->rows[part] + (size_t)i * parts[part].row_bytes;
}

/* ---- writing: one dataset a field; all fields are 8 bytes wide */

static void add_part(Hdf5File *file, const Calibration *calibration, CalibrationPart part,
                     Arena *arena) {
    int64_t n = calibration->n[part];
    char *column = arena_alloc(arena, 8 * (size_t)(n + 1));
    hid_t group = h5_file_group(file, file->file, parts[part].name);
    for (int f = 0; f < N_FIELDS; f++) {
        const Field *field = &fields[f];
        if (field->part != part)
            continue;
        for (int64_t i = 0; i < n; i++)
            memcpy(column + 8 * i, row_of(calibration, part, i) + field->offset, 8);
        Series series = {.name = field->name,
                         .unit = field->unit,
                         .meaning = field->meaning,
                         .type = field->type,
                         .n_dims = 1,
                         .dims = {(hsize_t)n, 0},
                         .data = column};
        h5_series_end(h5_series_add(file, group, &series));
    }
    h5_file_group_end(group);
}

static Error *make_folder(const char *path, Arena *arena) {
    const char *slash = strrchr(path, '/');
    return slash ? io_folder(arena_copy_n(arena, path, (size_t)(slash - path))) : NULL;
}

Error *calibration_write(const Calibration *calibration, const char *path) {
    Arena *arena = arena_new();
    Error *error = make_folder(path, arena);
    if (!error) {
        Hdf5File file;
        h5_file_begin(&file, 1 << 16);
        h5_file_text(&file, file.file, "kind", KIND);
        h5_file_whole(&file, file.file, "schema_version", 1);
        h5_file_text(&file, file.file, "host", calibration->host);
        h5_file_text(&file, file.file, "provenance", calibration->provenance);
        for (int part = 0; part < CALIBRATION_N; part++)
            add_part(&file, calibration, (CalibrationPart)part, arena);
        error = h5_file_write(&file, path);
    }
    arena_end(arena);
    return error;
}

/* ---- reading */

static Error *read_field(Calibration *out, const Field *field, const Hdf5Reader *reader, bool first,
                         Arena *arena) {
    Series series = {.name = arena_print(arena, "/%s/%s", parts[field->part].name, field->name),
                     .type = field->type};
    PASS(h5_read_series(&series, reader, arena));
    int n = (int)series.dims[0];
    if (first) {
        out->n[field->part] = n;
        out->rows[field->part] = arena_alloc(arena, parts[field->part].row_bytes * (size_t)(n + 1));
    } else if (n != out->n[field->part]) {
        return error_new(CODE_IO, "the columns of '/%s' in '%s' have different lengths",
                         parts[field->part].name, reader->path);
    }
    for (int64_t i = 0; i < n; i++)
        memcpy(row_of(out, field->part, i) + field->offset, (const char *)series.data + 8 * i, 8);
    return NULL;
}

static Error *read_all(Calibration *out, const Hdf5Reader *reader, Arena *arena) {
    const char *kind = h5_read_text(reader, "kind", arena);
    if (!kind || strcmp(kind, KIND) != 0)
        return error_hint(error_new(CODE_IO, "'%s' is not a calibration", reader->path),
                          "`batchlab bench comm` and `batchlab bench compute` write one");
    out->host = h5_read_text(reader, "host", arena);
    out->provenance = h5_read_text(reader, "provenance", arena);
    for (int f = 0; f < N_FIELDS; f++) {
        bool first = f == 0 || fields[f - 1].part != fields[f].part;
        PASS(read_field(out, &fields[f], reader, first, arena));
    }
    return NULL;
}

Error *calibration_load(Calibration *out, const char *path, Arena *arena) {
    Hdf5Reader reader;
    *out = (Calibration){.host = "unknown", .provenance = "none"};
    Error *error = h5_read_begin(&reader, path);
    if (!error)
        error = read_all(out, &reader, arena);
    h5_read_end(&reader);
    return error;
}

/* ---- replacing */

static bool same_field(const Field *field, const char *a, const char *b) {
    if (field->type != SERIES_TEXT)
        return memcmp(a + field->offset, b + field->offset, 8) == 0;
    const char *x, *y;
    memcpy(&x, a + field->offset, sizeof x);
    memcpy(&y, b + field->offset, sizeof y);
    return strcmp(x, y) == 0;
}

static bool same_thing(CalibrationPart part, const char *a, const char *b) {
    for (int f = 0; f < N_FIELDS; f++)
        if (fields[f].part == part && fields[f].key && !same_field(&fields[f], a, b))
            return false;
    return true;
}

void calibration_put(Calibration *calibration, CalibrationPart part, const void *rows, int n,
                     Arena *arena) {
    size_t bytes = parts[part].row_bytes;
    char *all = arena_alloc(arena, bytes * (size_t)(calibration->n[part] + n + 1));
    int kept = 0;
    for (int i = 0; i < calibration->n[part]; i++) {
        const char *row = row_of(calibration, part, i);
        bool replaced = false;
        for (int j = 0; j < n; j++)
            replaced |= same_thing(part, row, (const char *)rows + bytes * (size_t)j);
        if (!replaced)
            memcpy(all + bytes * (size_t)kept++, row, bytes);
    }
    if (n)
        memcpy(all + bytes * (size_t)kept, rows, bytes * (size_t)n);
    calibration->rows[part] = all;
    calibration->n[part] = kept + n;
}
