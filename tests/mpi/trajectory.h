/* Digests of small trials on some of the started ranks; for tests under mpirun. */
#ifndef TESTS_MPI_TRAJECTORY_H
#define TESTS_MPI_TRAJECTORY_H

#include "lab/store/digest.h"
#include "lab/train/trial.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Seen {
    Digest digest;
    char hex[HASH_ROOM];
    double last_loss;
} Seen;

static inline Error *see_step(void *self, const StepRow *row) {
    digest_step(&((Seen *)self)->digest, row);
    hash_add(&((Seen *)self)->digest.rows, &row->preconditioned_trace,
             sizeof row->preconditioned_trace); /* no part of the digest, but of the contract */
    ((Seen *)self)->last_loss = row->train_loss;
    return NULL;
}

static inline Error *see_eval(void *self, const EvalRow *row, const LayerRow *layers,
                              int n_layers) {
    digest_eval(&((Seen *)self)->digest, row, layers, n_layers);
    return NULL;
}

static inline Error *see_curvature(void *self, const CurvatureRow *row) {
    hash_add(&((Seen *)self)->digest.rows, row, sizeof *row);
    return NULL;
}

static inline Error *see_digest(void *self, int64_t step, const float *weights, int64_t n_weights) {
    (void)step;
    digest_value(((Seen *)self)->hex, &((Seen *)self)->digest, weights, n_weights);
    return NULL;
}

static inline void must(Error *error) {
    if (!error)
        return;
    error_print(error, stderr);
    abort();
}

static inline void trial_from(TrialSettings *out, const char *text, Arena *arena) {
    Json *json;
    must(json_parse(&json, text, strlen(text), "test", arena));
    must(trial_read(out, json, arena));
}

/* Digest of one run on the first `replicas` ranks, `a_host` of them on each host (0: as it is); the
 * others wait. */
static inline void run_in_buckets(char hex[HASH_ROOM], Comm *world, int replicas, int a_host,
                                  int threads, int64_t bucket_bytes,
                                  const CollectiveType *collective, const TrialSettings *settings,
                                  const Dataset *data, double *last_loss, Arena *arena) {
    Comm *group;
    must(comm_split(&group, world, comm_rank(world) < replicas ? 0 : -1, arena));
    if (group && a_host)
        must(comm_pretend_hosts(&group, group, a_host, arena));
    Seen seen = {.digest = digest_new()};
    Recorder recorder = {.self = &seen,
                         .step = see_step,
                         .eval = see_eval,
                         .curvature = see_curvature,
                         .digest = see_digest};
    if (group) {
        TrialLayout layout = {.comm = group,
                              .threads = threads,
                              .collective = collective,
                              .bucket_bytes = bucket_bytes};
        RunSummary summary;
        must(trial_run(&summary, settings, 7, data, &layout,
                       comm_rank(group) == 0 ? &recorder : NULL));
        assert(summary.outcome == OUTCOME_BUDGET_SPENT);
        *last_loss = seen.last_loss; /* of rank 0 */
    }
    memcpy(hex, seen.hex, HASH_ROOM);
    comm_bcast(world, hex, HASH_ROOM);
}

static inline void run_on(char hex[HASH_ROOM], Comm *world, int replicas, int threads,
                          const CollectiveType *collective, const TrialSettings *settings,
                          const Dataset *data, double *last_loss, Arena *arena) {
    run_in_buckets(hex, world, replicas, 0, threads, 0, collective, settings, data, last_loss,
                   arena);
}

/* The dataset of a trial, an embedded one: the same on all ranks. */
static inline void load_data(Dataset *data, const TrialSettings *settings, Arena *arena) {
    must(dataset_load(data, settings->dataset, settings->dataset_settings, NULL, arena));
}

static inline void load_blobs(Dataset *data, Arena *arena) {
    const Kind *kind;
    void *settings;
    must(kind_read(&kind, &settings, json_text("blobs", arena), dataset_table, DATASET_N, "dataset",
                   NULL, arena));
    must(dataset_load(data, (const DatasetType *)kind, settings, NULL, arena));
}

static inline int check(bool good, Comm *world, const char *what) {
    if (comm_rank(world) == 0)
        printf("%s %s\n", good ? "ok    " : "FAILED", what);
    return good ? 0 : 1;
}

#endif
