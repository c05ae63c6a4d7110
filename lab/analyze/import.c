#include "lab/analyze/import.h"

#include "lab/base/clock.h"
#include "lab/base/hash.h"
#include "lab/base/io.h"
#include "lab/store/run.h"
#include "lab/train/metric.h"
#include "lab/train/noise.h"

#include <math.h>
#include <string.h>

/* The settings as a trial of our own would have them, without the seed. */
static Json *config_of(const ImportRun *run, ImportTarget target, Arena *arena) {
    Json *config = json_object(arena);
    const char *const kind[] = {"optimizer", "model", "dataset"};
    const char *const name[] = {run->optimizer, run->model, run->dataset};
    for (int i = 0; i < 3; i++)
        json_add_text(json_add(config, kind[i], json_object(arena), arena), "name", name[i], arena);
    json_add_number(config, "global_batch", run->global_batch, arena);
    if (run->settings)
        json_add(config, "settings", json_copy(run->settings, arena), arena);
    if (target.metric) {
        Json *stop = json_add(config, "stop", json_object(arena), arena);
        json_add_text(stop, "metric", target.metric, arena);
        json_add_number(stop, "target", target.target, arena);
    }
    return config;
}

/* Of the first row that gives it. */
static double given(const ImportRun *run, ImportField field, double otherwise) {
    for (int i = 0; i < run->n; i++)
        if (!isnan(run->row[i].value[field]))
            return run->row[i].value[field];
    return otherwise;
}

static const Json *provenance_of(const char *path, Arena *arena) {
    Json *out = json_object(arena);
    char now[CLOCK_UTC_ROOM];
    clock_utc(now);
    json_add_text(out, "imported_from", path, arena);
    json_add_text(out, "start_utc", now, arena);
    return out;
}

/* Without one that is given, the share of a replica: another framework divides a step as it likes.
 */
static int64_t mini_batch_of(const ImportRun *run) {
    double replicas = given(run, IMPORT_REPLICAS, 1), share = run->global_batch / replicas;
    return (int64_t)given(run, IMPORT_MINI_BATCH,
                          share == floor(share) ? share : run->global_batch);
}

static RunHeader header_of(const ImportRun *run, const char *path, const char *name,
                           const char *question, ImportTarget target, Arena *arena) {
    char hash[HASH_ROOM];
    const char *config = json_canonical(config_of(run, target, arena), arena);
    const char *trial = arena_print(arena, "%s#%.0f", config, run->seed);
    hash_of(trial, strlen(trial), hash);
    RunHeader out = {
        .experiment = name,
        .question = question,
        .trial_id = arena_copy_n(arena, hash, 16),
        .config = config,
        .model = run->model,
        .dataset = run->dataset,
        .optimizer = run->optimizer,
        .collective = "imported", /* no bits of ours: no digest */
        .noise_unit = isnan(given(run, IMPORT_MINI_BATCH, NAN)) ? "none" : "shard",
        .global_batch = (int64_t)run->global_batch,
        .mini_batch = mini_batch_of(run),
        .n_train = (int64_t)given(run, IMPORT_N_TRAIN, 0),
        .n_weights = (int64_t)given(run, IMPORT_N_WEIGHTS, 0),
        .alone = !isnan(given(run, IMPORT_SECONDS, NAN)), /* its times are taken as they are */
        .total_steps = (int64_t)run->row[run->n - 1].value[IMPORT_STEP],
        .seed = (uint64_t)run->seed,
        .replicas = (int)given(run, IMPORT_REPLICAS, 1),
        .threads = 1,
        .hosts = 1,
        .mode = RUN_FULL,
        .flops_per_example = NAN,
        .best_loss = NAN,
        .target = target.metric ? target.target : NAN,
        .metric = target.metric,
        .provenance = provenance_of(path, arena),
    };
    out.run_id = arena_print(arena, "%s-r%dt1", out.trial_id, out.replicas);
    return out;
}

/* The mean step since the row before that has seconds. */
static double step_s_of(const ImportRun *run, int i) {
    const double *now = run->row[i].value, *before = NULL;
    for (int k = i - 1; k >= 0 && !before; k--)
        if (!isnan(run->row[k].value[IMPORT_SECONDS]))
            before = run->row[k].value;
    double steps = before ? now[IMPORT_STEP] - before[IMPORT_STEP] : 0;
    double seconds = before ? now[IMPORT_SECONDS] - before[IMPORT_SECONDS] : NAN;
    return steps > 0 && seconds > 0 ? seconds / steps : NAN;
}

static StepRow step_of(const ImportRun *run, int i, const RunHeader *header, NoiseSmooth *smooth) {
    const double *v = run->row[i].value;
    StepRow out = {.step = (int64_t)v[IMPORT_STEP],
                   .examples = (int64_t)v[IMPORT_EXAMPLES],
                   .global_batch = header->global_batch,
                   .lr = v[IMPORT_LR],
                   .train_loss = v[IMPORT_TRAIN_LOSS],
                   .grad_norm = sqrt(v[IMPORT_GRAD_SQNORM])};
    out.sample_s = out.compute_s = out.reduce_s = out.noise_s = out.update_s = NAN;
    out.step_s = step_s_of(run, i);
    if (header->replicas == 1) /* nobody waits for anybody */
        out.compute_s = out.step_s;
    double seen = header->n_train > 0 ? (double)header->global_batch / (double)header->n_train : 0;
    NoiseEstimate noise =
        noise_estimate(header->global_batch / header->mini_batch, (double)header->mini_batch,
                       v[IMPORT_SHARD_SQNORM], v[IMPORT_GRAD_SQNORM], seen);
    noise_see(smooth, noise, NOISE_DECAY);
    out.noise_trace = noise.trace;
    out.noise_sqnorm = noise.sqnorm;
    out.noise_scale = noise_scale(smooth);
    out.preconditioned_trace = out.preconditioned_sqnorm = out.preconditioned_noise_scale = NAN;
    return out;
}

static bool is_evaluation(const ImportRow *row) {
    static const ImportField fields[] = {IMPORT_VALID_LOSS, IMPORT_VALID_ACCURACY,
                                         IMPORT_TEST_LOSS,  IMPORT_TEST_ACCURACY,
                                         IMPORT_VALID_TOP5, IMPORT_TEST_TOP5};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (!isnan(row->value[fields[i]]))
            return true;
    return false;
}

static EvalRow eval_of(const ImportRow *row) {
    const double *v = row->value;
    return (EvalRow){.step = (int64_t)v[IMPORT_STEP],
                     .examples = (int64_t)v[IMPORT_EXAMPLES],
                     .valid_loss = v[IMPORT_VALID_LOSS],
                     .valid_accuracy = v[IMPORT_VALID_ACCURACY],
                     .test_loss = v[IMPORT_TEST_LOSS],
                     .test_accuracy = v[IMPORT_TEST_ACCURACY],
                     .valid_top5 = v[IMPORT_VALID_TOP5],
                     .test_top5 = v[IMPORT_TEST_TOP5],
                     .wall_s = v[IMPORT_SECONDS]};
}

static bool meets(const ImportRow *row, ImportTarget target) {
    EvalRow eval = eval_of(row);
    Metric metric = target.metric ? metric_find(target.metric) : METRIC_N;
    return metric != METRIC_N && metric_reaches(metric, metric_value(&eval, metric), target.target);
}

/* A loss that was written but is no number, at the last row that has one. */
static bool diverged(const ImportRun *run) {
    for (int i = run->n - 1; i >= 0; i--)
        if (run->row[i].has_loss)
            return isnan(run->row[i].value[IMPORT_TRAIN_LOSS]) &&
                   isnan(run->row[i].value[IMPORT_VALID_LOSS]);
    return false;
}

static RunSummary summary_of(const ImportRun *run, ImportTarget target) {
    RunSummary out = run_summary_new(diverged(run) ? OUTCOME_DIVERGED : OUTCOME_BUDGET_SPENT);
    out.steps_run = (int64_t)run->row[run->n - 1].value[IMPORT_STEP];
    for (int i = 0; i < run->n; i++) {
        const double *v = run->row[i].value;
        if (!is_evaluation(&run->row[i]))
            continue;
        if (out.outcome != OUTCOME_REACHED && meets(&run->row[i], target)) {
            out.outcome = OUTCOME_REACHED;
            out.steps_to_target = v[IMPORT_STEP];
            out.examples_to_target = v[IMPORT_EXAMPLES];
            out.seconds_to_target = v[IMPORT_SECONDS];
        }
        out.final_valid_accuracy = v[IMPORT_VALID_ACCURACY];
        out.final_test_accuracy = v[IMPORT_TEST_ACCURACY];
        out.final_valid_loss = v[IMPORT_VALID_LOSS];
        out.best_valid_loss = fmin(out.best_valid_loss, v[IMPORT_VALID_LOSS]);
        if (!(v[IMPORT_VALID_ACCURACY] <= out.best_valid_accuracy) &&
            !isnan(v[IMPORT_VALID_ACCURACY])) {
            out.best_valid_accuracy = v[IMPORT_VALID_ACCURACY];
            out.test_accuracy_at_best_valid = v[IMPORT_TEST_ACCURACY];
        }
    }
    return out;
}

static Error *write_rows(Recorder *recorder, const ImportRun *run, const RunHeader *header) {
    NoiseSmooth smooth = {0};
    for (int i = 0; i < run->n; i++) {
        StepRow step = step_of(run, i, header, &smooth);
        PASS(recorder->step(recorder->self, &step));
        if (!is_evaluation(&run->row[i]))
            continue;
        EvalRow eval = eval_of(&run->row[i]);
        PASS(recorder->eval(recorder->self, &eval, NULL, 0));
    }
    return NULL;
}

static Error *write_run(const ImportRun *run, const RunHeader *header, const char *folder,
                        ImportTarget target) {
    Arena *arena = arena_new();
    RunWriter *writer = NULL;
    Error *error = run_begin(&writer, folder, header, arena);
    if (!error) {
        Recorder recorder = run_recorder(writer);
        error = write_rows(&recorder, run, header);
        if (error)
            run_abandon(writer);
    }
    RunSummary summary = summary_of(run, target);
    error = error ? error : run_finish(writer, &summary);
    arena_end(arena);
    return error;
}

/* A folder of our own trials must not be mixed with others. */
static Error *claim_folder(const char *folder, const char *path, const char *name,
                           const char *question, Arena *arena) {
    const char *file = arena_print(arena, "%s/experiment.json", folder);
    Json *there;
    if (io_exists(file)) {
        PASS(json_load(&there, file, arena));
        if (!json_find(there, "imported_from"))
            return error_hint(error_new(CODE_USAGE, "'%s' holds an experiment of batchlab", folder),
                              "give another --name");
    }
    PASS(io_folder(folder));
    Json *experiment = json_object(arena);
    json_add_text(experiment, "experiment", name, arena);
    json_add_text(experiment, "question", question, arena);
    json_add_text(experiment, "imported_from", path, arena);
    const char *text = json_pretty(experiment, arena);
    return io_write(file, text, strlen(text));
}

Error *import_runs(int *n_runs, const char *path, const char *folder, const char *name,
                   const char *question, ImportTarget target, Arena *arena) {
    ImportRuns runs;
    PASS(import_read(&runs, path, arena));
    for (int i = 0; i < runs.n; i++) {
        RunHeader header = header_of(&runs.run[i], path, name, question, target, arena);
        if (header.global_batch % header.mini_batch)
            return error_hint(
                error_new(CODE_USAGE, "'%s': mini_batch %ld does not divide global_batch %ld", path,
                          (long)header.mini_batch, (long)header.global_batch),
                "shard_sqnorm is the mean over equal mini-batches of one global batch");
    }
    PASS(claim_folder(folder, path, name, question, arena));
    for (int i = 0; i < runs.n; i++) {
        RunHeader header = header_of(&runs.run[i], path, name, question, target, arena);
        TRY(write_run(&runs.run[i], &header, folder, target), "importing '%s'", path);
    }
    *n_runs = runs.n;
    return NULL;
}
