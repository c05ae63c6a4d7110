/* Mlperf: cells as reference convergence points, and their runs as logs, in the forms that MLPerf's
 * rcp_checker reads (mlcommons/logging: rcp_checker/training_x/rcps_*.json, mllog/mllog.py). What
 * is told and what is left out: notebooks/howto/mlperf_records.md. */
#ifndef LAB_ANALYZE_MLPERF_H
#define LAB_ANALYZE_MLPERF_H

#include "lab/analyze/results.h"

/* A cell that has a target, epochs to count in, and runs that nobody chose for their result. */
typedef struct MlperfCell {
    const Cell *cell;
    const char *label;     /* of its series */
    const char *benchmark; /* "mnist_batch_size", "mnist_batch_size_lars" beside other series */
    const char *name;      /* of its record: BENCHMARK_ref_BATCH; unlike all others */
} MlperfCell;

typedef struct Mlperf {
    int n;
    MlperfCell *cell; /* (n) series by series, in them by batch */
    int n_notes;
    const char **note; /* (n_notes) cells that are left out, runs that missed: sentences */
} Mlperf;

/* `series` picks one line of the report by its label, NULL: all of them; `benchmark` replaces the
 * experiment's name, NULL: it does not. Errors (2): no such series; a benchmark that would get two
 * records of a batch; nothing that could be a reference. */
Error *mlperf_make(Mlperf *out, const Results *results, const char *series, const char *benchmark,
                   Arena *arena);

/* One object of records, by name. Cells of which no run reached the target have none. Error (2):
 * none has. */
Error *mlperf_records(Json **out, const Mlperf *mlperf, Arena *arena);

/* The `:::MLLOG` lines of one run of a cell, up to its target. */
const char *mlperf_log(const MlperfCell *cell, const RunRecord *run, Arena *arena);

/* Writes FOLDER/NAME/result_N.txt for every trial of every cell, N counting from 0 by seed; *n is
 * their number. Errors: the folder holds something already (2), disk trouble (74). */
Error *mlperf_write_logs(int *n, const Mlperf *mlperf, const char *folder, Arena *arena);

/* Settings under MLPerf's names (mllog/constants.py), as they acted: rates and betas after scaling
 * with the batch. What has no name there keeps its own. */
Json *mlperf_hyperparams(const RunRecord *run, Arena *arena);

/* Where a run comes from: "batchlab 0.1.0", "imported from runs.jsonl"; and what it ran on. */
const char *mlperf_creator(const RunRecord *run, Arena *arena);
const char *mlperf_platform(const RunRecord *run, Arena *arena);

/* Examples in epochs of the run's training set. */
double mlperf_epochs(const RunRecord *run, double examples);

#endif
