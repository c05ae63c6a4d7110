#include "lab/cli/gathering.h"

#include "lab/base/background.h"
#include "lab/base/io.h"
#include "lab/store/h5.h"

#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EARLY_BYTES (64 << 20)        /* held while runs go on, */
#define EARLY_JOURNAL_BYTES (1 << 20) /* from journals of no more */

typedef struct Seen {
    struct Seen *next;
    char *run_id;
} Seen;

struct Gathering {
    Arena *arena;
    const char *folder, *name, *path;
    Background *background; /* NULL: nothing was seen */
    pthread_mutex_t lock;   /* of the queue */
    Seen *first, **last;
    bool asked;
    H5Gathered *file; /* the thread's until it ends; NULL: not begun */
    Arena *file_arena;
};

Gathering *gathering_new(const char *folder, const char *name, Arena *arena) {
    Gathering *out = ARENA_NEW(arena, Gathering);
    *out = (Gathering){
        .arena = arena,
        .folder = folder,
        .name = name,
        .path = arena_print(arena, "%s/%s.h5", folder, name),
        .last = &out->first,
        .file_arena = arena_new(),
    };
    pthread_mutex_init(&out->lock, NULL);
    return out;
}

/* ---- while runs go on */

static const char *next_seen(Gathering *gathering) {
    pthread_mutex_lock(&gathering->lock);
    const Seen *seen = gathering->first;
    gathering->asked = seen != NULL;
    if (seen && !(gathering->first = seen->next))
        gathering->last = &gathering->first;
    pthread_mutex_unlock(&gathering->lock);
    return seen ? seen->run_id : NULL;
}

static bool is_small(const char *path, off_t most) {
    struct stat file;
    return stat(path, &file) != 0 || file.st_size <= most;
}

/* What cannot be read now is an error later, when all are. */
static void take_in(H5Gathered *file, const char *folder, const char *run_id) {
    Arena *scratch = arena_new();
    RunRecord run;
    bool found = false;
    const char *run_folder = arena_print(scratch, "%s/runs/%s", folder, run_id);
    Error *error = NULL;
    if (is_small(arena_print(scratch, "%s/journal", run_folder), EARLY_JOURNAL_BYTES))
        error = run_load(&run, &found, run_folder, scratch);
    if (!error && found && run.finished)
        h5_gathered_add(file, &run);
    error_end(error);
    arena_end(scratch);
}

/* A BackgroundJob. */
static Error *gather_early(void *data) {
    Gathering *gathering = data;
    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 19); /* of this thread */
    if (!gathering->file)
        gathering->file = h5_gathered_new(gathering->path, gathering->file_arena);
    for (const char *id; (id = next_seen(gathering));)
        if (h5_gathered_bytes(gathering->file) < EARLY_BYTES)
            take_in(gathering->file, gathering->folder, id);
    return NULL;
}

void gathering_see(Gathering *gathering, const char *run_id) {
    if (!gathering->background) {
        if (!is_small(gathering->path, EARLY_BYTES))
            return;
        Error *error = background_new(&gathering->background, gathering->arena);
        if (error) { /* all of it is done at the end then */
            error_end(error);
            return;
        }
    }
    Seen *seen = ARENA_NEW(gathering->arena, Seen);
    seen->run_id = arena_copy(gathering->arena, run_id);
    pthread_mutex_lock(&gathering->lock);
    *gathering->last = seen;
    gathering->last = &seen->next;
    bool ask = !gathering->asked;
    gathering->asked = true;
    pthread_mutex_unlock(&gathering->lock);
    if (ask)
        background_add(gathering->background, gather_early, gathering);
}

/* The run that the thread has in hand is its last. */
static void forget_seen(Gathering *gathering) {
    pthread_mutex_lock(&gathering->lock);
    gathering->first = NULL;
    gathering->last = &gathering->first;
    pthread_mutex_unlock(&gathering->lock);
}

void gathering_pause(Gathering *gathering) {
    forget_seen(gathering);
    if (gathering->background)
        error_end(background_wait(gathering->background));
}

static void end_thread(Gathering *gathering) {
    forget_seen(gathering);
    error_end(background_end(gathering->background));
    gathering->background = NULL;
}

/* ---- at the end */

/* Those whose writer died after the last record. */
static Error *write_runs(const Gathering *gathering, const RunRecord *runs, int n, bool each) {
    Arena *scratch = arena_new();
    Error *error = NULL;
    for (int i = 0; i < n && !error; i++) {
        const char *path =
            arena_print(scratch, "%s/runs/%s/run.h5", gathering->folder, runs[i].header.run_id);
        if (each || (runs[i].finished && !io_exists(path)))
            error = h5_write_run(&runs[i], path);
    }
    arena_end(scratch);
    return error;
}

static Error *write_all(Gathering *gathering, const RunRecord *runs, int n, bool each) {
    H5Gathered *file = gathering->file;
    if (!each && h5_is_current(gathering->path, runs, n))
        return NULL;
    gathering->file = NULL;
    if (!file)
        file = h5_gathered_new(each ? NULL : gathering->path, gathering->file_arena);
    return h5_gathered_write(file, runs, n, gathering->name, gathering->path);
}

Error *gathering_finish(Gathering *gathering, const RunRecord *runs, int n, bool each) {
    end_thread(gathering);
    PASS(write_runs(gathering, runs, n, each));
    return write_all(gathering, runs, n, each);
}

void gathering_end(Gathering *gathering) {
    end_thread(gathering);
    if (gathering->file)
        h5_gathered_end(gathering->file);
    pthread_mutex_destroy(&gathering->lock);
    arena_end(gathering->file_arena);
}
