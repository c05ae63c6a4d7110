/* Internal to lab/sweep: one started child of the driver. */
#ifndef LAB_SWEEP_WORKER_H
#define LAB_SWEEP_WORKER_H

#include "lab/sweep/cause.h"
#include "lab/sweep/launch.h"

#include <sys/types.h>

typedef struct Worker {
    pid_t pid;  /* 0: gone */
    int fd;     /* its stdout; -1: gone */
    int err_fd; /* mpirun's stderr; -1: none */
    Cause cause;
    bool ready; /* it printed something */
    double start_s;
    char line[512];
    size_t n_line;
    const PlannedRun *run; /* being carried out, or NULL */
    double run_work;       /* examples of it told so far */
    int status;            /* of waitpid, when gone */
} Worker;

/* Exit code of a child that could not become its program. */
enum { WORKER_NO_PROGRAM = 127 };

/* Starts the worker processes of a phase: mpirun when replicas > 1. */
Error *worker_start(Worker *out, const Plan *plan, int phase, const LaunchOptions *options);

/* What a worker says: `hear` is called for every whole line of its stdout, which is in
 * worker->line. At its end worker->fd and pid go out, and worker->status is set. */
typedef void WorkerHear(void *self, Worker *worker);
void worker_listen(Worker *worker, WorkerHear *hear, void *self);
void worker_listen_to_mpirun(Worker *worker);

#endif
