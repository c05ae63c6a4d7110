/* Many runs at once: `plan` asks each whether it is finished, the report loads them all. */
#include "lab/store/run.h"

#include "lab/base/io.h"
#include "lab/base/say.h"
#include "lab/store/journal.h"
#include "lab/store/run_json.h"

#include <errno.h>
#include <fcntl.h>
#include <omp.h>
#include <string.h>
#include <unistd.h>

#define TAIL_BYTES 4096 /* holds any final frame */

/* The last bytes of a file; *n = 0 when it is missing. */
static Error *read_tail(uint8_t bytes[TAIL_BYTES], size_t *n, const char *path) {
    *n = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG
                   ? NULL
                   : error_new(CODE_IO, "cannot read '%s': %s", path, strerror(errno));
    off_t size = lseek(fd, 0, SEEK_END);
    off_t from = size > TAIL_BYTES ? size - TAIL_BYTES : 0;
    ssize_t got = size < 0 ? -1 : pread(fd, bytes, TAIL_BYTES, from);
    int reason = errno;
    close(fd);
    if (got < 0)
        return error_new(CODE_IO, "cannot read '%s': %s", path, strerror(reason));
    *n = (size_t)got;
    return NULL;
}

static Error *read_summary(RunSummary *out, const Frame *frame, const char *path, Arena *arena) {
    RunRecord end = {0};
    Json *object;
    PASS(json_parse(&object, (const char *)frame->payload, frame->n, path, arena));
    PASS(run_json_read_final(&end, object));
    *out = end.summary;
    return NULL;
}

/* A final frame that is not the last thing in the file (something foreign follows it), by reading
 * everything. */
static Error *search_final(bool *finished, RunSummary *summary, const char *run_folder,
                           Arena *arena) {
    RunRecord run;
    bool found;
    PASS(run_load(&run, &found, run_folder, arena));
    *finished = found && run.finished;
    if (*finished)
        *summary = run.summary;
    return NULL;
}

Error *run_is_finished(bool *finished, Outcome *outcome, const char *run_folder, Arena *arena) {
    RunSummary summary;
    Error *error = run_final(finished, &summary, run_folder, arena);
    *outcome = summary.outcome;
    return error;
}

Error *run_final(bool *finished, RunSummary *summary, const char *run_folder, Arena *arena) {
    (void)arena; /* nothing outlives the call */
    *finished = false;
    *summary = run_summary_new(OUTCOME_INTERRUPTED);
    Arena *scratch = arena_new();
    const char *path = arena_print(scratch, "%s/journal", run_folder);
    uint8_t *bytes = arena_alloc(scratch, TAIL_BYTES);
    size_t n;
    Frame last;
    Error *error = read_tail(bytes, &n, path);
    if (!error && n && journal_last(&last, bytes, n) && last.type == FRAME_FINAL) {
        error = read_summary(summary, &last, path, scratch);
        *finished = error == NULL;
    } else if (!error && n) {
        error = search_final(finished, summary, run_folder, scratch);
    }
    arena_end(scratch);
    return error;
}

#define HEAD_BYTES (8 * 1024)        /* holds most headers, */
#define LONG_HEAD_BYTES (256 * 1024) /* and this any */

/* The header frame, when the file begins with one. */
static bool read_head(Frame *out, const char *path, size_t most, Arena *arena) {
    uint8_t *bytes = arena_alloc(arena, most);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? 0 : pread(fd, bytes, most, 0);
    if (fd >= 0)
        close(fd);
    return got > 0 && journal_next(out, bytes, (size_t)got, 0) && out->type == FRAME_HEADER;
}

static Error *read_search(bool *searched, const Frame *head, const char *path, Arena *scratch) {
    Json *object;
    PASS(json_parse(&object, (const char *)head->payload, head->n, path, scratch));
    const Json *search = json_find(object, "search");
    *searched = search && search->kind != JSON_NULL;
    return NULL;
}

Error *run_is_searched(bool *searched, const char *run_folder) {
    *searched = false;
    Arena *scratch = arena_new();
    const char *path = arena_print(scratch, "%s/journal", run_folder);
    Frame head;
    Error *error = NULL;
    if (read_head(&head, path, HEAD_BYTES, scratch) ||
        read_head(&head, path, LONG_HEAD_BYTES, scratch))
        error = read_search(searched, &head, path, scratch);
    arena_end(scratch);
    return error;
}

/* Why a run is left out, or NULL. */
static Error *load_one(RunRecord *run, bool *found, const char *folder, const char *name,
                       Arena *arena) {
    PASS(run_load(run, found, arena_print(arena, "%s/%s", folder, name), arena));
    if (*found && strcmp(run->header.run_id, name) != 0)
        return error_new(CODE_IO, "its journal belongs to run '%s'", run->header.run_id);
    return NULL;
}

static void end_arena(void *arena) {
    arena_end(arena);
}

#define MOST_READERS 8

/* Nearly all of it is parsing: threads share the runs, each with an arena of its own, which ends
 * with the caller's. */
static void load_each(RunRecord *runs, bool *found, Error **error, const char *folder, char **names,
                      int n, Arena *arena) {
    Arena *own[MOST_READERS];
    int readers = omp_get_max_threads() < MOST_READERS ? omp_get_max_threads() : MOST_READERS;
    for (int i = 0; i < readers; i++)
        arena_at_end(arena, end_arena, own[i] = arena_new());
#pragma omp parallel for num_threads(readers) schedule(dynamic, 4)
    for (int i = 0; i < n; i++)
        error[i] = load_one(&runs[i], &found[i], folder, names[i], own[omp_get_thread_num()]);
}

Error *run_load_all(RunRecord **out, int *n, const char *experiment_folder, Arena *arena) {
    *out = NULL;
    *n = 0;
    const char *folder = arena_print(arena, "%s/runs", experiment_folder);
    if (!io_is_folder(folder))
        return NULL;
    char **names;
    int n_names;
    TRY(io_list(&names, &n_names, folder, arena), "cannot list the runs of '%s'",
        experiment_folder);
    RunRecord *runs = *out = ARENA_ARRAY(arena, RunRecord, n_names);
    bool *found = ARENA_ARRAY(arena, bool, n_names);
    Error **error = ARENA_ARRAY(arena, Error *, n_names);
    load_each(runs, found, error, folder, names, n_names, arena);
    for (int i = 0; i < n_names; i++) {
        if (error[i])
            say("run '%s/%s' is left out: %s", folder, names[i], error_root(error[i]));
        else if (found[i])
            runs[(*n)++] = runs[i];
        error_end(error[i]);
    }
    return NULL;
}
