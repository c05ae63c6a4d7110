/* Import: runs that another framework trained, as JSON lines, become runs of a results folder that
 * fit, plot, report and compare serve like our own. The format: notebooks/howto/import_runs.md. */
#ifndef LAB_ANALYZE_IMPORT_H
#define LAB_ANALYZE_IMPORT_H

#include "lab/base/error.h"
#include "lab/base/json.h"

#include <stdbool.h>

/* Keys that carry a number. */
typedef enum {
    IMPORT_GLOBAL_BATCH,
    IMPORT_SEED,
    IMPORT_STEP,
    IMPORT_EXAMPLES,
    IMPORT_LR,
    IMPORT_TRAIN_LOSS,
    IMPORT_VALID_LOSS,
    IMPORT_VALID_ACCURACY,
    IMPORT_TEST_LOSS,
    IMPORT_TEST_ACCURACY,
    IMPORT_VALID_TOP5,
    IMPORT_TEST_TOP5,
    IMPORT_SECONDS,
    IMPORT_GRAD_SQNORM,  /* |mean gradient|^2 over the global batch */
    IMPORT_SHARD_SQNORM, /* mean of |gradient|^2 over mini-batches */
    IMPORT_MINI_BATCH,
    IMPORT_N_TRAIN,
    IMPORT_REPLICAS,
    IMPORT_N_WEIGHTS,
    IMPORT_N
} ImportField;

typedef struct ImportRow {
    double value[IMPORT_N]; /* NaN: not given, or not finite */
    bool has_loss;          /* a loss is given, finite or not */
} ImportRow;

/* Rows of one configuration and seed, in the order of the file. */
typedef struct ImportRun {
    const char *identity;
    const char *optimizer, *model, *dataset;
    const Json *settings; /* object, may be NULL: what else tells runs apart */
    double global_batch, seed;
    int n, room;
    ImportRow *row;
} ImportRun;

typedef struct ImportRuns {
    int n, room;
    ImportRun *run;
} ImportRuns;

/* Reads a file of JSON lines. Errors: no file (66); a line that is no object, an unknown key, a
 * wrong type or range, steps that go backward (2), each with its line. */
Error *import_read(ImportRuns *out, const char *path, Arena *arena);

typedef struct ImportTarget {
    const char *metric; /* NULL: none */
    double target;
} ImportTarget;

/* Writes every run of `path` into `folder` (made when absent, with an experiment.json that says
 * where they come from); runs that were imported before are replaced. *n_runs is their number.
 * Errors: as above; the folder belongs to an experiment of our own (2); disk trouble (74). */
Error *import_runs(int *n_runs, const char *path, const char *folder, const char *name,
                   const char *question, ImportTarget target, Arena *arena);

#endif
