/* The checkpoints of a trial: results/<experiment>/trials/<trial_id>/checkpoint-<step>, the last
 * two. Whoever calls these holds the trial's lock. */
#ifndef LAB_STORE_CHECKPOINTS_H
#define LAB_STORE_CHECKPOINTS_H

#include "lab/store/run.h"

#include <pthread.h>

/* What a run continues from. */
typedef struct Resume {
    const char *path; /* of the checkpoint; NULL: there is none, the run starts at step 0 */
    int64_t step;
    RunRecord before; /* the rows up to that step, of the run that wrote it */
} Resume;

/* The newest checkpoint from which the run of `header` can continue with the same bits: whole, of
 * the same trial, made with the same kernels, its rows still there. What is no such is passed over,
 * and said; a checkpoint of a run that ended is removed. */
Error *checkpoints_find(Resume *out, const char *experiment_folder, const RunHeader *header,
                        Arena *arena);

/* Says whose a checkpoint is. */
typedef struct CheckpointLabel {
    const char *trial_id, *run_id;
    const char *kernels;  /* what decides about bits besides the trial */
    char rows[HASH_ROOM]; /* SHA-256 of the rows so far */
} CheckpointLabel;
CheckpointLabel checkpoints_label(const RunHeader *header, Arena *arena); /* all but the rows */

/* Writing: the state goes to the kernel at once; a thread waits for the disk meanwhile. Zeroed:
 * none. */
typedef struct CheckpointThread {
    pthread_t id;
    bool running;
    char aside[IO_PATH_ROOM], path[IO_PATH_ROOM], folder[IO_PATH_ROOM];
    Error *error;
} CheckpointThread;

/* Writes a checkpoint; when it is on the disk it gets its name, and all but the last two are
 * removed. An error may be that of the one before. */
Error *checkpoints_keep(CheckpointThread *thread, const char *experiment_folder,
                        const CheckpointLabel *label, int64_t step, const StateArray *arrays,
                        int n);
/* Until the last one is on the disk. */
Error *checkpoints_wait(CheckpointThread *thread);

/* Removes them all when the newest belongs to a run that ended: whoever should have done so was
 * killed between the run's final record and this, and nobody begins such a run again. */
void checkpoints_tidy(const char *experiment_folder, const char *trial_id);

/* Removes them all: the trial has ended. */
void checkpoints_forget(const char *experiment_folder, const char *trial_id);

#endif
