/* A run seen from outside while it goes on: its journal is read on from where the last look ended,
 * without any lock. */
#ifndef LAB_STORE_RUN_FOLLOW_H
#define LAB_STORE_RUN_FOLLOW_H

#include "lab/store/run.h"

typedef struct RunReader RunReader;

typedef struct RunFollow {
    const char *folder; /* results/<experiment>/runs/<run_id> */
    bool begun;         /* its header is there; all below counts only then */
    RunHeader header;
    int64_t n_steps, n_evals; /* rows seen */
    StepRow step;             /* the last ones */
    EvalRow eval;
    bool finished; /* summary is its last record, otherwise empty */
    RunSummary summary;
    double examples_s; /* of the latest rows that this run measured, NaN: unknown */
    double changed_s;  /* when its journal last grew, seconds since 1970 */
    /* ---- where the reader stands */
    uint64_t inode;
    size_t offset;
    RunReader *reader;
    Arena *arena; /* of what the header holds */
} RunFollow;

/* `folder` is copied into `arena`. Nothing is read yet. */
RunFollow run_follow_new(const char *folder, Arena *arena);

/* Reads what was added; starts again when the journal is another one. A run that has not begun, or
 * whose journal ends in half a frame, is no error. *news: something was added. */
Error *run_follow_look(RunFollow *run, bool *news);

/* Steps that it will do at most. */
int64_t run_follow_steps(const RunFollow *run);

/* Gives back what it holds. */
void run_follow_end(RunFollow *run);

#endif
