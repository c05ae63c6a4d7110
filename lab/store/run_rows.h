/* Internal to lab/store: the rows of a journal, and those up to a step for a run that continues. */
#ifndef LAB_STORE_RUN_ROWS_H
#define LAB_STORE_RUN_ROWS_H

#include "lab/store/journal.h"
#include "lab/store/run.h"

/* Rows 1..step of the run in `run_folder`, from its journal or from one that was set aside
 * (journal.interrupted-N): the one whose rows have this SHA-256 (digest.h, without weights).
 * Digests between evaluations stay out, save the one at header.verify_steps: they are of an end
 * that was none. */
Error *run_rows_before(RunRecord *out, bool *found, const char *run_folder, int64_t step,
                       const char *rows_sha256, Arena *arena);

/* run_load of any journal. */
Error *run_load_journal(RunRecord *out, bool *found, const char *path, Arena *arena);

/* A journal in memory, or a part of it that begins with a frame, and what its header says of its
 * rows. */
typedef struct RunReader {
    const char *path;
    const uint8_t *bytes; /* (n) */
    size_t n;
    JournalColumns columns[GROUP_N];
    int n_layers;
} RunReader;

/* The next frame, if it is whole and of the size that the header promises; false ends the journal.
 */
bool run_reader_next(Frame *out, const RunReader *reader, size_t offset);
/* Reads the header into out->header, its config and its point of a search. */
Error *run_reader_header(RunReader *reader, RunRecord *out, const Frame *frame, Arena *arena);

#endif
