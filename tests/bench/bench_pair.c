/* What sharing a trial costs replicas, on a machine whose speed changes from second to second.
 *
 *   mpirun -n 2 --bind-to core bench_pair TRIAL.json STEPS
 *
 * The ranks train the trial together, and after each of its steps every rank takes one of a copy of
 * its own, all at the same moment: neighbours in time, which the machine treats alike. Prints
 * examples/s of the replicas together (median) and, over the steps, the median and the quartiles of
 * the parallel efficiency: that rate over the sum of the copies' rates. */
#include "lab/base/stats.h"
#include "tests/tools/trial_file.h"

#include <pthread.h>
#include <stdio.h>

enum { MOST_STEPS = 10000, WARM_STEPS = 2 };
typedef enum { TOGETHER, APART, N_WAYS } Way;

/* Two trials of one process that take turns. */
typedef struct Turns {
    pthread_mutex_t lock;
    pthread_cond_t passed;
    Way whose;
    bool ended;
    Comm *world;
    TrialFile *file;
    int64_t steps;
    int n[N_WAYS];
    double step_s[N_WAYS][MOST_STEPS];
    Error *error; /* of the copy */
} Turns;

static void wait_for(Turns *turns, Way mine) {
    pthread_mutex_lock(&turns->lock);
    while (turns->whose != mine && !turns->ended)
        pthread_cond_wait(&turns->passed, &turns->lock);
    pthread_mutex_unlock(&turns->lock);
}

static void pass_to(Turns *turns, Way other, bool ended) {
    pthread_mutex_lock(&turns->lock);
    turns->whose = other;
    turns->ended = turns->ended || ended;
    pthread_cond_broadcast(&turns->passed);
    pthread_mutex_unlock(&turns->lock);
}

static Error *see_together(void *self, const StepRow *row) {
    Turns *turns = self;
    turns->step_s[TOGETHER][turns->n[TOGETHER]++] = row->step_s;
    Error *error = comm_agree(turns->world, NULL); /* the copies begin at the same moment, */
    pass_to(turns, APART, false);
    wait_for(turns, TOGETHER);
    return error ? error : comm_agree(turns->world, NULL); /* and wait for the last one */
}

static Error *see_apart(void *self, const StepRow *row) {
    Turns *turns = self;
    turns->step_s[APART][turns->n[APART]++] = row->step_s;
    pass_to(turns, TOGETHER, false);
    wait_for(turns, APART);
    return NULL;
}

static void *train_apart(void *self) {
    Turns *turns = self;
    Arena *arena = arena_new();
    Recorder recorder = {.self = turns, .step = see_apart};
    wait_for(turns, APART);
    turns->error =
        trial_file_train(turns->file, comm_alone(arena), 1, turns->steps, NULL, &recorder);
    pass_to(turns, TOGETHER, true);
    arena_end(arena);
    return NULL;
}

/* Both trials to their end. */
static Error *train(Turns *turns) {
    Recorder recorder = {.self = turns, .step = see_together};
    pthread_t copy;
    if (pthread_create(&copy, NULL, train_apart, turns) != 0)
        return error_new(CODE_INTERNAL, "no thread");
    Error *error = trial_file_train(turns->file, turns->world, 1, turns->steps, NULL, &recorder);
    pass_to(turns, APART, true);
    pthread_join(copy, NULL);
    return error ? error : turns->error;
}

/* `all`: every rank's step_s. */
static void print_result(const Turns *turns, double (*all)[N_WAYS][MOST_STEPS], Arena *arena) {
    int n = turns->n[TOGETHER] - WARM_STEPS, ranks = comm_size(turns->world);
    double *rate = ARENA_ARRAY(arena, double, n), *efficiency = ARENA_ARRAY(arena, double, n);
    for (int i = 0; i < n; i++) {
        double together_s = 0, copies = 0;
        for (int r = 0; r < ranks; r++) {
            double mine = all[r][TOGETHER][WARM_STEPS + i];
            together_s = mine > together_s ? mine : together_s;
            copies += 1 / all[r][APART][WARM_STEPS + i];
        }
        rate[i] = (double)turns->file->settings.global_batch / together_s;
        efficiency[i] = 1 / together_s / copies;
    }
    printf("%.0f %.3f %.3f %.3f\n", stats_median(rate, n), stats_median(efficiency, n),
           stats_quantile(efficiency, n, 0.25), stats_quantile(efficiency, n, 0.75));
}

static Error *run(Comm *world, const char *path, int64_t steps, Arena *arena) {
    TrialFile file;
    PASS(comm_agree(world, trial_file_load(&file, path, arena)));
    Turns *turns = ARENA_NEW(arena, Turns);
    turns->world = world;
    turns->file = &file;
    turns->steps = steps;
    pthread_mutex_init(&turns->lock, NULL);
    pthread_cond_init(&turns->passed, NULL);
    PASS(train(turns));
    double(*all)[N_WAYS][MOST_STEPS] = arena_alloc(arena, sizeof *all * (size_t)comm_size(world));
    comm_gather(world, turns->step_s, sizeof turns->step_s, all);
    if (comm_rank(world) == 0)
        print_result(turns, all, arena);
    return NULL;
}

int main(int argc, char **argv) {
    int64_t steps = argc == 3 ? strtoll(argv[2], NULL, 10) : 0;
    if (steps <= WARM_STEPS || steps > MOST_STEPS || !comm_launched()) {
        fprintf(stderr, "usage: mpirun -n RANKS bench_pair TRIAL.json STEPS (3 to %d)\n",
                MOST_STEPS);
        return 2;
    }
    Arena *arena = arena_new();
    Comm *world;
    Error *error = comm_begin(&world, arena);
    if (!error) {
        error = run(world, argv[1], steps, arena);
        comm_finish(world);
    }
    if (error)
        error_print(error, stderr);
    int code = error ? error_code(error) : 0;
    arena_end(arena);
    return code;
}
