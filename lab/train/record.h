/* What a run records. Plain structs; the store writes them, the digest covers the trajectory part.
 * The columns stand once more, with units and meaning, in lab/store/schema.def. */
#ifndef LAB_TRAIN_RECORD_H
#define LAB_TRAIN_RECORD_H

#include "lab/base/error.h"
#include "lab/train/checkpoint.h"

#include <stdint.h>

typedef enum {
    OUTCOME_REACHED,
    OUTCOME_BUDGET_SPENT,
    OUTCOME_DIVERGED,
    OUTCOME_FAILED,
    OUTCOME_INTERRUPTED,
    OUTCOME_N
} Outcome;

const char *outcome_name(Outcome outcome); /* "reached", "budget_spent", ... */

typedef struct StepRow {
    int64_t step;     /* 1-based: updates done after this one */
    int64_t examples; /* seen after this update */
    int64_t global_batch;
    double lr;
    double train_loss; /* mean over the global batch, before the update */
    double grad_norm;  /* of the mean gradient */
    double noise_trace, noise_sqnorm, noise_scale;
    /* of P g, P the optimizer's diagonal preconditioner; NaN unless asked for */
    double preconditioned_trace, preconditioned_sqnorm, preconditioned_noise_scale;
    double lr_gain;      /* of a scaling rule that follows the noise, else 1 */
    double sent_bytes;   /* between the ranks of this run, all together */
    double worker_bytes; /* of the mean worker, with a rank of its own */
    double sample_s, compute_s, reduce_s, noise_s, update_s, step_s;
} StepRow;

typedef struct EvalRow {
    int64_t step, examples;
    double valid_loss, valid_accuracy, test_loss, test_accuracy;
    double valid_top5, test_top5; /* share of labels among the five likeliest classes */
    double worker_bytes;          /* since step 0 */
    double wall_s;                /* since the run began */
} EvalRow;

typedef struct LayerRow {
    double weight_norm, grad_norm, trust_ratio, noise_scale;
    double noise_trace, noise_sqnorm; /* means over the steps since the evaluation before */
} LayerRow;

/* Of the training loss, over a fixed subset of the training set; on request. */
typedef struct CurvatureRow {
    int64_t step, examples;
    double ghg;                      /* G'HG */
    double trace_h_sigma;            /* tr(H Sigma), per example */
    double top_eigenvalue;           /* of largest size */
    double grad_sqnorm, noise_trace; /* |G|^2 and tr(Sigma) over the same subset */
    double noise_scale;              /* B_noise = tr(H Sigma) / G'HG; NaN unless G'HG > 0 */
    double lr_max;                   /* |G|^2 / G'HG */
} CurvatureRow;

/* Where rank 0 sends its rows. Every function may fail with an I/O error; NULL functions are
 * skipped. */
typedef struct Recorder {
    void *self;
    Error *(*step)(void *self, const StepRow *row);
    Error *(*eval)(void *self, const EvalRow *row, const LayerRow *layers, int n_layers);
    Error *(*curvature)(void *self, const CurvatureRow *row); /* after the evaluation's row */
    /* Digest of everything recorded so far and `weights` (n_weights), stored at `step`. Running
     * statistics count as weights: they stand behind them. */
    Error *(*digest)(void *self, int64_t step, const float *weights, int64_t n_weights);
    /* Keeps the state after `step` steps, from which a run that is given its file continues. */
    Error *(*checkpoint)(void *self, int64_t step, const StateArray *arrays, int n);
} Recorder;

typedef struct RunSummary {
    Outcome outcome;
    int64_t steps_run;
    double steps_to_target, examples_to_target, seconds_to_target; /* NaN when not reached */
    double final_valid_accuracy, best_valid_accuracy, final_test_accuracy,
        test_accuracy_at_best_valid;
    double final_valid_loss, best_valid_loss; /* best: smallest of all evaluations */
    int64_t timed_out;                        /* 1: interrupted at layouts.max_seconds */
    int64_t pruned_at_step; /* a search stopped it here, outcome interrupted; 0: it did not */
} RunSummary;

/* A summary of nothing: numbers NaN, counts 0. */
RunSummary run_summary_new(Outcome outcome);

#endif
