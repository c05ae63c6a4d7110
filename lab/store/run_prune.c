/* The mark of a run that a search stopped at a rung. */
#include "lab/store/run.h"

#include "lab/base/io.h"
#include "lab/store/h5.h"
#include "lab/store/journal.h"
#include "lab/store/run_json.h"

#include <string.h>

/* Where the rows end: before a final record, or before a torn tail. */
static size_t end_of_rows(const uint8_t *bytes, size_t n) {
    Frame frame;
    size_t end = 0;
    while (journal_next(&frame, bytes, n, end) && frame.type != FRAME_FINAL)
        end = frame.end;
    return end;
}

/* The journal with another last record, written aside and renamed over it. */
static Error *replace_final(const RunRecord *run, const char *journal, Arena *arena) {
    char *bytes;
    size_t n;
    PASS(io_read(&bytes, &n, journal, arena));
    const char *text = json_canonical(run_json_final(run, arena), arena);
    size_t end = end_of_rows((const uint8_t *)bytes, n), n_text = strlen(text);
    uint8_t *whole = arena_alloc(arena, end + JOURNAL_HEAD + n_text + JOURNAL_TAIL);
    memcpy(whole, bytes, end);
    memcpy(whole + end + JOURNAL_HEAD, text, n_text);
    size_t frame = journal_seal(whole + end, FRAME_FINAL, n_text);
    return io_write(journal, whole, end + frame);
}

static Error *mark(const char *run_folder, int64_t step, Arena *arena) {
    RunRecord run;
    bool found;
    PASS(run_load(&run, &found, run_folder, arena));
    bool ended = run.finished && run.summary.outcome != OUTCOME_INTERRUPTED;
    if (!found || ended || run.summary.pruned_at_step == step)
        return NULL;
    run.summary.pruned_at_step = step;
    run.finished = true;
    PASS(replace_final(&run, arena_print(arena, "%s/journal", run_folder), arena));
    return h5_write_run(&run, arena_print(arena, "%s/run.h5", run_folder));
}

Error *run_mark_pruned(const char *run_folder, int64_t step) {
    Arena *arena = arena_new();
    Error *error = mark(run_folder, step, arena);
    arena_end(arena);
    return error ? error_wrap(error, "cannot mark run '%s' as pruned", run_folder) : NULL;
}
