#include "lab/analyze/mlperf.h"

#include "lab/base/clock.h"
#include "lab/base/io.h"
#include "lab/base/text.h"
#include "lab/train/metric.h"

#include <math.h>
#include <string.h>

typedef struct Log {
    Text text;
    double now_ms; /* since 1970 */
    Arena *arena;
} Log;

/* Keys in the order of mllog.py; `value` and `metadata` are JSON. */
static void add(Log *log, const char *event, const char *key, const char *value,
                const char *metadata) {
    text_add(&log->text,
             ":::MLLOG {\"namespace\": \"\", \"time_ms\": %.0f, \"event_type\": \"%s\", \"key\": "
             "%s, \"value\": %s, \"metadata\": %s}\n",
             log->now_ms, event, json_canonical(json_text(key, log->arena), log->arena), value,
             metadata);
}

static void point(Log *log, const char *key, const Json *value) {
    add(log, "POINT_IN_TIME", key, json_canonical(value, log->arena), "{}");
}

static void point_text(Log *log, const char *key, const char *text) {
    point(log, key, json_text(text, log->arena));
}

static void point_count(Log *log, const char *key, int64_t count) {
    point(log, key, json_number((double)count, log->arena));
}

static void add_run(Log *log, const MlperfCell *entry, const RunRecord *run) {
    const RunHeader *header = &run->header;
    int64_t span = header->mini_batch * header->replicas;
    point_text(log, "submission_benchmark", entry->benchmark);
    point_text(log, "submission_org", mlperf_creator(run, log->arena));
    point_text(log, "submission_division", "open");
    point_text(log, "submission_status", "research");
    point_text(log, "submission_platform", mlperf_platform(run, log->arena));
    add(log, "POINT_IN_TIME", "seed",
        arena_print(log->arena, "%llu", (unsigned long long)header->seed), "{}");
    point_count(log, "global_batch_size", header->global_batch);
    if (span > 0) /* shards that a replica passes one after the other */
        point_count(log, "gradient_accumulation_steps", (header->global_batch + span - 1) / span);
    point_count(log, "train_samples", header->n_train);
    const Json *hyperparams = mlperf_hyperparams(run, log->arena);
    JSON_EACH (setting, hyperparams)
        point(log, setting->key, setting);
}

/* A run may be longer than its way to the target (imported ones are); its log ends there, because
 * the checker takes the last evaluation before run_stop. */
static void add_evaluations(Log *log, const RunRecord *run, double start_ms) {
    Metric metric = metric_find(run->header.metric);
    bool reached = run->summary.outcome == OUTCOME_REACHED;
    for (int i = 0; i < run->n_evals; i++) {
        const EvalRow *row = &run->evals[i];
        if (reached && (double)row->examples > run->summary.examples_to_target)
            break;
        if (isfinite(row->wall_s)) /* rows of before a resume have lost theirs */
            log->now_ms = fmax(log->now_ms, start_ms + 1000 * row->wall_s);
        Json *where = json_object(log->arena);
        json_add_number(where, "epoch_num", mlperf_epochs(run, (double)row->examples), log->arena);
        json_add_number(where, "samples_count", (double)row->examples, log->arena);
        json_add_number(where, "step_num", (double)row->step, log->arena);
        json_add_text(where, "metric", metric_name(metric), log->arena);
        add(log, "POINT_IN_TIME", "eval_accuracy",
            json_canonical(json_number(metric_value(row, metric), log->arena), log->arena),
            json_canonical(where, log->arena));
    }
}

static void add_stop(Log *log, const RunRecord *run) {
    bool reached = run->summary.outcome == OUTCOME_REACHED;
    bool imported = strcmp(run->header.collective, "imported") == 0;
    Json *how = json_object(log->arena);
    json_add_text(how, "status", reached ? "success" : "aborted", log->arena);
    if (!reached) {
        json_add_text(how, "outcome", point_end_name(point_end(run)), log->arena);
        double end_s = clock_utc_read(run->end_utc);
        if (!imported && isfinite(end_s)) /* the end of an import is that of the import */
            log->now_ms = fmax(log->now_ms, 1000 * end_s);
    }
    add(log, "INTERVAL_END", "run_stop", "null", json_canonical(how, log->arena));
}

const char *mlperf_log(const MlperfCell *entry, const RunRecord *run, Arena *arena) {
    const Json *start =
        run->header.provenance ? json_find(run->header.provenance, "start_utc") : NULL;
    double start_s = start && start->kind == JSON_TEXT ? clock_utc_read(start->text) : NAN;
    double start_ms = isfinite(start_s) ? 1000 * start_s : 0;
    Log log = {text_new(arena), start_ms, arena};
    add_run(&log, entry, run);
    add(&log, "INTERVAL_START", "run_start", "null", "{}");
    add_evaluations(&log, run, start_ms);
    add_stop(&log, run);
    return log.text.data;
}

/* An older export's logs beside the new ones would count as more runs. */
static Error *claim_folder(const char *folder, Arena *arena) {
    char **names;
    int n = 0;
    if (io_exists(folder))
        PASS(io_list(&names, &n, folder, arena));
    if (n > 0)
        return error_hint(error_new(CODE_USAGE, "'%s' is not empty", folder),
                          "give the logs a folder of their own");
    return io_folder(folder);
}

Error *mlperf_write_logs(int *n, const Mlperf *mlperf, const char *folder, Arena *arena) {
    *n = 0;
    PASS(claim_folder(folder, arena));
    for (int i = 0; i < mlperf->n; i++) {
        const MlperfCell *entry = &mlperf->cell[i];
        PASS(io_folder(arena_print(arena, "%s/%s", folder, entry->name)));
        for (int r = 0; r < entry->cell->n_trials; r++) {
            const char *text = mlperf_log(entry, entry->cell->runs[r], arena);
            PASS(io_write_as(IO_DERIVED,
                             arena_print(arena, "%s/%s/result_%d.txt", folder, entry->name, r),
                             text, strlen(text)));
            ++*n;
        }
    }
    return NULL;
}
