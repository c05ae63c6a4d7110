/* Writing a run: the journal is the record of truth, run.h5 is derived from it at the end. */
#include "lab/store/run.h"

#include "lab/base/clock.h"
#include "lab/base/io.h"
#include "lab/store/checkpoints.h"
#include "lab/store/digest.h"
#include "lab/store/journal.h"
#include "lab/store/run_disk.h"
#include "lab/store/run_json.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Rows go to the kernel after this many, or after as many seconds of training: what a killed writer
 * may lose. */
#define FLUSH_ROWS 64
#define FLUSH_S 1.0

struct RunWriter {
    Arena *arena;
    const char *folder, *experiment_folder;
    CheckpointLabel label;
    CheckpointThread checkpoint;
    bool keeps_checkpoints;
    IoLog *log;     /* rows up to the kernel */
    RunDisk *disk;  /* from there on */
    uint8_t *frame; /* room for the largest row frame */
    bool canonical;
    int n_layers;
    int64_t n_weights; /* and running statistics behind them */
    Digest digest;
    char trajectory_sha256[HASH_ROOM];
    float *weights; /* (n_weights) of the last digest: a copy costs less than a second hash each
                       time */
    bool has_weights;
    bool has_checkpoints; /* of its own, or of the run that it continues */
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

/* With `stays` under both names, where the file system has links: who reads the run meanwhile (the
 * ranking at a rung), or after a kill at this moment, finds a whole journal. */
static Error *keep_interrupted(const char *folder, const char *journal, bool stays, Arena *arena) {
    const char *kept;
    int number = 1;
    do
        kept = arena_print(arena, "%s/journal.interrupted-%d", folder, number++);
    while (io_exists(kept));
    if ((!stays || link(journal, kept) != 0) && rename(journal, kept) != 0)
        return error_new(CODE_IO, "cannot rename '%s': %s", journal, strerror(errno));
    return NULL;
}

/* What stands in the way of a new journal: an interrupted one is kept beside it; derived files go.
 */
static Error *make_way(const char *folder, const char *journal, bool stays, Arena *arena) {
    bool finished;
    Outcome outcome;
    PASS(run_is_finished(&finished, &outcome, folder, arena));
    if ((!finished || outcome == OUTCOME_INTERRUPTED) && io_exists(journal))
        PASS(keep_interrupted(folder, journal, stays, arena));
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
    _Static_assert(sizeof(CurvatureRow) <= sizeof(StepRow), "a step's frame has room for it");
    return JOURNAL_HEAD + (n > digest ? n : digest) + JOURNAL_TAIL;
}

static RunWriter *make_writer(const RunHeader *header, const char *experiment_folder,
                              Arena *arena) {
    RunWriter *writer = ARENA_NEW(arena, RunWriter);
    writer->arena = arena;
    writer->experiment_folder = arena_copy(arena, experiment_folder);
    writer->folder = arena_print(arena, "%s/runs/%s", experiment_folder, header->run_id);
    writer->label = checkpoints_label(header, arena);
    writer->keeps_checkpoints = header->mode == RUN_FULL && header->canonical;
    writer->frame = arena_alloc(arena, largest_frame(header));
    writer->canonical = header->canonical;
    writer->n_layers = header->n_layers;
    writer->n_weights = header->n_weights + header->n_running;
    writer->digest = digest_new();
    writer->weights = ARENA_ARRAY(arena, float, writer->n_weights);
    strcpy(writer->trajectory_sha256, "none");
    return writer;
}

static Error *add_header(RunWriter *writer, const RunHeader *header) {
    const char *text = json_canonical(run_json_header(header, writer->arena), writer->arena);
    return add_text(writer, FRAME_HEADER, text);
}

static Error *begin_journal(RunWriter *writer, const char *journal, const RunHeader *header) {
    PASS(make_way(writer->folder, journal, false, writer->arena));
    PASS(io_log_open(&writer->log, journal, true, writer->arena));
    PASS(add_header(writer, header));
    return io_log_flush(writer->log);
}

static Error *begin_disk(RunWriter *writer, const RunHeader *header) {
    return run_disk_new(&writer->disk, writer->log, writer->experiment_folder, header->run_id,
                        header->trial_id);
}

Error *run_begin(RunWriter **out, const char *experiment_folder, const RunHeader *header,
                 Arena *arena) {
    RunWriter *writer = make_writer(header, experiment_folder, arena);
    TRY(io_folder(writer->folder), "cannot begin run '%s'", header->run_id);
    Error *error = begin_journal(writer, arena_print(arena, "%s/journal", writer->folder), header);
    error = error ? error : begin_disk(writer, header);
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

static Error *sync_rows(RunWriter *writer) {
    PASS(flush(writer));
    return run_disk_sync(writer->disk);
}

static Error *add_step(RunWriter *writer, const StepRow *row) {
    if (writer->canonical)
        digest_step(&writer->digest, row);
    journal_pack(writer->frame + JOURNAL_HEAD, GROUP_STEPS, row);
    return add_frame(writer, FRAME_STEP, (size_t)schema_count(GROUP_STEPS) * 8);
}

static Error *add_eval(RunWriter *writer, const EvalRow *row, const LayerRow *layers) {
    if (writer->canonical)
        digest_eval(&writer->digest, row, layers, writer->n_layers);
    uint8_t *at = journal_pack(writer->frame + JOURNAL_HEAD, GROUP_EVAL, row);
    for (int i = 0; i < writer->n_layers; i++)
        at = journal_pack(at, GROUP_LAYERS, &layers[i]);
    return add_frame(writer, FRAME_EVAL, (size_t)(at - writer->frame) - JOURNAL_HEAD);
}

static Error *add_curvature(RunWriter *writer, const CurvatureRow *row) {
    journal_pack(writer->frame + JOURNAL_HEAD, GROUP_CURVATURE, row);
    return add_frame(writer, FRAME_CURVATURE, (size_t)schema_count(GROUP_CURVATURE) * 8);
}

static Error *add_digest(RunWriter *writer, int64_t step, const char sha256[HASH_ROOM]) {
    uint8_t *payload = writer->frame + JOURNAL_HEAD;
    journal_put64(payload, (uint64_t)step);
    memcpy(payload + 8, sha256, HASH_ROOM - 1);
    return add_frame(writer, FRAME_DIGEST, 8 + HASH_ROOM - 1);
}

static Error *record_step(void *self, const StepRow *row) {
    RunWriter *writer = self;
    Error *error = add_step(writer, row);
    writer->unflushed_s += row->step_s; /* the row's own time: no clock is asked */
    if (!error && (++writer->unflushed_rows >= FLUSH_ROWS || !(writer->unflushed_s < FLUSH_S)))
        error = flush(writer);
    return keep(writer, error);
}

static Error *record_eval(void *self, const EvalRow *row, const LayerRow *layers, int n_layers) {
    RunWriter *writer = self;
    assert(n_layers == writer->n_layers);
    Error *error = add_eval(writer, row, layers);
    return keep(writer, error ? error : sync_rows(writer));
}

static Error *record_curvature(void *self, const CurvatureRow *row) {
    RunWriter *writer = self;
    return keep(writer, add_curvature(writer, row));
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
    Error *error = add_digest(writer, step, writer->trajectory_sha256);
    return keep(writer, error ? error : flush(writer));
}

/* The rows first: a checkpoint is worth nothing without them. */
static Error *record_checkpoint(void *self, int64_t step, const StateArray *arrays, int n) {
    RunWriter *writer = self;
    PASS(keep(writer, io_log_sync(writer->log)));
    hash_hex(&writer->digest.rows, writer->label.rows);
    writer->has_checkpoints = true;
    return checkpoints_keep(&writer->checkpoint, writer->experiment_folder, &writer->label, step,
                            arrays, n);
}

void run_in_background(RunWriter *writer, const RunAside *aside) {
    run_disk_in_background(writer->disk, aside);
}

Recorder run_recorder(RunWriter *writer) {
    return (Recorder){writer,        record_step,
                      record_eval,   record_curvature,
                      record_digest, writer->keeps_checkpoints ? record_checkpoint : NULL};
}

/* ---- continuing */

/* Rows, evaluations and digests in the order in which they were recorded. */
static Error *copy_rows(RunWriter *writer, const RunRecord *before) {
    int evals = 0, curvatures = 0, digests = 0;
    for (int64_t i = 0; i < before->n_steps; i++) {
        StepRow row = before->steps[i];
        row.sample_s = row.compute_s = row.reduce_s = row.noise_s = row.update_s = row.step_s = NAN;
        PASS(add_step(writer, &row));
        for (; evals < before->n_evals && before->evals[evals].step == row.step; evals++)
            PASS(
                add_eval(writer, &before->evals[evals], before->layers + evals * writer->n_layers));
        for (; curvatures < before->n_curvatures && before->curvatures[curvatures].step == row.step;
             curvatures++)
            PASS(add_curvature(writer, &before->curvatures[curvatures]));
        for (; digests < before->n_digests && before->digests[digests].step == row.step;
             digests++) {
            strcpy(writer->trajectory_sha256, before->digests[digests].sha256);
            PASS(add_digest(writer, row.step, writer->trajectory_sha256));
        }
    }
    return NULL;
}

/* Made aside, so that the rows are whole in one journal or the other at any moment. */
static Error *continue_journal(RunWriter *writer, const RunHeader *header,
                               const RunRecord *before) {
    Arena *arena = writer->arena;
    const char *journal = arena_print(arena, "%s/journal", writer->folder);
    char *aside = arena_alloc(arena, IO_PATH_ROOM);
    if (!io_aside(aside, journal, NULL))
        return error_new(CODE_IO, "the name '%s' is too long", journal);
    PASS(io_log_open(&writer->log, aside, true, arena));
    Error *error = add_header(writer, header);
    error = error ? error : copy_rows(writer, before);
    error = error ? error : io_log_sync(writer->log);
    error = error ? error : make_way(writer->folder, journal, true, arena);
    error = error ? error : io_log_publish(writer->log, journal);
    if (error)
        unlink(aside);
    return error;
}

Error *run_continue(RunWriter **out, const char *experiment_folder, const RunHeader *header,
                    const RunRecord *before, Arena *arena) {
    RunWriter *writer = make_writer(header, experiment_folder, arena);
    Error *error = before->header.n_layers == header->n_layers
                       ? io_folder(writer->folder)
                       : error_new(CODE_IO, "its rows have other layers");
    writer->has_checkpoints = true;
    error = error ? error : continue_journal(writer, header, before);
    error = error ? error : begin_disk(writer, header);
    if (error) {
        run_abandon(writer);
        return error_wrap(error, "cannot continue run '%s' from step %lld", header->run_id,
                          (long long)header->resumed_from);
    }
    *out = writer;
    return NULL;
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

Error *run_finish(RunWriter *writer, const RunSummary *summary) {
    assert(!writer->finished);
    if (writer->broken) {
        run_abandon(writer);
        return error_new(CODE_IO, "run '%s' stays unfinished: an earlier record failed",
                         writer->folder);
    }
    Error *checkpoint = checkpoints_wait(&writer->checkpoint);
    if (checkpoint && summary->outcome == OUTCOME_INTERRUPTED) { /* nothing to go on from */
        run_abandon(writer);
        return error_wrap(checkpoint, "cannot finish run '%s'", writer->folder);
    }
    error_end(checkpoint);
    Error *error = add_final(writer, summary);
    Error *leaving = io_log_leave(writer->log);
    writer->log = NULL;
    if (error && leaving)
        error_end(leaving);
    error = error ? error : leaving;
    if (error) {
        run_abandon(writer);
        return error_wrap(error, "cannot finish run '%s'", writer->folder);
    }
    writer->finished = true;
    bool interrupted = summary->outcome == OUTCOME_INTERRUPTED;
    bool forget = writer->keeps_checkpoints && !interrupted && summary->outcome != OUTCOME_FAILED;
    if (forget && !writer->has_checkpoints) { /* what others left: this run does not need it */
        checkpoints_forget(writer->experiment_folder, writer->label.trial_id);
        forget = false;
    }
    return run_disk_finish(writer->disk, forget, interrupted || writer->has_checkpoints);
}

void run_abandon(RunWriter *writer) {
    writer->finished = true;
    error_end(checkpoints_wait(&writer->checkpoint));
    if (writer->log)
        error_end(io_log_leave(writer->log));
    if (writer->disk)
        run_disk_leave(writer->disk);
    writer->log = NULL;
    writer->disk = NULL;
}
