/* scaling_predict SEEN UNSEEN CLUSTER CALIBRATION.h5 [LINK_FACTOR]: how well the scaling model
 * predicts what it has not seen.
 *
 * The cost of a step's work is fitted to the layouts of one replica in the results folder SEEN
 * (when UNSEEN is the same folder: to those of other batches than the one that is predicted); the
 * sum's comes from the cluster (a name or file) with the calibration's numbers where it has none of
 * its own, its link made LINK_FACTOR times as fast. Prints a line for every timed layout of UNSEEN:
 * batch, mini-batch, replicas, threads, hosts, measured and predicted milliseconds, error; then the
 * median and the worst error, of all and of those whose steps were even. Exit code 1 when nothing
 * could be compared. */
#include "lab/analyze/cluster.h"
#include "lab/analyze/work.h"
#include "lab/base/stats.h"
#include "lab/comm/collective.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Model {
    Timings seen;
    bool same; /* as what is predicted: the batch itself is left out */
    const char *cluster, *calibration;
    double link_factor;
} Model;

static const CollectiveType *collective_of(const Timing *timing) {
    for (int i = 0; i < COLLECTIVE_N; i++)
        if (strcmp(collective_table[i]->name, timing->header->collective) == 0)
            return (const CollectiveType *)collective_table[i];
    return NULL;
}

static Error *sum_s(double *out, const Model *model, const Timing *timing, Arena *arena) {
    double bytes = 4.0 * (double)timing->header->n_weights;
    Cluster cluster;
    const CollectiveType *type = collective_of(timing);
    *out = 0;
    if (timing->replicas == 1 || !type)
        return NULL;
    PASS(cluster_load(&cluster, model->cluster, model->calibration, bytes, arena));
    cluster.net.link_bytes_per_s *= model->link_factor;
    CostCase of = {.replicas = timing->replicas,
                   .ranks_per_node = timing->replicas / timing->hosts,
                   .n_shards = timing->n_shards,
                   .bytes = bytes};
    *out = type->cost(&cluster.net, &of);
    return NULL;
}

/* NaN: nothing like it was seen. */
static Error *predict(double *step_s, const Model *model, const Timing *timing, Arena *arena) {
    Work work;
    Timings seen = {.timing = ARENA_ARRAY(arena, Timing, model->seen.n + 1)};
    for (int i = 0; i < model->seen.n; i++)
        if (!model->same || model->seen.timing[i].global_batch != timing->global_batch)
            seen.timing[seen.n++] = model->seen.timing[i];
    work_fit(&work, &seen, timing, arena);
    StepCase of = {.global_batch = timing->global_batch,
                   .mini_batch = timing->global_batch / timing->n_shards,
                   .replicas = timing->replicas,
                   .team = work_team(timing->header, timing->replicas, timing->hosts),
                   .speed = 1,
                   .overlap = 1};
    PASS(sum_s(&of.comm_s, model, timing, arena));
    *step_s = work.n ? work_step_s(&work, &of) : NAN;
    return NULL;
}

static Error *timings_of(Timings *out, const char *folder, Arena *arena) {
    RunRecord *runs;
    int n;
    PASS(run_load_all(&runs, &n, folder, arena));
    *out = timings_make(runs, n, arena);
    return NULL;
}

/* Something else ran on the machine while it was timed. */
static bool restless(const Timing *timing) {
    return timing->step_high_s >= TIMING_RESTLESS * timing->step_low_s;
}

static void print_row(const Timing *timing, double step_s) {
    printf("%-12s B %6ld  b %4ld  R %2d T %d  hosts %d  measured %9.3f ms  predicted %9.3f ms  "
           "%5.1f %%%s\n",
           timing->header->model, (long)timing->global_batch,
           (long)(timing->global_batch / timing->n_shards), timing->replicas, timing->threads,
           timing->hosts, 1e3 * timing->step_s, 1e3 * step_s, 100 * (step_s / timing->step_s - 1),
           restless(timing) ? " restless" : "");
}

static void print_errors(const char *which, const double *error, int n) {
    if (n)
        printf("%d %s: error %.1f %% median, %.1f %% worst\n", n, which,
               100 * stats_median(error, n), 100 * stats_quantile(error, n, 1));
}

static Error *compare(int *n, const Model *model, const Timings *unseen, Arena *arena) {
    double *all = ARENA_ARRAY(arena, double, unseen->n + 1);
    double *calm = ARENA_ARRAY(arena, double, unseen->n + 1);
    int n_calm = 0;
    for (int i = 0; i < unseen->n; i++) {
        const Timing *timing = &unseen->timing[i];
        double step_s;
        if (timing->oversubscribed)
            continue;
        PASS(predict(&step_s, model, timing, arena));
        if (!isfinite(step_s))
            continue;
        print_row(timing, step_s);
        all[*n] = fabs(step_s / timing->step_s - 1);
        if (!restless(timing))
            calm[n_calm++] = all[*n];
        ++*n;
    }
    print_errors("layouts not seen", all, *n);
    print_errors("of them timed while nothing else ran", calm, n_calm);
    return NULL;
}

int main(int argc, char **argv) {
    if (argc < 5) {
        fprintf(stderr, "usage: scaling_predict SEEN UNSEEN CLUSTER CALIBRATION.h5 [FACTOR]\n");
        return 2;
    }
    Arena *arena = arena_new();
    Model model = {.same = strcmp(argv[1], argv[2]) == 0,
                   .cluster = argv[3],
                   .calibration = argv[4],
                   .link_factor = argc > 5 ? strtod(argv[5], NULL) : 1};
    Timings unseen = {0};
    int n = 0;
    Error *error = timings_of(&model.seen, argv[1], arena);
    if (!error)
        error = timings_of(&unseen, argv[2], arena);
    if (!error)
        error = compare(&n, &model, &unseen, arena);
    if (error)
        error_print(error, stderr);
    arena_end(arena);
    return error || n == 0;
}
