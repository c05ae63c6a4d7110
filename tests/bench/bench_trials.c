/* What the trials of an experiment cost without any harness around them: each is trained by
 * trial_run alone, without recorder, journal, digest or claim, dealt over as many processes as
 * `batchlab run` would use for one replica and one thread. Prints one line: trials, processes,
 * seconds of all processes added up (from the first trial's start), seconds from start to end.
 * bench_harness.sh subtracts them from a real sweep.
 *
 *   bench_trials EXPERIMENT.json [PROCESSES] */
#include "lab/base/clock.h"
#include "lab/sweep/experiment.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Seconds of every `stride`-th trial from `first` on. */
static Error *train_share(double *seconds, const Experiment *experiment, int first, int stride) {
    Arena *arena = arena_new();
    TrialLayout layout = {
        .comm = comm_alone(arena), .threads = 1, .collective = experiment->layouts.collective};
    double start_s = clock_s();
    Error *error = NULL;
    for (int i = first; i < experiment->n_trials && !error; i += stride) {
        const PlannedTrial *trial = &experiment->trials[i];
        RunSummary summary;
        error = trial_run(&summary, &trial->settings, trial->seed, trial->data, &layout, NULL);
    }
    *seconds = clock_s() - start_s;
    arena_end(arena);
    return error;
}

/* In a child: writes its seconds into the pipe. */
static int child(int out, const Experiment *experiment, int first, int stride) {
    double seconds = 0;
    Error *error = train_share(&seconds, experiment, first, stride);
    if (error) {
        error_print(error, stderr);
        return 1;
    }
    return write(out, &seconds, sizeof seconds) == sizeof seconds ? 0 : 1;
}

static double add_up(int from, int n) {
    double sum = 0, seconds;
    while (n-- > 0 && read(from, &seconds, sizeof seconds) == sizeof seconds)
        sum += seconds;
    return sum;
}

int main(int argc, char **argv) {
    Arena *arena = arena_new();
    Experiment experiment;
    if (argc < 2) {
        fprintf(stderr, "bench_trials EXPERIMENT.json [PROCESSES]\n");
        return CODE_USAGE;
    }
    Error *error = experiment_load(&experiment, argv[1], NULL, 0, arena);
    if (error) {
        error_print(error, stderr);
        return error_code(error);
    }
    int n = argc > 2 ? atoi(argv[2]) : (int)sysconf(_SC_NPROCESSORS_ONLN), ends[2];
    if (n < 1 || pipe(ends) != 0)
        return CODE_USAGE;
    double start_s = clock_s();
    for (int i = 0; i < n; i++)
        if (fork() == 0)
            _exit(child(ends[1], &experiment, i, n));
    double sum = add_up(ends[0], n);
    int status, failed = 0;
    while (wait(&status) > 0)
        failed |= status;
    printf("%d %d %.6f %.6f\n", experiment.n_trials, n, sum, clock_s() - start_s);
    arena_end(arena);
    return failed ? CODE_INTERNAL : 0;
}
