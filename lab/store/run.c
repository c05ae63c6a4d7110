/* Writing a run: the journal is the record of truth, run.h5 is derived from it at the end. */
#include "lab/store/run.h"

#include "lab/base/clock.h"
#include "lab/base/io.h"
#include "lab/store/digest.h"
#include "lab/store/h5.h"
#include "lab/store/journal.h"
#include "lab/store/run_json.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Rows go to the kernel after this many, or after as many seconds of training: what a killed writer
 * may lose. */
#define FLUSH_ROWS 64
#define FLUSH_S 1.0

struct RunWriter {
    Arena *arena;
    const char *folder;
    IoLog *log;
    uint8_t *frame; /* room for the largest row frame */
    bool canonical;
    int n_layers;
    int64_t n_weights;
    Digest digest;
    char trajectory_sha256[HASH_ROOM];
    float *weights; /* (n_weights) of the last digest: a copy costs less than a second hash each
                       time */
    bool has_weights;
    int unflushed_rows;
    double unflushed_s;
    bool broken;   /* an earlier record failed: nothing more may follow it */
    bool finished; /* the final record is written */
};

/* Every record ends here: remembers a failure, so that no whole frame ever follows a torn one. */
static Error *keep(RunWriter *writer, Error *error) {
    writer->broken |= error != NULL;
    return error ? error_wrap(error, "cannot record run '%s'", writer->folder) : NULL;
}

static Error *add_frame(RunWriter *writer, FrameType type, size_t n) {
    assert(!writer->finished);
    return io_log_add(writer->log, writer->frame, journal_seal(writer->frame, type, n));
}

static Error *add_text(RunWriter *writer, FrameType type, const char *text) {
    size_t n = strlen(text);
    uint8_t *frame = arena_alloc(writer->arena, JOURNAL_HEAD + n + JOURNAL_TAIL);
    memcpy(frame + JOURNAL_HEAD, text, n);
    return io_log_add(writer->log, frame, journal_seal(frame, type, n));
}

/* ---- beginning */

static Error *keep_interrupted(const char *folder, const char *journal, Arena *arena) {
    const char *kept;
    int number = 1;
    do
        kept = arena_print(arena, "%s/journal.interrupted-%d", folder, number++);
    while (io_exists(kept));
    if (rename(journal, kept) != 0)
        return error_new(CODE_IO, "cannot rename '%s': %s", journal, strerror(errno));
    return NULL;
}

/* What stands in the way of a new journal: an unfinished one is kept beside it; derived files go.
 */
static Error *make_way(const char *folder, const char *journal, Arena *arena) {
    bool finished;
    Outcome outcome;
    PASS(run_is_finished(&finished, &outcome, folder, arena));
    if (!finished && io_exists(journal))
        PASS(keep_interrupted(folder, journal, arena));
    const char *derived = arena_print(arena, "%s/run.h5", folder);
    if (remove(derived) != 0 && errno != ENOENT)
        return error_new(CODE_IO, "cannot remove '%s': %s", derived, strerror(errno));
    return NULL;
}

static size_t largest_frame(const RunHeader *header) {
    size_t eval =
        sizeof(EvalRow) + (size_t)header->n_layers * sizeof(LayerRow); /* 8 bytes a column */
    size_t digest = 8 + HASH_ROOM;
    size_t n = eval > sizeof(StepRow) ? eval : sizeof(StepRow);
    return JOURNAL_HEAD + (n > digest ? n : digest) + JOURNAL_TAIL;
}

static RunWriter *make_writer(const RunHeader *header, const char *folder, Arena *arena) {
    RunWriter *writer = ARENA_NEW(arena, RunWriter);
    writer->arena = arena;
    writer->folder = folder;
    writer->frame = arena_alloc(arena, largest_frame(header));
    writer->canonical = header->canonical;
    writer->n_layers = header->n_layers;
    writer->n_weights = header->n_weights;
    writer->digest = digest_new();
    writer->weights = ARENA_ARRAY(arena, float, header->n_weights);
    strcpy(writer->trajectory_sha256, "none");
    return writer;
}

Error *run_begin(RunWriter **out, const char *experiment_folder, const RunHeader *header,
                 Arena *arena) {
    const char *folder = arena_print(arena, "%s/runs/%s", experiment_folder, header->run_id);
    const char *journal = arena_print(arena, "%s/journal", folder);
    TRY(io_folder(folder), "cannot begin run '%s'", header->run_id);
    TRY(make_way(folder, journal, arena), "cannot begin run '%s'", header->run_id);
    RunWriter *writer = make_writer(header, folder, arena);
    TRY(io_log_open(&writer->log, journal, true, arena), "cannot begin run '%s'", header->run_id);
    const char *text = json_canonical(run_json_header(header, arena), arena);
    Error *error = add_text(writer, FRAME_HEADER, text);
    error = error ? error : io_log_sync(writer->log);
    if (error) {
        run_abandon(writer);
        return error_wrap(error, "cannot begin run '%s'", header->run_id);
    }
    *out = writer;
    return NULL;
}

/* ---- recording */

static Error *flush(RunWriter *writer) {
    writer->unflushed_rows = 0;
    writer->unflushed_s = 0;
    return io_log_flush(writer->log);
}

static Error *record_step(void *self, const StepRow *row) {
    RunWriter *writer = self;
    if (writer->canonical)
        digest_step(&writer->digest, row);
    journal_pack(writer->frame + JOURNAL_HEAD, GROUP_STEPS, row);
    Error *error = add_frame(writer, FRAME_STEP, (size_t)schema_count(GROUP_STEPS) * 8);
    writer->unflushed_s += row->step_s; /* the row's own time: no clock is asked */
    if (!error && (++writer->unflushed_rows >= FLUSH_ROWS || !(writer->unflushed_s < FLUSH_S)))
        error = flush(writer);
    return keep(writer, error);
}

static Error *record_eval(void *self, const EvalRow *row, const LayerRow *layers, int n_layers) {
    RunWriter *writer = self;
    assert(n_layers == writer->n_layers);
    if (writer->canonical)
        digest_eval(&writer->digest, row, layers, n_layers);
    uint8_t *at = journal_pack(writer->frame + JOURNAL_HEAD, GROUP_EVAL, row);
    for (int i = 0; i < n_layers; i++)
        at = journal_pack(at, GROUP_LAYERS, &layers[i]);
    Error *error = add_frame(writer, FRAME_EVAL, (size_t)(at - writer->frame) - JOURNAL_HEAD);
    return keep(writer, error ? error : io_log_sync(writer->log));
}

static Error *record_digest(void *self, int64_t step, const float *weights, int64_t n_weights) {
    RunWriter *writer = self;
    assert(n_weights == writer->n_weights && !writer->finished);
    if (n_weights)
        memcpy(writer->weights, weights, (size_t)n_weights * sizeof weights[0]);
    writer->has_weights = true;
    if (!writer->canonical)
        return NULL;
    digest_value(writer->trajectory_sha256, &writer->digest, weights, n_weights);
    uint8_t *payload = writer->frame + JOURNAL_HEAD;
    journal_put64(payload, (uint64_t)step);
    memcpy(payload + 8, writer->trajectory_sha256, HASH_ROOM - 1);
    Error *error = add_frame(writer, FRAME_DIGEST, 8 + HASH_ROOM - 1);
    return keep(writer, error ? error : flush(writer));
}

Recorder run_recorder(RunWriter *writer) {
    return (Recorder){writer, record_step, record_eval, record_digest};
}

/* ---- ending */

static Error *add_final(RunWriter *writer, const RunSummary *summary) {
    RunRecord *end = ARENA_NEW(writer->arena, RunRecord);
    end->summary = *summary;
    strcpy(end->trajectory_sha256, writer->trajectory_sha256);
    strcpy(end->weights_sha256, "none");
    if (writer->has_weights)
        digest_weights(end->weights_sha256, writer->weights, writer->n_weights);
    clock_utc(end->end_utc);
    return add_text(writer, FRAME_FINAL,
                    json_canonical(run_json_final(end, writer->arena), writer->arena));
}

static Error *derive_hdf5(const char *folder) {
    Arena *arena = arena_new();
    RunRecord run;
    bool found = false;
    Error *error = run_load(&run, &found, folder, arena);
    if (!error && found)
        error = h5_write_run(&run, arena_print(arena, "%s/run.h5", folder));
    arena_end(arena);
    return error;
}

Error *run_finish(RunWriter *writer, const RunSummary *summary) {
    assert(!writer->finished);
    if (writer->broken) {
        run_abandon(writer);
        return error_new(CODE_IO, "run '%s' stays unfinished: an earlier record failed",
                         writer->folder);
    }
    Error *error = add_final(writer, summary);
    Error *closing = io_log_close(writer->log);
    writer->log = NULL;
    writer->finished = true;
    if (error && closing) {
        error_end(closing);
        closing = NULL;
    }
    error = error ? error : closing;
    if (error)
        return error_wrap(error, "cannot finish run '%s'", writer->folder);
    TRY(derive_hdf5(writer->folder), "run '%s' is complete, but its HDF5 file is not",
        writer->folder);
    return NULL;
}

void run_abandon(RunWriter *writer) {
    writer->finished = true;
    if (writer->log)
        error_end(io_log_close(writer->log));
    writer->log = NULL;
}
