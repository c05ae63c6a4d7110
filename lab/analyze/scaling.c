#include "lab/analyze/scaling.h"

#include "lab/analyze/work.h"
#include "lab/base/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Turns of the busiest thread: a replica has ceil(S/R) shards, T threads share them. */
static int64_t turns(int64_t n_shards, int replicas, int threads) {
    int64_t shards = (n_shards + replicas - 1) / replicas;
    return (shards + threads - 1) / threads;
}

/* The part of one replica's reduce column that a replica among R still does: the additions of its
 * own shards. */
static double own_reduce_s(const Timing *one, int64_t n_shards, int replicas) {
    if (one->n_shards < 2)
        return 0;
    double own = (double)((n_shards + replicas - 1) / replicas - 1);
    return one->stage_s[STAGE_REDUCE] * own / (double)(one->n_shards - 1);
}

/* Communication: what the reduce column has beyond the replica's own additions; of imported runs,
 * whose stages are not known, what is left of the step beyond the share of one replica's. */
static double extra_s(const Timing *timing, const Timing *one) {
    double extra =
        timing->stage_s[STAGE_COMPUTE] > 0
            ? timing->stage_s[STAGE_REDUCE] - own_reduce_s(one, timing->n_shards, timing->replicas)
            : timing->step_s - one->step_s * (double)timing->global_batch /
                                   (double)one->global_batch / timing->replicas;
    return extra > 0 ? extra : 0;
}

static ScalingPoint point_make(const Timing *timing, const Timing *one) {
    double batch = (double)timing->global_batch;
    ScalingPoint point = {.timing = timing,
                          .examples_s = batch / timing->step_s,
                          .examples_low_s = batch / timing->step_high_s,
                          .examples_high_s = batch / timing->step_low_s,
                          .speedup = NAN,
                          .efficiency = NAN,
                          .efficiency_low = NAN,
                          .efficiency_high = NAN,
                          .reduce_extra_s = NAN,
                          .predicted_s = NAN,
                          .predicted_low_s = NAN,
                          .predicted_high_s = NAN};
    if (!one)
        return point;
    double rate = (double)one->global_batch / one->step_s, replicas = timing->replicas;
    point.speedup = point.examples_s / rate;
    point.efficiency = point.speedup / replicas;
    point.efficiency_low = point.examples_low_s / rate / replicas;
    point.efficiency_high = point.examples_high_s / rate / replicas;
    if (timing->replicas > 1)
        point.reduce_extra_s = extra_s(timing, one);
    return point;
}

/* Same work on the same kind of layout. */
static bool same_work(const Timing *a, const Timing *b) {
    return a->threads == b->threads && strcmp(a->work, b->work) == 0 &&
           strcmp(a->header->collective, b->header->collective) == 0 &&
           strcmp(run_label(a->header), run_label(b->header)) == 0;
}

/* Adds the line of `timings` (n, by replicas) when it has points at several R. */
static void add_line(Scaling *out, ScalingKind kind, const Timing *const *timings, int n,
                     Arena *arena) {
    if (n < 2 || timings[0]->replicas == timings[n - 1]->replicas)
        return;
    bool has_one = timings[0]->replicas == 1 && !timings[0]->oversubscribed;
    ScalingLine *line = &out->line[out->n_lines++];
    *line = (ScalingLine){.kind = kind, .n = n, .point = ARENA_ARRAY(arena, ScalingPoint, n)};
    line->examples = kind == SCALING_STRONG ? timings[0]->global_batch
                                            : timings[0]->global_batch / timings[0]->replicas;
    for (int i = 0; i < n; i++)
        line->point[i] = point_make(timings[i], has_one ? timings[0] : NULL);
}

/* What was measured on several numbers of hosts gets a line for the fewest, one for the next, and
 * so on, each from one replica on. `timings` (n) by replicas, then hosts. */
static void add_lines(Scaling *out, ScalingKind kind, const Timing *const *timings, int n,
                      Arena *arena) {
    const Timing **line = ARENA_ARRAY(arena, const Timing *, n);
    int most = 0;
    for (int spread = 0; spread <= most; spread++) {
        int m = 0;
        for (int i = 0, place = 0; i < n; i++) {
            bool same = i > 0 && timings[i]->replicas == timings[i - 1]->replicas;
            place = same ? place + (timings[i]->hosts != timings[i - 1]->hosts) : 0;
            most = place > most ? place : most;
            if (place == spread || timings[i]->replicas == 1)
                line[m++] = timings[i];
        }
        add_line(out, kind, line, m, arena);
    }
}

static void strong_lines(Scaling *out, const Timing *const *timings, int n, Arena *arena) {
    for (int i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && same_work(timings[i], timings[end]) &&
                          timings[i]->global_batch == timings[end]->global_batch;)
            end++;
        add_lines(out, SCALING_STRONG, &timings[i], end - i, arena);
    }
}

static int by_share(const void *a, const void *b) {
    const Timing *x = *(const Timing *const *)a, *y = *(const Timing *const *)b;
    Timing
        p = *x,
        q = *y; /* the order of Timings with the global batch replaced by the share of a replica */
    p.global_batch /= p.replicas;
    q.global_batch /= q.replicas;
    return timing_compare(&p, &q);
}

static void weak_lines(Scaling *out, const Timings *timings, Arena *arena) {
    const Timing **even = ARENA_ARRAY(arena, const Timing *, timings->n + 1);
    int n = 0;
    for (int i = 0; i < timings->n; i++)
        if (timings->timing[i].global_batch % timings->timing[i].replicas == 0)
            even[n++] = &timings->timing[i];
    qsort(even, (size_t)n, sizeof *even, by_share);
    for (int i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && same_work(even[i], even[end]) &&
                          even[i]->global_batch / even[i]->replicas ==
                              even[end]->global_batch / even[end]->replicas;)
            end++;
        add_lines(out, SCALING_WEAK, &even[i], end - i, arena);
    }
}

void scaling_fit(double *start_s, double *round_s, const double *x, const double *seconds, int n) {
    double sx = 0, sy = 0, sxx = 0, sxy = 0;
    for (int i = 0; i < n; i++) {
        sx += x[i];
        sy += seconds[i];
        sxx += x[i] * x[i];
        sxy += x[i] * seconds[i];
    }
    double spread = n * sxx - sx * sx;
    double slope = spread > 1e-9 * n * sxx ? (n * sxy - sx * sy) / spread : -1;
    double start = (sy - slope * sx) / n;
    if (slope >= 0 && start >= 0) {
        *start_s = start;
        *round_s = slope;
    } else if (spread > 1e-9 * n * sxx && slope < 0) {
        *start_s = sy / n;
        *round_s = 0;
    } else {
        *start_s = 0;
        *round_s = sxy / sxx;
    }
}

/* Memory and network have costs of their own. */
static bool same_comm(const RunHeader *a, const RunHeader *b) {
    return a->n_weights == b->n_weights && a->threads == b->threads &&
           (a->hosts > 1) == (b->hosts > 1) && strcmp(a->collective, b->collective) == 0 &&
           strcmp(run_label(a), run_label(b)) == 0;
}

static CommFit *fit_of(Scaling *scaling, const RunHeader *header, bool make) {
    for (int i = 0; i < scaling->n_fits; i++)
        if (same_comm(scaling->fit[i].header, header))
            return &scaling->fit[i];
    if (!make)
        return NULL;
    scaling->fit[scaling->n_fits] = (CommFit){.header = header};
    return &scaling->fit[scaling->n_fits++];
}

/* In buckets only a part of the sum is waited for. */
static bool usable(const ScalingPoint *point) {
    return point->timing->replicas > 1 && !point->timing->oversubscribed &&
           point->timing->header->bucket_kib == 0 && isfinite(point->reduce_extra_s);
}

typedef struct Sample {
    int replicas;
    double seconds;
} Sample;

static int by_replicas(const void *a, const void *b) {
    const Sample *x = a, *y = b;
    int order = x->replicas - y->replicas;
    return order ? order : (x->seconds > y->seconds) - (x->seconds < y->seconds);
}

/* Communication seconds of the strong lines that belong to `fit`, by replicas. */
static int samples_of(Sample *samples, const Scaling *scaling, const CommFit *fit) {
    int n = 0;
    for (int l = 0; l < scaling->n_lines; l++) {
        const ScalingLine *line = &scaling->line[l];
        for (int i = 0; line->kind == SCALING_STRONG && i < line->n; i++)
            if (usable(&line->point[i]) && same_comm(fit->header, line->point[i].timing->header))
                samples[n++] =
                    (Sample){line->point[i].timing->replicas, line->point[i].reduce_extra_s};
    }
    qsort(samples, (size_t)n, sizeof *samples, by_replicas);
    return n;
}

/* Fits medians per R, so that one disturbed layout does not bend the curve. The largest of three or
 * more R (one replica is the first) is held out. */
static void fit_one(CommFit *fit, const Scaling *scaling, Sample *samples, Arena *arena) {
    int n = samples_of(samples, scaling, fit);
    double *x = ARENA_ARRAY(arena, double, n + 1), *y = ARENA_ARRAY(arena, double, n + 1);
    double *same = ARENA_ARRAY(arena, double, n + 1);
    int n_fit = 0;
    for (int i = 0, end; i < n; i = end) {
        for (end = i; end < n && samples[end].replicas == samples[i].replicas; end++)
            same[end - i] = samples[end].seconds;
        if (end == n && n_fit > 0) {
            fit->held_out_replicas = samples[i].replicas;
            break;
        }
        x[n_fit] = log2(samples[i].replicas);
        y[n_fit++] = stats_median(same, end - i);
        fit->n_points += end - i;
    }
    fit->n_replicas = n_fit;
    if (n_fit)
        scaling_fit(&fit->start_s, &fit->round_s, x, y, n_fit);
}

static double predict(const Timing *timing, const Timing *one, const CommFit *fit) {
    const double *s = one->stage_s;
    double share = (double)turns(timing->n_shards, timing->replicas, timing->threads) /
                   (double)turns(one->n_shards, 1, one->threads);
    double comm = timing->replicas > 1 ? fit->start_s + fit->round_s * log2(timing->replicas) : 0;
    return (s[STAGE_SAMPLE] + s[STAGE_COMPUTE]) * share +
           own_reduce_s(one, timing->n_shards, timing->replicas) + comm +
           (s[STAGE_NOISE] + s[STAGE_UPDATE]) /
               work_team(timing->header, timing->replicas, timing->hosts) +
           s[STAGE_OTHER];
}

static void predict_line(Scaling *scaling, ScalingLine *line) {
    const Timing *one = line->point[0].timing;
    if (!isfinite(line->point[0].speedup) || !(one->stage_s[STAGE_COMPUTE] > 0))
        return; /* no single replica, or a run measured elsewhere that has no stages */
    const ScalingPoint *last = &line->point[line->n - 1];
    for (int i = 0; i < line->n; i++) {
        ScalingPoint *point = &line->point[i];
        const Timing *several = (point->timing->replicas > 1 ? point : last)->timing;
        const CommFit *fit = fit_of(scaling, several->header, false);
        if (!fit || fit->n_points == 0)
            continue;
        point->predicted_s = predict(point->timing, one, fit);
        point->held_out = usable(point) && point->timing->replicas == fit->held_out_replicas;
        point->fitted = usable(point) && !point->held_out && line->kind == SCALING_STRONG;
    }
}

/* Misses of every predicted layout of several replicas that fits the cores, in the fit or not: what
 * one more would be missed by. Two parameters were fitted. */
static void add_band(Scaling *scaling) {
    double sum = 0;
    int n = 0;
    for (int l = 0; l < scaling->n_lines; l++)
        for (int i = 0; i < scaling->line[l].n; i++) {
            const ScalingPoint *point = &scaling->line[l].point[i];
            if (!usable(point) || !isfinite(point->predicted_s))
                continue;
            double miss = log(point->predicted_s / point->timing->step_s);
            sum += miss * miss;
            n++;
        }
    scaling->error = n > 2 ? sqrt(sum / (n - 2)) : NAN;
    double factor = exp(stats_t_quantile(0.9, n > 2 ? n - 2 : 1) * scaling->error);
    for (int l = 0; l < scaling->n_lines; l++)
        for (int i = 0; i < scaling->line[l].n; i++) {
            ScalingPoint *point = &scaling->line[l].point[i];
            bool several = point->timing->replicas > 1; /* one replica is where it starts from */
            point->predicted_low_s = point->predicted_s / (several ? factor : 1);
            point->predicted_high_s = point->predicted_s * (several ? factor : 1);
        }
}

Scaling scaling_make(const Timings *timings, Arena *arena) {
    int n = timings->n;
    Scaling out = {.line = ARENA_ARRAY(arena, ScalingLine, 2 * n + 1),
                   .fit = ARENA_ARRAY(arena, CommFit, n + 1)};
    const Timing **all = ARENA_ARRAY(arena, const Timing *, n + 1);
    for (int i = 0; i < n; i++)
        all[i] = &timings->timing[i];
    strong_lines(&out, all, n, arena);
    weak_lines(&out, timings, arena);
    for (int l = 0; l < out.n_lines; l++)
        for (int i = 0; i < out.line[l].n; i++)
            if (out.line[l].point[i].timing->replicas > 1)
                fit_of(&out, out.line[l].point[i].timing->header, true);
    Sample *samples = ARENA_ARRAY(arena, Sample, n + 1);
    for (int i = 0; i < out.n_fits; i++)
        fit_one(&out.fit[i], &out, samples, arena);
    for (int l = 0; l < out.n_lines; l++)
        predict_line(&out, &out.line[l]);
    add_band(&out);
    return out;
}

int scaling_errors(double *median, double *largest, const Scaling *scaling, bool held_out,
                   Arena *arena) {
    int room = 1;
    for (int l = 0; l < scaling->n_lines; l++)
        room += scaling->line[l].n;
    double *errors = ARENA_ARRAY(arena, double, room);
    int n = 0;
    for (int l = 0; l < scaling->n_lines; l++)
        for (int i = 0; i < scaling->line[l].n; i++) {
            const ScalingPoint *point = &scaling->line[l].point[i];
            if (usable(point) && isfinite(point->predicted_s) && point->held_out == held_out)
                errors[n++] = fabs(point->predicted_s / point->timing->step_s - 1);
        }
    *median = stats_median(errors, n);
    *largest = stats_quantile(errors, n, 1);
    return n;
}
