#include "lab/sweep/worker.h"

#include "lab/base/clock.h"
#include "lab/sweep/isa.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_WORDS = 400 };

typedef struct Words {
    char *word[MAX_WORDS];
    int n;
} Words;

static void add(Words *words, const char *word) {
    if (words->n < MAX_WORDS - 1)
        words->word[words->n++] = (char *)word;
}

static void add_all(Words *words, const char *const *list) {
    for (; *list; list++)
        add(words, *list);
}

/* Each rank gets its own cores while there are enough of them; otherwise nobody is bound and idle
 * ranks yield. Ranks that hear SIGTERM from mpirun have a few seconds for their checkpoint; more
 * would keep the others waiting when one of them died. */
static void add_mpirun(Words *words, const Plan *plan, const Phase *phase, Arena *arena) {
    bool fits = phase->replicas * phase->threads <= plan->cores;
    const char *const always[] = {"mpirun", "--mca", "odls_base_sigkill_timeout",
                                  "4",      "-n",    arena_print(arena, "%d", phase->replicas),
                                  NULL};
    const char *const bound[] = {
        "--use-hwthread-cpus", "--map-by", arena_print(arena, "slot:PE=%d", phase->threads),
        "--bind-to",           "hwthread", NULL};
    const char *const loose[] = {"--oversubscribe",     "--bind-to", "none", "--mca",
                                 "mpi_yield_when_idle", "1",         NULL};
    add_all(words, always);
    add_all(words, fits ? bound : loose);
}

static void add_work(Words *words, const Plan *plan, int phase, const LaunchOptions *options,
                     Arena *arena) {
    const char *const work[] = {options->program,
                                "_work",
                                options->file,
                                "--results",
                                options->results,
                                "--phase",
                                arena_print(arena, "%d", phase),
                                "--config",
                                plan->experiment->sha256,
                                "--session",
                                plan->session,
                                NULL};
    add_all(words, work);
    if (options->share) {
        add(words, "--share");
        add(words, options->share);
    }
    if (options->data) {
        add(words, "--data");
        add(words, options->data);
    }
    for (int i = 0; i < options->n_overrides; i++)
        add(words, options->overrides[i]);
}

static void set_environment(const Plan *plan, const Phase *phase) {
    if (geteuid() == 0) {
        setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1);
        setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
    }
    if (phase->replicas * phase->threads > plan->cores)
        setenv("OMP_WAIT_POLICY", "passive", 0);
    isa_set(phase->isa);
}

/* In the child between fork and exec. */
static void become(const Plan *plan, const Phase *phase, pid_t driver, int out, int err,
                   char **words) {
    setpgid(0, 0); /* a Ctrl-C is the driver's to pass on: mpirun would kill its ranks */
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != driver) /* died before the line above */
        _exit(CODE_STOPPED);
    int null = open("/dev/null", O_RDONLY);
    dup2(null, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    if (err >= 0)
        dup2(err, STDERR_FILENO);
    set_environment(plan, phase);
    execvp(words[0], words);
    _exit(WORKER_NO_PROGRAM);
}

static void close_all(const int *fd, int n) {
    for (int i = 0; i < n; i++)
        if (fd[i] >= 0)
            close(fd[i]);
}

Error *worker_start(Worker *out, const Plan *plan, int index, const LaunchOptions *options) {
    const Phase *phase = &plan->phases[index];
    Arena *arena = arena_new();
    Words *words = ARENA_NEW(arena, Words);
    bool mpirun = phase->replicas > 1;
    if (mpirun)
        add_mpirun(words, plan, phase, arena);
    add_work(words, plan, index, options, arena);
    int ends[4] = {-1, -1, -1, -1}; /* stdout and stderr: read, write */
    *out = (Worker){.fd = -1, .err_fd = -1, .start_s = clock_s()};
    pid_t driver = getpid(), pid = -1;
    if (pipe2(ends, O_CLOEXEC) == 0 && (!mpirun || pipe2(ends + 2, O_CLOEXEC) == 0))
        pid = fork();
    if (pid == 0)
        become(plan, phase, driver, ends[1], ends[3], words->word);
    Error *error = NULL;
    if (pid < 0) {
        error = error_new(CODE_INTERNAL, "cannot start a process: %s", strerror(errno));
        close_all(ends, 4);
    } else {
        const int ours[] = {ends[1], ends[3]};
        close_all(ours, 2);
        out->pid = pid;
        out->fd = ends[0];
        out->err_fd = ends[2];
    }
    arena_end(arena);
    return error;
}

/* ---- listening */

void worker_listen_to_mpirun(Worker *worker) {
    char bytes[4096];
    ssize_t n = read(worker->err_fd, bytes, sizeof bytes);
    if (n < 0 && errno == EINTR)
        return;
    cause_take(&worker->cause, bytes, n > 0 ? (size_t)n : 0);
    if (n <= 0) {
        close(worker->err_fd);
        worker->err_fd = -1;
    }
}

/* Its last words; a process that it left behind and that holds the pipe is not waited for. */
static void end_of(Worker *worker) {
    close(worker->fd);
    worker->fd = -1;
    struct pollfd last = {.fd = worker->err_fd, .events = POLLIN};
    while (worker->err_fd >= 0 && poll(&last, 1, 1000) > 0)
        worker_listen_to_mpirun(worker);
    if (worker->err_fd >= 0)
        close(worker->err_fd);
    worker->err_fd = -1;
    while (waitpid(worker->pid, &worker->status, 0) < 0 && errno == EINTR)
        ;
    worker->pid = 0;
}

void worker_listen(Worker *worker, WorkerHear *hear, void *self) {
    char bytes[4096];
    worker->ready = true;
    ssize_t n = read(worker->fd, bytes, sizeof bytes);
    if (n <= 0) {
        if (n == 0 || errno != EINTR)
            end_of(worker);
        return;
    }
    for (ssize_t i = 0; i < n; i++) {
        if (bytes[i] != '\n' && worker->n_line < sizeof worker->line - 1) {
            worker->line[worker->n_line++] = bytes[i];
            continue;
        }
        worker->line[worker->n_line] = '\0';
        worker->n_line = 0;
        hear(self, worker);
    }
}
