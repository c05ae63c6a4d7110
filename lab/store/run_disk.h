/* Internal to lab/store: what a run asks of the disk. A sync at each evaluation; at its end one
 * more, then the trial's checkpoints go and run.h5 is made. At once, or by a thread in the
 * background, in this order. */
#ifndef LAB_STORE_RUN_DISK_H
#define LAB_STORE_RUN_DISK_H

#include "lab/base/io.h"
#include "lab/store/run.h"

typedef struct RunDisk RunDisk;

/* `log` is the run's journal. */
Error *run_disk_new(RunDisk **out, const IoLog *log, const char *experiment_folder,
                    const char *run_id, const char *trial_id);
void run_disk_in_background(RunDisk *disk, const RunAside *aside);

/* What was flushed so far goes to the disk. In the background it is on its way: an error of this or
 * an earlier job comes with a later call. */
Error *run_disk_sync(RunDisk *disk);

/* The final record was flushed. `disk` is not the caller's any more. With `wait` all is done when
 * it returns: whatever a later owner of the trial may touch too, checkpoints and the files of a run
 * that may go on, must be left alone once the claim is given up. */
Error *run_disk_finish(RunDisk *disk, bool forget_checkpoints, bool wait);
/* The run stays unfinished. Waits for what is on its way. */
void run_disk_leave(RunDisk *disk);

#endif
