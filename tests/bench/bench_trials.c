/* For bench_harness.sh: seconds from start to end, and of all processors, of one of
 *
 *   bench_trials EXPERIMENT.json [PROCESSES]   its trials without any harness around them: each
 * trained by trial_run alone, without recorder, journal, digest or claim, dealt over as many
 *                                              processes as `batchlab run` would use for one
 * replica and one thread bench_trials -- COMMAND ...                a command
 *
 * Prints one line: trials (0 for a command), wall seconds, processor seconds. */
#include "lab/base/clock.h"
#include "lab/sweep/experiment.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Every `stride`-th trial from `first` on. */
static Error *train_share(const Experiment *experiment, int first, int stride) {
    Arena *arena = arena_new();
    TrialLayout layout = {
        .comm = comm_alone(arena), .threads = 1, .collective = experiment->layouts.collective};
    Error *error = NULL;
    for (int i = first; i < experiment->n_trials && !error; i += stride) {
        const PlannedTrial *trial = &experiment->trials[i];
        RunSummary summary;
        error = trial_run(&summary, &trial->settings, trial->seed, trial->data, &layout, NULL);
    }
    arena_end(arena);
    return error;
}

static int child(const Experiment *experiment, int first, int stride) {
    Error *error = train_share(experiment, first, stride);
    if (error)
        error_print(error, stderr);
    return error ? 1 : 0;
}

/* Waits for every child; non-zero when one failed. */
static int wait_for_all(void) {
    int status, failed = 0;
    while (wait(&status) > 0)
        failed |= status;
    return failed;
}

static void print_line(int n_trials, double start_s) {
    struct rusage used;
    getrusage(RUSAGE_CHILDREN, &used);
    double cpu_s = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                   1e-6 * (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
    printf("%d %.6f %.6f\n", n_trials, clock_s() - start_s, cpu_s);
}

static int run_command(char **words) {
    double start_s = clock_s();
    if (fork() == 0) {
        int nowhere = open("/dev/null", O_WRONLY);
        dup2(nowhere, 1);
        execvp(words[0], words);
        _exit(127);
    }
    int failed = wait_for_all();
    print_line(0, start_s);
    return failed ? CODE_INTERNAL : 0;
}

int main(int argc, char **argv) {
    if (argc < 2 || (strcmp(argv[1], "--") == 0 && argc < 3)) {
        fprintf(stderr, "bench_trials EXPERIMENT.json [PROCESSES] | -- COMMAND ...\n");
        return CODE_USAGE;
    }
    if (strcmp(argv[1], "--") == 0)
        return run_command(argv + 2);
    Arena *arena = arena_new();
    Experiment experiment;
    Error *error = experiment_load(&experiment, argv[1], NULL, 0, arena);
    if (error) {
        error_print(error, stderr);
        return error_code(error);
    }
    int n = argc > 2 ? atoi(argv[2]) : (int)sysconf(_SC_NPROCESSORS_ONLN);
    double start_s = clock_s();
    for (int i = 0; i < n; i++)
        if (fork() == 0)
            _exit(child(&experiment, i, n));
    int failed = wait_for_all();
    print_line(experiment.n_trials, start_s);
    arena_end(arena);
    return failed ? CODE_INTERNAL : 0;
}
