#include "lab/analyze/jsonl.h"

#include "lab/base/io.h"
#include "lab/base/text.h"

#include <math.h>
#include <string.h>

static void add_known(Json *line, const char *key, double value, Arena *arena) {
    if (!isnan(value))
        json_add_number(line, key, value, arena);
}

/* What is the same on every line. */
static Json *identity(const RunRecord *run, Arena *arena) {
    const RunHeader *header = &run->header;
    Json *line = json_object(arena);
    json_add_number(line, "global_batch", (double)header->global_batch, arena);
    json_add_number(line, "seed", (double)header->seed, arena);
    json_add_text(line, "optimizer", header->optimizer, arena);
    json_add_text(line, "model", header->model, arena);
    json_add_text(line, "dataset", header->dataset, arena);
    json_add(line, "settings", json_copy(run->config, arena), arena);
    json_add_number(line, "replicas", header->replicas, arena);
    if (strcmp(header->noise_unit, "shard") == 0)
        json_add_number(line, "mini_batch", (double)header->mini_batch, arena);
    if (header->n_train > 0)
        json_add_number(line, "n_train", (double)header->n_train, arena);
    if (header->n_weights > 0)
        json_add_number(line, "n_weights", (double)header->n_weights, arena);
    return line;
}

static void add_step(Json *line, const StepRow *row, Arena *arena) {
    json_add_number(line, "step", (double)row->step, arena);
    json_add_number(line, "examples", (double)row->examples, arena);
    json_add_number(line, "train_loss", row->train_loss, arena); /* null: diverged */
    add_known(line, "lr", row->lr, arena);
    add_known(line, "grad_sqnorm", row->grad_norm * row->grad_norm, arena);
}

static void add_eval(Json *line, const EvalRow *row, Arena *arena) {
    json_add_number(line, "valid_loss", row->valid_loss, arena);
    add_known(line, "valid_accuracy", row->valid_accuracy, arena);
    add_known(line, "test_loss", row->test_loss, arena);
    add_known(line, "test_accuracy", row->test_accuracy, arena);
    add_known(line, "valid_top5", row->valid_top5, arena);
    add_known(line, "test_top5", row->test_top5, arena);
    add_known(line, "seconds", row->wall_s, arena);
}

const char *jsonl_run(const RunRecord *run, Arena *arena) {
    Text text = text_new(arena);
    int eval = 0;
    for (int64_t i = 0; i < run->n_steps; i++) {
        Arena *scratch = arena_new();
        Json *line = identity(run, scratch);
        add_step(line, &run->steps[i], scratch);
        for (; eval < run->n_evals && run->evals[eval].step <= run->steps[i].step; eval++)
            if (run->evals[eval].step == run->steps[i].step)
                add_eval(line, &run->evals[eval], scratch);
        text_add(&text, "%s\n", json_canonical(line, scratch));
        arena_end(scratch);
    }
    return text.data;
}

Error *jsonl_write(int *n, const RunRecord *runs, int n_runs, const char *folder) {
    *n = 0;
    PASS(io_folder(folder));
    for (int i = 0; i < n_runs; i++) {
        if (runs[i].header.mode != RUN_FULL || !runs[i].config)
            continue;
        Arena *scratch = arena_new();
        const char *text = jsonl_run(&runs[i], scratch);
        const char *path = arena_print(scratch, "%s/%s.jsonl", folder, runs[i].header.run_id);
        Error *error = io_write_as(IO_DERIVED, path, text, strlen(text));
        arena_end(scratch);
        PASS(error);
        ++*n;
    }
    return NULL;
}
