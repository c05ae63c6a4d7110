/* Reading runs back from their journals. */
#include "lab/store/run_rows.h"

#include "lab/base/io.h"
#include "lab/store/run_json.h"
#include "lab/train/metric.h"

#include <math.h>
#include <string.h>

bool run_reader_next(Frame *out, const RunReader *reader, size_t offset) {
    if (!journal_next(out, reader->bytes, reader->n, offset))
        return false;
    size_t step = (size_t)reader->columns[GROUP_STEPS].n * 8;
    size_t eval = (size_t)reader->columns[GROUP_EVAL].n * 8;
    size_t layer = (size_t)reader->columns[GROUP_LAYERS].n * 8;
    if (out->type == FRAME_STEP)
        return out->n == step;
    if (out->type == FRAME_EVAL)
        return out->n == eval + (size_t)reader->n_layers * layer;
    if (out->type == FRAME_CURVATURE)
        return out->n == (size_t)reader->columns[GROUP_CURVATURE].n * 8;
    if (out->type == FRAME_DIGEST)
        return out->n == 8 + HASH_ROOM - 1;
    return true;
}

Error *run_reader_header(RunReader *reader, RunRecord *out, const Frame *frame, Arena *arena) {
    Json *object;
    PASS(json_parse(&object, (const char *)frame->payload, frame->n, reader->path, arena));
    PASS(run_json_read_header(&out->header, object, arena));
    reader->n_layers = out->header.n_layers;
    const Json *columns = json_find(object, "columns");
    for (SchemaGroup group = 0; group < GROUP_N; group++) {
        const Json *list = columns ? json_find(columns, schema_group_name(group)) : NULL;
        PASS(journal_columns_read(&reader->columns[group], group, list, arena));
    }
    const char *config = out->header.config, *search = out->header.search;
    Json *parsed = json_object(arena);
    if (config)
        PASS(json_parse(&parsed, config, strlen(config), reader->path, arena));
    out->config = parsed;
    if (search) {
        PASS(json_parse(&parsed, search, strlen(search), reader->path, arena));
        out->search = parsed;
    }
    return NULL;
}

/* Makes room for the rows of the whole prefix, at most up to a final frame; returns where it ends.
 */
static size_t count_rows(RunRecord *out, const RunReader *reader, size_t offset, Arena *arena) {
    Frame frame;
    for (; !out->finished && run_reader_next(&frame, reader, offset); offset = frame.end) {
        out->n_steps += frame.type == FRAME_STEP;
        out->n_evals += frame.type == FRAME_EVAL;
        out->n_curvatures += frame.type == FRAME_CURVATURE;
        out->n_digests += frame.type == FRAME_DIGEST;
        out->finished |= frame.type == FRAME_FINAL;
    }
    out->steps = ARENA_ARRAY(arena, StepRow, out->n_steps);
    out->evals = ARENA_ARRAY(arena, EvalRow, out->n_evals);
    out->layers = ARENA_ARRAY(arena, LayerRow, (int64_t)out->n_evals * reader->n_layers);
    out->curvatures = ARENA_ARRAY(arena, CurvatureRow, out->n_curvatures);
    out->digests = ARENA_ARRAY(arena, RunDigest, out->n_digests);
    out->n_steps = out->n_evals = out->n_curvatures = out->n_digests = 0;
    return offset;
}

static void read_eval(RunRecord *out, const RunReader *reader, const Frame *frame) {
    const uint8_t *at = frame->payload;
    LayerRow *layers = out->layers + (int64_t)out->n_evals * reader->n_layers;
    journal_unpack(&out->evals[out->n_evals++], &reader->columns[GROUP_EVAL], at);
    at += (size_t)reader->columns[GROUP_EVAL].n * 8;
    for (int i = 0; i < reader->n_layers; i++) {
        journal_unpack(&layers[i], &reader->columns[GROUP_LAYERS], at);
        at += (size_t)reader->columns[GROUP_LAYERS].n * 8;
    }
}

static void read_digest(RunRecord *out, const Frame *frame) {
    RunDigest *digest = &out->digests[out->n_digests++];
    digest->step = (int64_t)journal_get64(frame->payload);
    memcpy(digest->sha256, frame->payload + 8, HASH_ROOM - 1);
    memcpy(out->trajectory_sha256, digest->sha256, HASH_ROOM);
}

static Error *read_frame(RunRecord *out, const RunReader *reader, const Frame *frame,
                         Arena *arena) {
    if (frame->type == FRAME_STEP)
        journal_unpack(&out->steps[out->n_steps++], &reader->columns[GROUP_STEPS], frame->payload);
    if (frame->type == FRAME_EVAL)
        read_eval(out, reader, frame);
    if (frame->type == FRAME_CURVATURE)
        journal_unpack(&out->curvatures[out->n_curvatures++], &reader->columns[GROUP_CURVATURE],
                       frame->payload);
    if (frame->type == FRAME_DIGEST)
        read_digest(out, frame);
    if (frame->type == FRAME_FINAL) {
        Json *object;
        PASS(json_parse(&object, (const char *)frame->payload, frame->n, reader->path, arena));
        PASS(run_json_read_final(out, object));
    }
    return NULL;
}

/* ---- the summary of a run that never wrote one */

static bool reaches(const EvalRow *row, const RunHeader *header) {
    Metric metric = header->metric ? metric_find(header->metric) : METRIC_N;
    return metric != METRIC_N && metric_reaches(metric, metric_value(row, metric), header->target);
}

static void see_eval(RunSummary *summary, const EvalRow *row, const RunHeader *header) {
    if (isnan(summary->steps_to_target) && reaches(row, header)) {
        summary->steps_to_target = (double)row->step;
        summary->examples_to_target = (double)row->examples;
        summary->seconds_to_target = row->wall_s;
    }
    if (isnan(summary->best_valid_accuracy) || row->valid_accuracy > summary->best_valid_accuracy) {
        summary->best_valid_accuracy = row->valid_accuracy;
        summary->test_accuracy_at_best_valid = row->test_accuracy;
    }
    summary->final_valid_accuracy = row->valid_accuracy;
    summary->final_test_accuracy = row->test_accuracy;
    summary->best_valid_loss = fmin(summary->best_valid_loss, row->valid_loss);
    summary->final_valid_loss = row->valid_loss;
}

static void rebuild_summary(RunRecord *run) {
    run->summary = run_summary_new(OUTCOME_INTERRUPTED);
    if (run->n_steps)
        run->summary.steps_run = run->steps[run->n_steps - 1].step;
    for (int i = 0; i < run->n_evals; i++)
        see_eval(&run->summary, &run->evals[i], &run->header);
}

/* ---- whole runs */

static Error *check_damage(const RunReader *reader, size_t end) {
    Frame last;
    if (!journal_last(&last, reader->bytes, reader->n) || last.type != FRAME_FINAL)
        return NULL; /* an unfinished run: its torn tail is dropped */
    return error_hint(error_new(CODE_IO,
                                "'%s' is damaged at byte %zu of %zu, although its run ended",
                                reader->path, end, reader->n),
                      "`batchlab run ... --rerun RUN_ID` measures the run again");
}

/* FNV-1a over the frames' CRCs. */
static void add_to_mark(RunRecord *out, const Frame *frame) {
    out->mark = (out->mark ^ frame->crc) * 0x100000001b3u;
}

static Error *read_journal(RunRecord *out, bool *found, RunReader *reader, Arena *arena) {
    Frame frame;
    if (!journal_next(&frame, reader->bytes, reader->n, 0) || frame.type != FRAME_HEADER)
        return check_damage(reader, 0);
    PASS(run_reader_header(reader, out, &frame, arena));
    add_to_mark(out, &frame);
    size_t begin = frame.end, end = count_rows(out, reader, begin, arena);
    if (!out->finished)
        PASS(check_damage(reader, end));
    for (size_t offset = begin; offset < end; offset = frame.end) {
        run_reader_next(&frame, reader, offset);
        add_to_mark(out, &frame);
        PASS(read_frame(out, reader, &frame, arena));
    }
    if (!out->finished)
        rebuild_summary(out);
    *found = true;
    return NULL;
}

Error *run_load_journal(RunRecord *out, bool *found, const char *path, Arena *arena) {
    *out = (RunRecord){.trajectory_sha256 = "none", .weights_sha256 = "none"};
    *found = false;
    RunReader reader = {.path = path};
    if (!io_exists(reader.path))
        return NULL;
    Arena *scratch = arena_new(); /* the file's bytes, which the record does not need any more */
    char *bytes;
    Error *error = io_read(&bytes, &reader.n, reader.path, scratch);
    if (!error) {
        reader.bytes = (const uint8_t *)bytes;
        error = read_journal(out, found, &reader, arena);
    }
    arena_end(scratch);
    return error;
}

Error *run_load(RunRecord *out, bool *found, const char *run_folder, Arena *arena) {
    TRY(run_load_journal(out, found, arena_print(arena, "%s/journal", run_folder), arena),
        "cannot read run '%s'", run_folder);
    return NULL;
}
