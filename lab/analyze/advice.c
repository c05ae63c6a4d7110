#include "lab/analyze/advice.h"

#include "lab/analyze/advice_curve.h"
#include "lab/base/rng.h"
#include "lab/base/stats.h"
#include "lab/comm/collective.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define Z90 1.645      /* half a 90 % interval, in sd */
#define COMM_ERROR 0.1 /* what a cost formula may be off, as sd of its log */
enum { MAX_BATCHES = 64, MAX_REPLICAS = 64, REDRAWS = 400 };

static int by_size(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int distinct(int64_t *x, int n) {
    int kept = 0;
    qsort(x, (size_t)n, sizeof *x, by_size);
    for (int i = 0; i < n; i++)
        if (kept == 0 || x[kept - 1] != x[i])
            x[kept++] = x[i];
    return kept;
}

/* Powers of two, whole nodes, everything. */
static int replica_counts(int64_t *out, const Cluster *cluster, int per_node) {
    int64_t most = cluster->nodes * per_node;
    int n = 0;
    for (int64_t r = 1; r <= most && n < MAX_REPLICAS / 2; r *= 2)
        out[n++] = r;
    for (int64_t nodes = 1; nodes <= cluster->nodes && n < MAX_REPLICAS - 1; nodes *= 2)
        out[n++] = nodes * per_node;
    out[n++] = most;
    return distinct(out, n);
}

/* ---- one choice */

static const CollectiveType *collective_of(const RunHeader *header) {
    for (int i = 0; i < COLLECTIVE_N; i++)
        if (strcmp(collective_table[i]->name, header->collective) == 0)
            return (const CollectiveType *)collective_table[i];
    return (const CollectiveType *)collective_table[COLLECTIVE_ID_tree];
}

static double comm_s(const Advice *advice, const CommFit *fit, const Choice *choice) {
    if (choice->replicas == 1)
        return 0;
    if (advice->own)
        return fit->start_s + fit->round_s * log2(choice->replicas);
    CostCase of = {.replicas = choice->replicas,
                   .ranks_per_node = cluster_ranks(&advice->cluster, advice->work.threads),
                   .n_shards = choice->global_batch / choice->mini_batch,
                   .bytes = 4.0 * (double)advice->header->n_weights};
    return collective_of(advice->header)->cost(&advice->cluster.net, &of);
}

static StepCase step_case(const Advice *advice, const Choice *choice) {
    return (StepCase){.global_batch = choice->global_batch,
                      .mini_batch = choice->mini_batch,
                      .replicas = choice->replicas,
                      .team = work_team(advice->header, choice->replicas, choice->nodes),
                      .speed = advice->cluster.core_speed,
                      .overlap = advice->cluster.overlap,
                      .comm_s = choice->comm_s};
}

/* Examples and steps are multiplied: errors of their logarithms add in squares. */
static Interval seconds_in(const Advice *advice, const Choice *choice) {
    Interval e = choice->examples_in;
    if (isnan(e.low) || isnan(e.high))
        return (Interval){NAN, NAN};
    double step = hypot(advice->work.error, COMM_ERROR * choice->comm_s / choice->step_s);
    double down = hypot(log(choice->examples / e.low), Z90 * step);
    double up = hypot(log(e.high / choice->examples), Z90 * step);
    return (Interval){choice->seconds * exp(-down), choice->seconds * exp(up)};
}

/* `one_mini`: the mini-batch that one replica would take. */
static void fill(Choice *choice, int64_t one_mini, const Advice *advice, const CommFit *fit) {
    Work work = advice->work;
    if (isfinite(advice->cluster.jitter))
        work.jitter = advice->cluster.jitter;
    int per_node = cluster_ranks(&advice->cluster, work.threads);
    choice->nodes = (choice->replicas + per_node - 1) / per_node;
    choice->comm_s = comm_s(advice, fit, choice);
    StepCase of = step_case(advice, choice), one = of;
    one.mini_batch = one_mini;
    one.replicas = one.team = 1;
    one.comm_s = 0;
    choice->step_s = work_step_s(&work, &of);
    choice->passes_s = work_passes_s(&work, &of);
    if (choice->replicas > 1)
        choice->passes_s *= 1 + work.jitter * work_slowest_of(choice->replicas);
    choice->hardware = work_step_s(&work, &one) / choice->step_s / choice->replicas;
    choice->steps = ceil(choice->examples / (double)choice->global_batch);
    choice->seconds = choice->steps * choice->step_s;
    choice->seconds_in = seconds_in(advice, choice);
    choice->paid_s = choice->seconds * choice->replicas;
}

/* ---- all of them */

/* Where noise is not measured between mini-batches, they are only a way to divide the work. So they
 * may shrink until every replica has a shard, down to the least that was timed. 0: not enough. */
static int64_t mini_batch_for(const Advice *advice, const AdvicePoint *point, int64_t replicas) {
    int64_t mini = point->mini_batch;
    bool divisible = strcmp(advice->header->noise_unit, "shard") != 0 && advice->work.n_mini > 1;
    while (divisible && mini % 2 == 0 && mini / 2 >= advice->work.least_mini &&
           point->global_batch / mini < replicas)
        mini /= 2;
    return point->global_batch / mini >= replicas ? mini : 0;
}

static void make_choices(Advice *advice, const AdviceCurve *curve, const CommFit *fit,
                         Arena *arena) {
    int64_t replicas[MAX_REPLICAS];
    int per_node = cluster_ranks(&advice->cluster, advice->work.threads);
    int n_replicas = replica_counts(replicas, &advice->cluster, per_node);
    advice->choice = ARENA_ARRAY(arena, Choice, curve->n * n_replicas + 1);
    for (int b = 0; b < curve->n; b++)
        for (int r = 0; r < n_replicas; r++) {
            const AdvicePoint *point = &curve->point[b];
            int64_t mini = mini_batch_for(advice, point, replicas[r]);
            if (mini == 0)
                continue; /* fewer shards than replicas */
            Choice *choice = &advice->choice[advice->n++];
            *choice = (Choice){.global_batch = point->global_batch,
                               .mini_batch = mini,
                               .replicas = (int)replicas[r],
                               .examples = point->examples,
                               .examples_in = point->examples_in,
                               .extrapolated = point->extrapolated};
            fill(choice, point->mini_batch, advice, fit);
        }
}

static void pick(Advice *advice) {
    double least_paid = INFINITY, least_examples = INFINITY;
    for (int i = 0; i < advice->n; i++) {
        least_paid = fmin(least_paid, advice->choice[i].paid_s);
        least_examples = fmin(least_examples, advice->choice[i].examples);
    }
    for (int i = 0; i < advice->n; i++) {
        Choice *choice = &advice->choice[i];
        choice->efficiency = least_paid / choice->paid_s;
        choice->statistical = least_examples / choice->examples;
        if (!advice->fastest || choice->seconds < advice->fastest->seconds)
            advice->fastest = choice;
        if (choice->efficiency >= ADVICE_EFFICIENCY &&
            (!advice->efficient || choice->seconds < advice->efficient->seconds))
            advice->efficient = choice;
        if (!advice->cheapest || choice->paid_s < advice->cheapest->paid_s)
            advice->cheapest = choice;
    }
}

/* The study once more, with other seeds and other steps: which choice would have been the fastest
 * then? */
static void redraw(Advice *advice, const AdviceCurve *curve, Arena *arena) {
    advice->fastest_batch = advice->fastest_replicas = (Interval){NAN, NAN};
    if (!curve->fit)
        return;
    double *batch = ARENA_ARRAY(arena, double, REDRAWS),
           *many = ARENA_ARRAY(arena, double, REDRAWS);
    double *factor = ARENA_ARRAY(arena, double, curve->n);
    for (int d = 0; d < REDRAWS; d++) {
        Rng rng = rng_new(0, RNG_BOOTSTRAP, (uint64_t)d);
        advice_curve_redraw(factor, curve, advice->work.error, &rng, arena);
        const Choice *best = NULL;
        double least = INFINITY;
        for (int i = 0; i < advice->n; i++) {
            const Choice *choice = &advice->choice[i];
            double seconds = choice->seconds * factor[advice_curve_at(curve, choice->global_batch)];
            if (seconds < least) {
                least = seconds;
                best = choice;
            }
        }
        batch[d] = (double)best->global_batch;
        many[d] = best->replicas;
    }
    advice->fastest_batch =
        (Interval){stats_quantile(batch, REDRAWS, 0.05), stats_quantile(batch, REDRAWS, 0.95)};
    advice->fastest_replicas =
        (Interval){stats_quantile(many, REDRAWS, 0.05), stats_quantile(many, REDRAWS, 0.95)};
}

/* ---- the hardware side of a line */

static bool same_line(const Timing *timing, const RunHeader *header) {
    const RunHeader *a = timing->header;
    return strcmp(a->model, header->model) == 0 && strcmp(a->dataset, header->dataset) == 0 &&
           strcmp(a->optimizer, header->optimizer) == 0 && a->n_weights == header->n_weights;
}

/* The threads and the label of which most layouts of one replica were measured. */
static void fit_work(Advice *advice, const Timings *timings, Arena *arena) {
    for (int i = 0; i < timings->n; i++) {
        const Timing *timing = &timings->timing[i];
        Work work;
        if (!same_line(timing, advice->header) || timing->oversubscribed)
            continue;
        work_fit(&work, timings, timing, arena);
        if (work.n > advice->work.n)
            advice->work = work;
    }
}

static const CommFit *comm_fit(const Advice *advice, const Scaling *scaling) {
    for (int i = 0; i < scaling->n_fits; i++) {
        const CommFit *fit = &scaling->fit[i];
        if (fit->n_points > 0 && fit->header->hosts <= 1 &&
            fit->header->n_weights == advice->header->n_weights &&
            fit->header->threads == advice->work.threads &&
            strcmp(run_label(fit->header), advice->work.label) == 0 &&
            strcmp(fit->header->collective, advice->header->collective) == 0)
            return fit;
    }
    return NULL;
}

/* Measured as what the advice rests on. */
static bool same_layouts(const Timing *timing, const Advice *advice) {
    return same_line(timing, advice->header) && timing->threads == advice->work.threads &&
           strcmp(run_label(timing->header), advice->work.label) == 0;
}

/* One machine with as many replicas as the study measured without crowding it. */
static Cluster own_machine(const Advice *advice, const Timings *timings) {
    int64_t most = 1, threads = advice->work.threads;
    for (int i = 0; i < timings->n; i++) {
        const Timing *timing = &timings->timing[i];
        if (same_layouts(timing, advice) && !timing->oversubscribed && timing->hosts <= 1 &&
            timing->replicas > most)
            most = timing->replicas;
    }
    return (Cluster){.cluster = "the study's own machine",
                     .about = "",
                     .nodes = 1,
                     .ranks_per_node = most,
                     .cores_per_node = most * threads,
                     .core_speed = 1,
                     .overlap = 1,
                     .jitter = NAN,
                     .memory_from = "the runs",
                     .link_from = "the runs"};
}

/* Predicted against measured steps of several replicas on one host, where the cluster claims to be
 * that host. */
static void check_layouts(Advice *advice, const Timings *timings, const CommFit *fit,
                          Arena *arena) {
    double *errors = ARENA_ARRAY(arena, double, timings->n + 1);
    bool there = advice->own || (advice->cluster.nodes == 1 && advice->cluster.core_speed == 1);
    for (int i = 0; i < timings->n && there; i++) {
        const Timing *timing = &timings->timing[i];
        if (!same_layouts(timing, advice) || timing->replicas == 1 || timing->oversubscribed ||
            timing->hosts > 1 || timing->header->bucket_kib > 0 ||
            timing->replicas > cluster_ranks(&advice->cluster, timing->threads))
            continue;
        Choice choice = {.global_batch = timing->global_batch,
                         .mini_batch = timing->global_batch / timing->n_shards,
                         .replicas = timing->replicas,
                         .examples = 1};
        fill(&choice, choice.mini_batch, advice, fit);
        errors[advice->n_errors++] = fabs(choice.step_s / timing->step_s - 1);
    }
    advice->errors_median = stats_median(errors, advice->n_errors);
    advice->errors_worst = stats_quantile(errors, advice->n_errors, 1);
}

/* ---- everything for one line */

static Advice refuse(Advice *advice, const char *why, const char *hint) {
    advice->missing = why;
    advice->hint = hint;
    return *advice;
}

static Advice of_line(const AdviceStudy *study, int l, const Cluster *cluster, Arena *arena) {
    Advice advice = {.line = &study->lines->line[l],
                     .critical = &study->criticals->critical[l],
                     .own = cluster == NULL};
    AdviceCurve curve;
    advice.header = &advice.line->cell[0]->first->header;
    advice_curve_make(&curve, advice.line, advice.critical, arena);
    if (curve.n == 0)
        return refuse(&advice, "no batch reached a target in most of its seeds",
                      "set trial.stop.metric and target to something that the runs reach");
    fit_work(&advice, study->timings, arena);
    if (advice.work.n == 0)
        return refuse(&advice, "no step of one replica was measured alone on the machine",
                      strcmp(advice.header->collective, "imported") == 0
                          ? "import the runs with \"seconds\", since the run began"
                          : "run the study with layouts.replicas 1 and mode verify");
    advice.cluster = cluster ? *cluster : own_machine(&advice, study->timings);
    const CommFit *fit = comm_fit(&advice, study->scaling);
    if (advice.own && (advice.cluster.ranks_per_node == 1 || !fit))
        return refuse(&advice, "no layout of several replicas that fits the cores was measured",
                      "name a cluster: `batchlab advise RESULTS --cluster NAME`");
    if (cluster_ranks(&advice.cluster, advice.work.threads) < 1)
        return refuse(&advice, "a replica has more threads than the cluster's machines have cores",
                      "measure layouts of fewer threads");
    if (advice.header->n_weights == 0)
        return refuse(&advice, "nobody knows what replicas would exchange",
                      "import the runs with \"n_weights\", the number of weights");
    make_choices(&advice, &curve, fit, arena);
    if (advice.n == 0)
        return refuse(&advice, "no batch has a shard for every replica", "lower trial.mini_batch");
    pick(&advice);
    redraw(&advice, &curve, arena);
    check_layouts(&advice, study->timings, fit, arena);
    advice.overlap = overlap_fit(study->timings, advice.header, arena);
    advice_note(&advice, &curve, arena);
    return advice;
}

Advice advice_make(const AdviceStudy *study, const Cluster *cluster, const char *label,
                   Arena *arena) {
    Advice best = {.missing = "there is no line of batches with a target",
                   .hint = "set trial.stop.metric and target, and sweep global_batch"};
    for (int l = 0; l < study->lines->n; l++) {
        if (label && strcmp(study->lines->line[l].label, label) != 0)
            continue;
        Advice advice = of_line(study, l, cluster, arena);
        bool better =
            !advice.missing && !best.missing && advice.fastest->seconds < best.fastest->seconds;
        if ((best.missing && (!advice.missing || !best.line)) || better)
            best = advice;
    }
    if (label && !best.line)
        best.missing = arena_print(arena, "the study has no line '%s'", label);
    return best;
}
