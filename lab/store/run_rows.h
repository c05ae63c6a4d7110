/* Internal to lab/store: the rows of a run up to a step, for a run that continues it. */
#ifndef LAB_STORE_RUN_ROWS_H
#define LAB_STORE_RUN_ROWS_H

#include "lab/store/run.h"

/* Rows 1..step of the run in `run_folder`, from its journal or from one that was set aside
 * (journal.interrupted-N): the one whose rows have this SHA-256 (digest.h, without weights).
 * Digests between evaluations stay out, save the one at header.verify_steps: they are of an end
 * that was none. */
Error *run_rows_before(RunRecord *out, bool *found, const char *run_folder, int64_t step,
                       const char *rows_sha256, Arena *arena);

/* run_load of any journal. */
Error *run_load_journal(RunRecord *out, bool *found, const char *path, Arena *arena);

#endif
