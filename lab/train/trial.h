/* One trial: its resolved settings, and the loop that trains it on a layout. */
#ifndef LAB_TRAIN_TRIAL_H
#define LAB_TRAIN_TRIAL_H

#include "lab/comm/collective.h"
#include "lab/comm/compression.h"
#include "lab/data/augment.h"
#include "lab/nn/model.h"
#include "lab/train/batch_schedule.h"
#include "lab/train/branch.h"
#include "lab/train/metric.h"
#include "lab/train/record.h"
#include "optim/optim.h"
#include "optim/schedule.h"

#include <signal.h>

typedef struct StopSettings {
    bool has_target;
    int metric; /* Metric */
    double target;
    double epochs;         /* 0: no such budget */
    int64_t examples;      /* 0: none */
    int64_t steps;         /* 0: none */
    double diverge_factor; /* diverged when the train loss exceeds this multiple of its start */
} StopSettings;

/* Gradient clipping of the mean gradient, before decay and trust ratios (optim/clip.h). */
typedef struct ClipSettings {
    double norm; /* 0: off */
    int form;    /* ClipForm */
    int scope;   /* 0: the whole gradient, 1: each tensor by itself */
} ClipSettings;

typedef struct LossSettings {
    double label_smoothing;
    int smooth; /* 0: all classes, 1: the others */
} LossSettings;

/* Averaged weights that evaluation uses instead of the weights. */
typedef struct EmaSettings {
    double half_life_examples; /* 0: off */
} EmaSettings;

/* What is measured of the noise besides B_simple. */
typedef struct NoiseSettings {
    bool preconditioned;
} NoiseSettings;

/* Curvature along the way (curvature.c). */
typedef struct CurvatureSettings {
    int64_t every_examples; /* 0: never */
    int64_t examples;       /* of the subset, m */
    double step;            /* of the differences, as a fraction of |w| */
    int64_t probes, iterations;
} CurvatureSettings;

typedef struct EvalSettings {
    int64_t every_examples; /* 0: one epoch */
} EvalSettings;

/* Overrides the decay and adapt flags of tensors whose name matches (shell pattern); later rules
 * win. */
typedef struct LayerRule {
    const char *match;
    int decay, adapt; /* -1: as the model says */
} LayerRule;

/* Local SGD: workers step by themselves and average their weights now and then (local.c). */
typedef struct LocalSettings {
    int64_t period;      /* steps between averages; 1: the gradients are averaged, every step */
    double after_epochs; /* every step before that */
    int slots;           /* LocalSlots */
} LocalSettings;

/* The `trial` object of an experiment, resolved. */
typedef struct TrialSettings {
    const DatasetType *dataset;
    void *dataset_settings;
    const ModelType *model;
    void *model_settings;
    const OptimType *optimizer;
    void *optimizer_settings;
    int64_t global_batch, mini_batch; /* mini_batch resolved, never "auto" */
    const BatchScheduleType *batch_schedule;
    void *batch_schedule_settings;
    LrSettings lr;
    StopSettings stop;
    EvalSettings eval;
    ClipSettings clip;
    LossSettings loss;
    EmaSettings ema;
    AugmentSettings augment;
    NoiseSettings noise;
    CurvatureSettings curvature;
    BranchSettings branch;
    int64_t workers; /* W, 1 unless the trial says so */
    const CompressionType *compression;
    void *compression_settings;
    LocalSettings local;
    int n_layer_rules;
    const LayerRule *layer_rules;
    const char *isa; /* NULL: whatever the machine has */
} TrialSettings;

/* The rows of a `trial` object's own settings, for the schema; what kinds add stands in their own
 * rows. */
typedef struct TrialRows {
    const Param *counts, *isa; /* directly in trial */
    const Param *target,
        *stop; /* in trial.stop: metric and target (together or not at all); the rest */
    const struct TrialSection *sections; /* further objects of plain settings */
    int n_sections;
} TrialRows;

/* One object of plain settings below trial, absent: all defaults. */
typedef struct TrialSection {
    const char *key;
    size_t offset; /* of its struct in TrialSettings */
    const Param *rows;
    const char *help;
    /* Of its struct, for a section that is no part of the resolved settings while all of it is at
     * its defaults: trials that do not use it keep their ids. 0: always written. */
    size_t optional_bytes;
} TrialSection;
TrialRows trial_rows(void);

/* What a model needs to know of a probed or loaded dataset. */
ModelInput trial_input(const Dataset *data);

#define TRIAL_MAX_MINI_BATCH 65536

/* Reads and resolves a `trial` object (all sweep values set). Errors as param_read. */
Error *trial_read(TrialSettings *out, const Json *object, Arena *arena);
/* The resolved settings as JSON, everything that is learned from and nothing else. */
Json *trial_write(const TrialSettings *settings, Arena *arena);

/* Largest power of two up to 128 that divides global_batch and leaves at least four shards; 1 when
 * there is none. */
int64_t trial_auto_mini_batch(int64_t global_batch);
int64_t trial_shards(const TrialSettings *settings);
/* Whether workers have state of their own: a compression, or local steps. */
bool trial_by_worker(const TrialSettings *settings);
/* Most replicas that can share a step of `global_batch` examples: one a shard, or one a worker. */
int64_t trial_most_replicas(const TrialSettings *settings, int64_t global_batch);
/* Horizon in steps at the trial's own batch: the smallest budget. A batch schedule's steps:
 * timeline.h. */
int64_t trial_total_steps(const TrialSettings *settings, int64_t n_train);

/* Trial id: 16 hex digits of the SHA-256 over canonical settings, seed, data hash and kernel table
 * version. `written` is what trial_write made; it loses the paths of its data. */
#define TRIAL_ID_ROOM 17
void trial_id(char out[TRIAL_ID_ROOM], Json *written, uint64_t seed, const char *data_sha256,
              Arena *arena);

/* How it is executed. */
typedef struct TrialLayout {
    Comm *comm; /* the ranks of this run */
    int threads;
    const CollectiveType *collective;
    int64_t bucket_bytes; /* gradients are summed in buckets of this and more while the last shards
                             are under way; 0: whole. Collectives that sum whole only, and workers
                             with a state of their own, have none */
    int64_t stop_after_steps;  /* verify runs: end here; 0: no */
    int64_t digest_step;       /* store the digest after this step too; 0: no */
    double max_seconds;        /* 0: no limit; ends the run as interrupted */
    int64_t pause_after_steps; /* ends here as interrupted, to be continued; 0: no */
    double checkpoint_s; /* a checkpoint at the first step past each such interval; 0: only at the
                            end of a run that is interrupted */
    const char *resume;  /* on rank 0: a checkpoint of this trial to continue from; NULL: step 0 */
    const volatile sig_atomic_t
        *stop_flag; /* set by a signal handler: leave after this step; NULL: none */
} TrialLayout;

/* *Collective* over layout->comm. Trains; rank 0 sends its rows to `recorder` (NULL on the others).
 * The summary is valid on every rank. A run that is interrupted (stop flag, max_seconds,
 * pause_after_steps) leaves a checkpoint, if its recorder takes one. */
Error *trial_run(RunSummary *out, const TrialSettings *settings, uint64_t seed, const Dataset *data,
                 const TrialLayout *layout, const Recorder *recorder);

#endif
