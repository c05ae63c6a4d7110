/* One run on disk: results/<experiment>/runs/<run_id>/journal (the record of truth) and run.h5
 * (derived). */
#ifndef LAB_STORE_RUN_H
#define LAB_STORE_RUN_H

#include "lab/base/background.h"
#include "lab/base/hash.h"
#include "lab/base/json.h"
#include "lab/train/record.h"

typedef enum { RUN_FULL, RUN_VERIFY } RunMode;

/* What is known before a run starts; written first into the journal. */
typedef struct RunHeader {
    const char *experiment, *question;
    const char *run_id, *trial_id;
    const char *config; /* canonical JSON of the resolved trial settings */
    const char *model, *dataset, *optimizer, *collective, *noise_unit;
    int64_t global_batch, mini_batch, n_weights, n_train, total_steps;
    int64_t n_running; /* statistics that stand behind the weights in every digest; not written */
    double flops_per_example;
    double best_loss; /* what a model that knows the data's source loses, nat; NaN: unknown */
    uint64_t seed;
    int replicas, threads, hosts;
    int64_t bucket_kib; /* gradients are summed in buckets; 0: whole */
    const char *label;  /* of the layout: layouts.label; NULL: none */
    RunMode mode;
    int64_t verify_steps; /* steps of a verify run; digest step of a full run */
    int64_t resumed_from;
    bool oversubscribed;
    bool alone;         /* nothing else of ours ran on the machine: timings count */
    bool canonical;     /* collective keeps the contract */
    double target;      /* NaN: none */
    const char *metric; /* NULL: none */
    const char *search; /* canonical JSON: the point of a search (search_record.h), NULL: none */
    int n_layers;
    const char *const *layer_names; /* (n_layers) segment names */
    const Json *provenance;         /* object of texts and numbers, see provenance.h */
} RunHeader;

/* "" for none. */
static inline const char *run_label(const RunHeader *header) {
    return header->label ? header->label : "";
}

typedef struct RunDigest {
    int64_t step;
    char sha256[HASH_ROOM];
} RunDigest;

/* A run read back. */
typedef struct RunRecord {
    RunHeader header;
    const Json *config; /* header.config parsed */
    const Json *search; /* header.search parsed, NULL: none */
    int64_t n_steps;
    StepRow *steps;
    int n_evals;
    EvalRow *evals;
    LayerRow *layers; /* (n_evals, n_layers) */
    int n_curvatures;
    CurvatureRow *curvatures;
    int n_digests;
    RunDigest *digests;
    uint64_t mark; /* of all bytes of its journal: another one when any of them changes */
    bool finished; /* the last record is there; otherwise summary is rebuilt from the rows, outcome
                      interrupted */
    RunSummary summary;
    char trajectory_sha256[HASH_ROOM]; /* last digest; "none" when not canonical or absent */
    char weights_sha256[HASH_ROOM];
    char end_utc[32];
} RunRecord;

/* ---- writing: rank 0 of the run, which holds the trial's lock */
typedef struct RunWriter RunWriter;

/* Opens results/.../runs/<run_id>/journal anew (an unfinished older journal is kept as
 * journal.interrupted-N), writes the header. `header` need not outlive the call. */
Error *run_begin(RunWriter **out, const char *experiment_folder, const RunHeader *header,
                 Arena *arena);
/* The same for a run that continues from header->resumed_from: its journal begins with the rows of
 * `before` (checkpoints.h), their seconds NaN, because they were measured by another run. */
Error *run_continue(RunWriter **out, const char *experiment_folder, const RunHeader *header,
                    const RunRecord *before, Arena *arena);
/* What one run after the other uses at its end, beside the training of the next. */
typedef struct H5Moulds H5Moulds; /* h5_mould.h */
typedef struct RunAside {
    Background *background;
    H5Moulds *moulds; /* the background's alone; NULL: none */
} RunAside;

/* From now on the background waits for the disk: a sync is begun at each evaluation, and run_finish
 * returns when the final record is in the kernel's hands, unless the run may go on or has
 * checkpoints. The errors of what follows come from later calls, of this run or of background_wait.
 */
void run_in_background(RunWriter *writer, const RunAside *aside);
/* Recorder that feeds this writer: rows into the journal and the digest; fdatasync at every
 * evaluation; checkpoints into the trial's folder, for full runs with a canonical collective. */
Recorder run_recorder(RunWriter *writer);
/* Writes the final record, syncs, closes, and derives run.h5. weights_sha256 is of the weights of
 * the last digest. After an error of an earlier record it only closes, and says so: the run stays
 * unfinished. When the journal is complete and only run.h5 failed, the error comes too, and
 * `collect` makes up for it. The trial's checkpoints are removed when it ended by itself. */
Error *run_finish(RunWriter *writer, const RunSummary *summary);
/* Says in the journal (and run.h5) of an interrupted run that a search stopped it at `step`. The
 * caller holds the trial's lock. Nothing happens to a run that ended by itself, or is marked. */
Error *run_mark_pruned(const char *run_folder, int64_t step);
/* Closes the journal without a final record: the run stays unfinished. */
void run_abandon(RunWriter *writer);

/* ---- reading */
/* Reads a journal; a torn tail is dropped. Missing or headless journal: *found = false, no error.
 * An error when a finished journal is damaged further up (a run that ended must not silently lose
 * its rows). */
Error *run_load(RunRecord *out, bool *found, const char *run_folder, Arena *arena);
/* Cheap: reads only the final record, when it is there; else an interrupted summary of nothing. */
Error *run_final(bool *finished, RunSummary *summary, const char *run_folder, Arena *arena);
/* The same, of which only the outcome. */
Error *run_is_finished(bool *finished, Outcome *outcome, const char *run_folder, Arena *arena);
/* Does the journal say that the run belongs to a search? Reads only its header; false when there is
 * none. */
Error *run_is_searched(bool *searched, const char *run_folder);
/* Every run of an experiment folder, sorted by run id; unreadable ones are reported with say() and
 * left out. */
Error *run_load_all(RunRecord **out, int *n, const char *experiment_folder, Arena *arena);

#endif
