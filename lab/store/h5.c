#include "lab/store/h5.h"

#include "lab/base/io.h"
#include "lab/store/h5_read.h"
#include "lab/store/h5_run.h"
#include "lab/store/provenance.h"
#include "lab/store/schema.h"

#include <pthread.h>
#include <string.h>

#define TEXT_OF_(x) #x
#define TEXT_OF(x) TEXT_OF_(x)

const char *h5_library(void) {
    return TEXT_OF(H5_VERS_MAJOR) "." TEXT_OF(H5_VERS_MINOR) "." TEXT_OF(H5_VERS_RELEASE);
}

/* The library may be built for one thread, and gathering has one of its own. */
static pthread_mutex_t library = PTHREAD_MUTEX_INITIALIZER;

Error *h5_image(uint8_t **out, size_t *n, const RunRecord *run, Hdf5Tap *tap, Arena *arena) {
    Hdf5File file;
    pthread_mutex_lock(&library);
    h5_file_begin(&file, 1 << 16);
    file.tap = tap;
    h5_run_add(&file, file.file, run);
    Error *error = h5_file_image(out, n, &file, arena);
    pthread_mutex_unlock(&library);
    return error;
}

void h5_take_down(Hdf5Tap *tap, const RunRecord *run) {
    Hdf5File nothing = {.tap = tap};
    h5_run_add(&nothing, H5I_INVALID_HID, run);
}

Error *h5_write_run(const RunRecord *run, const char *path) {
    Arena *scratch = arena_new();
    uint8_t *image;
    size_t n;
    Error *error = h5_image(&image, &n, run, NULL, scratch);
    error = error ? error : io_write_as(IO_WHOLE, path, image, n);
    arena_end(scratch);
    return error ? error_wrap(error, "cannot write '%s'", path) : NULL;
}

/* ---- what a gathered file says of itself */

#define RUNS "runs"
#define MARK "journal_mark"
#define BUILD "build"         /* the layout of the runs in it is that of this build */
#define REPLACED "n_replaced" /* runs that made way for another state of theirs: lost room */
#define FINGERPRINT "runs_sha256"

/* Identifies what a gathered file holds: the runs' journals and the program that wrote it. */
static const char *fingerprint(const RunRecord *runs, int n, char hex[HASH_ROOM]) {
    Hash hash = hash_new();
    hash_add(&hash, provenance_build(), strlen(provenance_build()) + 1);
    for (int i = 0; i < n; i++) {
        hash_add(&hash, runs[i].header.run_id, strlen(runs[i].header.run_id) + 1);
        hash_add(&hash, &runs[i].mark, sizeof runs[i].mark);
    }
    hash_hex(&hash, hex);
    return hex;
}

bool h5_is_current(const char *path, const RunRecord *runs, int n) {
    char hex[HASH_ROOM];
    pthread_mutex_lock(&library);
    bool current = h5_read_says(path, FINGERPRINT, fingerprint(runs, n, hex));
    pthread_mutex_unlock(&library);
    return current;
}

/* ---- gathering */

struct H5Gathered {
    Hdf5File file;
    hid_t runs; /* the group */
    int64_t n_replaced;
    bool from_file; /* some of it was there before */
};

#define GROWTH_BYTES (1 << 20)

static void begin_empty(H5Gathered *out) {
    *out = (H5Gathered){0};
    h5_file_begin(&out->file, GROWTH_BYTES);
    out->runs = h5_file_group(&out->file, out->file.file, RUNS);
}

static void end(H5Gathered *gathered) {
    h5_file_group_end(gathered->runs);
    h5_file_end(&gathered->file);
}

static bool begin_with(H5Gathered *out, const char *path) {
    *out = (H5Gathered){.from_file = true};
    if (!h5_read_says(path, BUILD, provenance_build()) ||
        !h5_file_open(&out->file, path, GROWTH_BYTES))
        return false;
    out->runs = H5Gopen2(out->file.file, RUNS, H5P_DEFAULT);
    if (out->runs >= 0 && h5_file_get_whole(out->file.file, REPLACED, &out->n_replaced))
        return true;
    end(out);
    return false;
}

H5Gathered *h5_gathered_new(const char *path, Arena *arena) {
    H5Gathered *out = ARENA_NEW(arena, H5Gathered);
    pthread_mutex_lock(&library);
    if (!path || !begin_with(out, path))
        begin_empty(out);
    pthread_mutex_unlock(&library);
    return out;
}

static bool holds(const H5Gathered *gathered, const char *id, bool *as_now, uint64_t mark) {
    int64_t value = 0;
    if (H5Lexists(gathered->runs, id, H5P_DEFAULT) <= 0)
        return false;
    hid_t group = H5Gopen2(gathered->runs, id, H5P_DEFAULT);
    *as_now = h5_file_get_whole(group, MARK, &value) && (uint64_t)value == mark;
    h5_file_group_end(group);
    return true;
}

static void add(H5Gathered *gathered, const RunRecord *run) {
    Hdf5File *file = &gathered->file;
    hid_t group = h5_file_group(file, gathered->runs, run->header.run_id);
    h5_file_whole(file, group, MARK, (int64_t)run->mark);
    h5_run_add(file, group, run);
    h5_file_group_end(group);
}

static void bring_up_to_date(H5Gathered *gathered, const RunRecord *run) {
    bool as_now = false, there = holds(gathered, run->header.run_id, &as_now, run->mark);
    if (there && as_now)
        return;
    if (there) {
        h5_file_remove(&gathered->file, gathered->runs, run->header.run_id);
        gathered->n_replaced++;
    }
    add(gathered, run);
}

void h5_gathered_add(H5Gathered *gathered, const RunRecord *run) {
    pthread_mutex_lock(&library);
    bring_up_to_date(gathered, run);
    pthread_mutex_unlock(&library);
}

bool h5_gathered_holds(const H5Gathered *gathered, const char *run_id) {
    bool as_now;
    pthread_mutex_lock(&library);
    bool there = holds(gathered, run_id, &as_now, 0);
    pthread_mutex_unlock(&library);
    return there;
}

int64_t h5_gathered_bytes(const H5Gathered *gathered) {
    hsize_t n = 0;
    pthread_mutex_lock(&library);
    H5Fget_filesize(gathered->file.file, &n);
    pthread_mutex_unlock(&library);
    return (int64_t)n;
}

static int count_runs(const H5Gathered *gathered) {
    H5G_info_t info = {0};
    H5Gget_info(gathered->runs, &info);
    return (int)info.nlinks;
}

/* What was begun with an older file is not worth going on with. */
static bool is_stale(const H5Gathered *gathered, int n) {
    return gathered->file.error || count_runs(gathered) != n || 2 * gathered->n_replaced > n;
}

static void describe(H5Gathered *gathered, const RunRecord *runs, int n, const char *experiment) {
    Hdf5File *file = &gathered->file;
    static const char *const names[] = {"experiment", "schema_version", "n_runs", FINGERPRINT,
                                        BUILD,        REPLACED};
    char hex[HASH_ROOM];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (gathered->from_file)
            H5Adelete(file->file, names[i]);
    h5_file_text(file, file->file, "experiment", experiment);
    h5_file_whole(file, file->file, "schema_version", SCHEMA_VERSION);
    h5_file_whole(file, file->file, "n_runs", n);
    h5_file_text(file, file->file, FINGERPRINT, fingerprint(runs, n, hex));
    h5_file_text(file, file->file, BUILD, provenance_build());
    h5_file_whole(file, file->file, REPLACED, gathered->n_replaced);
}

static Error *write_all(H5Gathered *gathered, const RunRecord *runs, int n, const char *experiment,
                        const char *path) {
    for (int i = 0; i < n; i++)
        bring_up_to_date(gathered, &runs[i]);
    if (!is_stale(gathered, n))
        describe(gathered, runs, n, experiment);
    if (is_stale(gathered, n)) {
        end(gathered);
        begin_empty(gathered);
        for (int i = 0; i < n; i++)
            add(gathered, &runs[i]);
        describe(gathered, runs, n, experiment);
    }
    h5_file_group_end(gathered->runs);
    return h5_file_write(&gathered->file, path);
}

Error *h5_gathered_write(H5Gathered *gathered, const RunRecord *runs, int n, const char *experiment,
                         const char *path) {
    pthread_mutex_lock(&library);
    Error *error = write_all(gathered, runs, n, experiment, path);
    pthread_mutex_unlock(&library);
    return error;
}

void h5_gathered_end(H5Gathered *gathered) {
    pthread_mutex_lock(&library);
    end(gathered);
    pthread_mutex_unlock(&library);
}
