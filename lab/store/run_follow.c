#include "lab/store/run_follow.h"

#include "lab/base/io.h"
#include "lab/store/run_json.h"
#include "lab/store/run_rows.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>

RunFollow run_follow_new(const char *folder, Arena *arena) {
    return (RunFollow){.folder = arena_copy(arena, folder),
                       .summary = run_summary_new(OUTCOME_INTERRUPTED),
                       .examples_s = NAN};
}

void run_follow_end(RunFollow *run) {
    const char *folder = run->folder;
    arena_end(run->arena);
    *run = (RunFollow){
        .folder = folder, .summary = run_summary_new(OUTCOME_INTERRUPTED), .examples_s = NAN};
}

/* Rows that another run measured have no seconds. */
typedef struct Pace {
    double examples, seconds;
} Pace;

static void see_step(RunFollow *run, const Frame *frame, Pace *pace) {
    journal_unpack(&run->step, &run->reader->columns[GROUP_STEPS], frame->payload);
    run->n_steps++;
    if (run->step.step_s > 0) {
        pace->examples += (double)run->step.global_batch;
        pace->seconds += run->step.step_s;
    }
}

static Error *see_final(RunFollow *run, const Frame *frame, Arena *scratch) {
    Json *object;
    RunRecord end = {.trajectory_sha256 = "none"};
    PASS(json_parse(&object, (const char *)frame->payload, frame->n, run->reader->path, scratch));
    PASS(run_json_read_final(&end, object));
    run->summary = end.summary;
    run->finished = true;
    return NULL;
}

static Error *see_frame(RunFollow *run, const Frame *frame, Pace *pace, Arena *scratch) {
    if (frame->type == FRAME_STEP)
        see_step(run, frame, pace);
    if (frame->type == FRAME_EVAL) {
        journal_unpack(&run->eval, &run->reader->columns[GROUP_EVAL], frame->payload);
        run->n_evals++;
    }
    return frame->type == FRAME_FINAL ? see_final(run, frame, scratch) : NULL;
}

static Error *see_header(RunFollow *run, const char *path, const Frame *frame) {
    RunRecord record = {0};
    run->arena = arena_new();
    run->reader = ARENA_NEW(run->arena, RunReader);
    run->reader->path = arena_copy(run->arena, path);
    PASS(run_reader_header(run->reader, &record, frame, run->arena));
    run->header = record.header;
    run->begun = true;
    return NULL;
}

/* `bytes` stand at run->offset of the journal. */
static Error *see_bytes(RunFollow *run, const char *path, const char *bytes, size_t n,
                        Arena *scratch) {
    Frame frame;
    Pace pace = {0, 0};
    size_t at = 0;
    if (!run->begun) {
        if (!journal_next(&frame, (const uint8_t *)bytes, n, 0) || frame.type != FRAME_HEADER)
            return NULL;
        PASS(see_header(run, path, &frame));
        at = frame.end;
    }
    run->reader->bytes = (const uint8_t *)bytes;
    run->reader->n = n;
    Error *error = NULL;
    for (; !error && !run->finished && run_reader_next(&frame, run->reader, at); at = frame.end)
        error = see_frame(run, &frame, &pace, scratch);
    run->offset += at;
    if (pace.seconds > 0)
        run->examples_s = pace.examples / pace.seconds;
    return error;
}

Error *run_follow_look(RunFollow *run, bool *news) {
    *news = false;
    Arena *scratch = arena_new();
    const char *path = arena_print(scratch, "%s/journal", run->folder);
    struct stat info;
    Error *error = NULL;
    if (stat(path, &info) == 0) {
        if (run->inode != (uint64_t)info.st_ino || (size_t)info.st_size < run->offset) {
            run_follow_end(run); /* begun again */
            run->inode = (uint64_t)info.st_ino;
        }
        if ((size_t)info.st_size > run->offset && !run->finished) {
            char *bytes;
            size_t n, before = run->offset;
            error = io_read_from(&bytes, &n, path, run->offset, scratch);
            error = error ? error : see_bytes(run, path, bytes, n, scratch);
            *news = run->offset > before;
            run->changed_s = (double)info.st_mtim.tv_sec + 1e-9 * (double)info.st_mtim.tv_nsec;
        }
    }
    arena_end(scratch);
    if (error)
        return error_wrap(error, "cannot follow the run '%s'", run->folder);
    return NULL;
}

int64_t run_follow_steps(const RunFollow *run) {
    const RunHeader *header = &run->header;
    bool verify = header->mode == RUN_VERIFY && header->verify_steps < header->total_steps;
    return verify ? header->verify_steps : header->total_steps;
}
