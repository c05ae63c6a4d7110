/* Runs as JSON lines, the format that `batchlab import` reads (notebooks/howto/import_runs.md): for
 * jq, pandas and whatever else reads a line at a time. */
#ifndef LAB_ANALYZE_JSONL_H
#define LAB_ANALYZE_JSONL_H

#include "lab/store/run.h"

/* The lines of one run: one a recorded step, with what was measured at that step's evaluation. */
const char *jsonl_run(const RunRecord *run, Arena *arena);

/* Writes folder/<run_id>.jsonl for every full run among the `n_runs`, also of those that did not
 * end; verify runs repeat their steps. *n is their number. Errors: disk trouble (74). */
Error *jsonl_write(int *n, const RunRecord *runs, int n_runs, const char *folder);

#endif
