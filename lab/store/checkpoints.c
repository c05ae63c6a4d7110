#include "lab/store/checkpoints.h"

#include "lab/base/io.h"
#include "lab/base/say.h"
#include "lab/nn/gemm.h"
#include "lab/store/run_rows.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PREFIX "checkpoint-"
enum { KEPT = 2, DIGITS = 12 };

static const char *trial_folder(const char *experiment_folder, const char *trial_id, Arena *arena) {
    return arena_print(arena, "%s/trials/%s", experiment_folder, trial_id);
}

/* Names of the checkpoints, oldest first; halves that a killed writer left are removed. */
static int list_checkpoints(char ***out, const char *folder, Arena *arena) {
    char **names = NULL;
    int n = 0, kept = 0;
    error_end(io_list(&names, &n, folder, arena)); /* no folder: none */
    for (int i = 0; i < n; i++) {
        if (strncmp(names[i], PREFIX, strlen(PREFIX)) != 0)
            continue;
        if (strstr(names[i], ".tmp-"))
            unlink(arena_print(arena, "%s/%s", folder, names[i]));
        else
            names[kept++] = names[i];
    }
    *out = names;
    return kept;
}

static void remove_oldest(const char *folder, int keep) {
    Arena *scratch = arena_new();
    char **names;
    int n = list_checkpoints(&names, folder, scratch);
    for (int i = 0; i < n - keep; i++)
        unlink(arena_print(scratch, "%s/%s", folder, names[i]));
    arena_end(scratch);
}

void checkpoints_forget(const char *experiment_folder, const char *trial_id) {
    Arena *scratch = arena_new();
    remove_oldest(trial_folder(experiment_folder, trial_id, scratch), 0);
    arena_end(scratch);
}

static const char *provenance_text(const RunHeader *header, const char *key) {
    const Json *value = header->provenance ? json_find(header->provenance, key) : NULL;
    return value && value->kind == JSON_TEXT ? value->text : "unknown";
}

/* What decides about bits besides the trial: instruction set and libraries. */
static const char *kernels_of(const RunHeader *header, Arena *arena) {
    return arena_print(arena, "%s, %s, oneDNN %s", gemm_isa_name(gemm_isa()),
                       provenance_text(header, "blas_config"), provenance_text(header, "onednn"));
}

CheckpointLabel checkpoints_label(const RunHeader *header, Arena *arena) {
    return (CheckpointLabel){.trial_id = arena_copy(arena, header->trial_id),
                             .run_id = arena_copy(arena, header->run_id),
                             .kernels = kernels_of(header, arena)};
}

static void *publish(void *self) {
    CheckpointThread *thread = self;
    thread->error = io_publish(IO_DURABLE, thread->aside, thread->path);
    if (!thread->error)
        remove_oldest(thread->folder, KEPT);
    return NULL;
}

Error *checkpoints_wait(CheckpointThread *thread) {
    if (thread->running)
        pthread_join(thread->id, NULL);
    Error *error = thread->error;
    thread->running = false;
    thread->error = NULL;
    return error;
}

Error *checkpoints_keep(CheckpointThread *thread, const char *experiment_folder,
                        const CheckpointLabel *label, int64_t step, const StateArray *arrays,
                        int n) {
    PASS(checkpoints_wait(thread));
    Arena *scratch = arena_new();
    const char *folder = trial_folder(experiment_folder, label->trial_id, scratch);
    snprintf(thread->folder, IO_PATH_ROOM, "%s", folder);
    snprintf(thread->path, IO_PATH_ROOM, "%s",
             arena_print(scratch, "%s/" PREFIX "%0*lld", folder, DIGITS, (long long)step));
    Json *text = json_object(scratch);
    json_add_text(text, "trial_id", label->trial_id, scratch);
    json_add_text(text, "run_id", label->run_id, scratch);
    json_add_text(text, "rows_sha256", label->rows, scratch);
    json_add_text(text, "kernels", label->kernels, scratch);
    Error *error = io_folder(folder);
    if (!error)
        error = checkpoint_write_aside(thread->aside, thread->path, step,
                                       json_canonical(text, scratch), arrays, n);
    arena_end(scratch);
    if (error)
        return error;
    thread->running = pthread_create(&thread->id, NULL, publish, thread) == 0;
    if (!thread->running) /* no threads to be had: wait here */
        publish(thread);
    return NULL;
}

/* ---- finding one */

static const char *text_of(const Json *label, const char *key) {
    const Json *value = json_find(label, key);
    return value && value->kind == JSON_TEXT ? value->text : "";
}

/* NULL, or why the run cannot continue from it. */
static const char *objection(const Json *label, const RunHeader *header, Arena *arena) {
    if (strcmp(text_of(label, "trial_id"), header->trial_id) != 0)
        return arena_print(arena, "it belongs to trial '%s'", text_of(label, "trial_id"));
    const char *kernels = kernels_of(header, arena);
    if (strcmp(text_of(label, "kernels"), kernels) != 0)
        return arena_print(arena, "it was made with '%s', here is '%s', which makes other bits",
                           text_of(label, "kernels"), kernels);
    return NULL;
}

static bool run_has_ended(const char *run_folder, Arena *arena) {
    bool finished = false;
    Outcome outcome;
    Error *error = run_is_finished(&finished, &outcome, run_folder, arena);
    if (error)
        error_end(error);
    return finished && (outcome == OUTCOME_REACHED || outcome == OUTCOME_BUDGET_SPENT ||
                        outcome == OUTCOME_DIVERGED);
}

/* *ended: its run ended, and whoever should have removed it died first. */
static Error *try_one(Resume *out, bool *ended, const char *path, const char *experiment_folder,
                      const RunHeader *header, Arena *arena) {
    Checkpoint checkpoint;
    Json *label;
    PASS(checkpoint_check(&checkpoint, path, arena));
    PASS(json_parse(&label, checkpoint.text, strlen(checkpoint.text), path, arena));
    const char *why_not = objection(label, header, arena);
    if (why_not)
        return error_new(CODE_IO, "the checkpoint '%s' does not fit: %s", path, why_not);
    const char *run_id = text_of(label, "run_id");
    const char *run_folder = arena_print(arena, "%s/runs/%s", experiment_folder, run_id);
    *ended = run_has_ended(run_folder, arena);
    if (*ended)
        return NULL;
    bool found;
    PASS(run_rows_before(&out->before, &found, run_folder, checkpoint.step,
                         text_of(label, "rows_sha256"), arena));
    if (!found)
        return error_new(
            CODE_IO, "the rows before the checkpoint '%s' are gone: no journal in '%s' holds them",
            path, run_folder);
    out->path = path;
    out->step = checkpoint.step;
    return NULL;
}

Error *checkpoints_find(Resume *out, const char *experiment_folder, const RunHeader *header,
                        Arena *arena) {
    *out = (Resume){0};
    const char *folder = trial_folder(experiment_folder, header->trial_id, arena);
    char **names;
    int n = list_checkpoints(&names, folder, arena);
    bool ended = false;
    for (int i = n - 1; i >= 0 && !out->path && !ended; i--) {
        const char *path = arena_print(arena, "%s/%s", folder, names[i]);
        Error *error = try_one(out, &ended, path, experiment_folder, header, arena);
        if (!error)
            continue;
        say("%s: %s; %s", header->run_id, error_root(error),
            i > 0 ? "trying the one before" : "the run starts again at step 0");
        error_end(error);
    }
    if (ended)
        checkpoints_forget(experiment_folder, header->trial_id);
    return NULL;
}

void checkpoints_tidy(const char *experiment_folder, const char *trial_id) {
    Arena *scratch = arena_new();
    const char *folder = trial_folder(experiment_folder, trial_id, scratch);
    char **names;
    int n = list_checkpoints(&names, folder, scratch);
    Checkpoint newest;
    Json *label = NULL;
    Error *error = NULL;
    if (n > 0)
        error =
            checkpoint_check(&newest, arena_print(scratch, "%s/%s", folder, names[n - 1]), scratch);
    if (n > 0 && !error)
        error = json_parse(&label, newest.text, strlen(newest.text), folder, scratch);
    if (label && run_has_ended(arena_print(scratch, "%s/runs/%s", experiment_folder,
                                           text_of(label, "run_id")),
                               scratch))
        remove_oldest(folder, 0);
    error_end(error); /* a damaged one is said by whoever wants to continue from it */
    arena_end(scratch);
}
