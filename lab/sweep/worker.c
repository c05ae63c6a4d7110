#include "lab/sweep/worker.h"

#include "lab/base/clock.h"
#include "lab/sweep/isa.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
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
 * ranks yield. Quiet, because the driver says how a job ended. */
static void add_mpirun(Words *words, const Plan *plan, const Phase *phase, Arena *arena) {
    bool fits = phase->replicas * phase->threads <= plan->cores;
    const char *const always[] = {"mpirun", "-q", "-n", arena_print(arena, "%d", phase->replicas),
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
                                NULL};
    add_all(words, work);
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
static void become(const Plan *plan, const Phase *phase, pid_t driver, int out, char **words) {
    setpgid(0, 0); /* a Ctrl-C is the driver's to pass on: mpirun would kill its ranks */
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != driver) /* died before the line above */
        _exit(CODE_STOPPED);
    int null = open("/dev/null", O_RDONLY);
    dup2(null, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    set_environment(plan, phase);
    execvp(words[0], words);
    _exit(WORKER_NO_PROGRAM);
}

Error *worker_start(Worker *out, const Plan *plan, int index, const LaunchOptions *options) {
    const Phase *phase = &plan->phases[index];
    Arena *arena = arena_new();
    Words *words = ARENA_NEW(arena, Words);
    if (phase->replicas > 1)
        add_mpirun(words, plan, phase, arena);
    add_work(words, plan, index, options, arena);
    int ends[2];
    Error *error = NULL;
    *out = (Worker){.fd = -1, .start_s = clock_s()};
    if (pipe2(ends, O_CLOEXEC) != 0) {
        error = error_new(CODE_INTERNAL, "cannot make a pipe: %s", strerror(errno));
    } else {
        pid_t driver = getpid(), pid = fork();
        if (pid == 0)
            become(plan, phase, driver, ends[1], words->word);
        close(ends[1]);
        if (pid < 0) {
            close(ends[0]);
            error = error_new(CODE_INTERNAL, "cannot start a process: %s", strerror(errno));
        } else {
            out->pid = pid;
            out->fd = ends[0];
        }
    }
    arena_end(arena);
    return error;
}
