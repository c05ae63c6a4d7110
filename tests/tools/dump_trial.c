/* Dumps what a peer needs to repeat a trial: for tests/peer.
 *
 *   dump_trial TRIAL.json FOLDER STEPS
 *
 * TRIAL.json is a `trial` object. Trains STEPS steps of it (seed 0, one replica, one thread) and
 * writes NumPy files: initial/<tensor>.npy and final/<tensor>.npy, x.npy (STEPS, global_batch,
 * features) and y.npy (STEPS, global_batch, labels) of every step, loss.npy and lr.npy (STEPS). */
#include "lab/base/io.h"
#include "lab/data/sampler.h"
#include "tests/tools/trial_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Dump {
    const char *folder;
    const Model *model;
    Arena *arena;
    int64_t n;
    double *loss, *lr; /* (steps) */
} Dump;

/* Format: numpy.org/doc/stable/reference/generated/numpy.lib.format.html, version 1.0. */
static Error *write_npy(const Dump *dump, const char *name, const char *type, size_t item,
                        const void *data, const int64_t *shape, int n_dims) {
    char head[128], dims[96] = "";
    int64_t n = 1;
    for (int d = 0; d < n_dims; d++) {
        n *= shape[d];
        snprintf(dims + strlen(dims), sizeof dims - strlen(dims), "%lld, ", (long long)shape[d]);
    }
    int used = snprintf(head + 10, sizeof head - 10,
                        "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", type, dims);
    memcpy(head, "\x93NUMPY\x01\x00\x76\x00", 10); /* 128 bytes with this head of ten */
    memset(head + 10 + used, ' ', sizeof head - 10 - (size_t)used);
    head[sizeof head - 1] = '\n';
    size_t bytes = (size_t)n * item;
    char *whole = arena_alloc(dump->arena, sizeof head + bytes);
    memcpy(whole, head, sizeof head);
    memcpy(whole + sizeof head, data, bytes);
    return io_write(arena_print(dump->arena, "%s/%s.npy", dump->folder, name), whole,
                    sizeof head + bytes);
}

static Error *write_weights(const Dump *dump, const char *when, const float *weights) {
    PASS(io_folder(arena_print(dump->arena, "%s/%s", dump->folder, when)));
    for (int i = 0; i < dump->model->n_segments; i++) {
        const Segment *segment = &dump->model->segments[i];
        PASS(write_npy(dump, arena_print(dump->arena, "%s/%s", when, segment->name), "<f4",
                       sizeof(float), weights + segment->offset, segment->shape, segment->n_dims));
    }
    return NULL;
}

/* The sample stream is a function of the seed: the same that the trial sees. */
static Error *write_batches(const Dump *dump, const TrialSettings *settings, const Dataset *data,
                            int64_t steps) {
    int64_t batch = settings->global_batch, n = steps * batch;
    int64_t *index = ARENA_ARRAY(dump->arena, int64_t, n);
    float *x = ARENA_ARRAY(dump->arena, float, n * data->n_features);
    int32_t *y = ARENA_ARRAY(dump->arena, int32_t, n * data->n_labels);
    sampler_fill(sampler_new(0, data->n[SPLIT_TRAIN], dump->arena), 0, n, index);
    dataset_gather(data, SPLIT_TRAIN, index, (int)n, x, y);
    PASS(write_npy(dump, "x", "<f4", sizeof *x, x, (int64_t[]){steps, batch, data->n_features}, 3));
    return write_npy(dump, "y", "<i4", sizeof *y, y, (int64_t[]){steps, batch, data->n_labels}, 3);
}

static Error *see_step(void *self, const StepRow *row) {
    Dump *dump = self;
    dump->loss[dump->n] = row->train_loss;
    dump->lr[dump->n++] = row->lr;
    return NULL;
}

static Error *see_digest(void *self, int64_t step, const float *weights, int64_t n_weights) {
    (void)step, (void)n_weights;
    return write_weights(self, "final", weights); /* the last one stays */
}

static Error *run(const char *path, const char *folder, int64_t steps, Arena *arena) {
    TrialFile file;
    PASS(trial_file_load(&file, path, arena));
    Model *model = file.model;
    Dump dump = {.folder = folder,
                 .model = model,
                 .arena = arena,
                 .loss = ARENA_ARRAY(arena, double, steps),
                 .lr = ARENA_ARRAY(arena, double, steps)};
    float *weights = ARENA_ARRAY(arena, float, model->n_weights);
    model->type->init(model, 0, weights);
    PASS(write_weights(&dump, "initial", weights));
    PASS(write_batches(&dump, &file.settings, &file.data, steps));
    Recorder recorder = {.self = &dump, .step = see_step, .digest = see_digest};
    PASS(trial_file_train(&file, comm_alone(arena), 1, steps, NULL, &recorder));
    PASS(write_npy(&dump, "loss", "<f8", sizeof(double), dump.loss, &dump.n, 1));
    return write_npy(&dump, "lr", "<f8", sizeof(double), dump.lr, &dump.n, 1);
}

int main(int argc, char **argv) {
    int64_t steps = argc == 4 ? strtoll(argv[3], NULL, 10) : 0;
    if (steps < 1) {
        fprintf(stderr, "usage: dump_trial TRIAL.json FOLDER STEPS\n");
        return 2;
    }
    Arena *arena = arena_new();
    Error *error = run(argv[1], argv[2], steps, arena);
    if (error)
        error_print(error, stderr);
    int code = error ? error_code(error) : 0;
    arena_end(arena);
    return code;
}
