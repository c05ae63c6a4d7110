#include "lab/analyze/work.h"

#include "lab/base/stats.h"

#include <math.h>
#include <string.h>

/* ---- pure functions */

double work_join(double a, double b, double g) {
    double most = fmax(a, b), least = fmin(a, b);
    if (most == 0 || isinf(g))
        return most;
    return most * pow(1 + pow(least / most, g), 1 / g);
}

/* Simpson's rule over x n phi(x) Phi(x)^(n-1). */
double work_slowest_of(int n) {
    enum { PARTS = 4000 };
    const double from = -10, step = 20.0 / PARTS;
    double sum = 0;
    for (int i = 0; i <= PARTS; i++) {
        double x = from + step * i, weight = i == 0 || i == PARTS ? 1 : i % 2 ? 4 : 2;
        double below = 0.5 * erfc(-x * M_SQRT1_2);
        sum += weight * x * n * exp(-x * x / 2) * pow(below, n - 1);
    }
    return sum * step / 3 / sqrt(2 * M_PI);
}

static double whole(int64_t n, int64_t parts) {
    return (double)((n + parts - 1) / parts);
}

static double turns(int64_t n_shards, int replicas, int threads) {
    return whole((int64_t)whole(n_shards, replicas), threads);
}

int work_team(const RunHeader *header, int replicas, int hosts) {
    bool shares = header->collective && strcmp(header->collective, "tree") == 0;
    return shares && hosts > 0 && replicas > hosts ? replicas / hosts : 1;
}

double work_passes_s(const Work *work, const StepCase *of) {
    int64_t n_shards = of->global_batch / of->mini_batch;
    double pass = work->shard_s + work->example_s * (double)of->mini_batch;
    return turns(n_shards, of->replicas, work->threads) * pass / of->speed;
}

double work_step_s(const Work *work, const StepCase *of) {
    int64_t n_shards = of->global_batch / of->mini_batch;
    double late = of->replicas > 1 ? work->jitter * work_slowest_of(of->replicas) : 0;
    double passes = work_passes_s(work, of) * (1 + late);
    double add = work->add_s + work->add_example_s * (double)of->mini_batch;
    double update = work->weights_s / (of->team > 1 ? of->team : 1);
    double rest = (whole(n_shards, of->replicas) - 1) * add + update + work->fixed_s;
    return work_join(passes, of->comm_s, of->overlap) + rest / of->speed;
}

/* ---- the fit */

/* Minimizes the relative residuals of a + b x = y with a, b >= 0. */
static void fit_line(double *a, double *b, const double *x, const double *y, int n) {
    double s1 = 0, sx = 0, sxx = 0, sy = 0, sxy = 0;
    for (int i = 0; i < n; i++) {
        double w = 1 / (y[i] * y[i]);
        s1 += w;
        sx += w * x[i];
        sxx += w * x[i] * x[i];
        sy += w * y[i];
        sxy += w * x[i] * y[i];
    }
    double spread = s1 * sxx - sx * sx;
    bool told = spread > 1e-9 * s1 * sxx;
    *b = told ? (s1 * sxy - sx * sy) / spread : 0;
    *a = told ? (sy - *b * sx) / s1 : 0;
    if (!told || *a < 0) { /* all of it in proportion */
        *a = 0;
        *b = sxy / sxx;
    } else if (*b < 0) {
        *b = 0;
        *a = sy / s1;
    }
}

static bool belongs(const Timing *timing, const Timing *like) {
    const RunHeader *a = timing->header, *b = like->header;
    return timing->replicas == 1 && !timing->oversubscribed && timing->threads == like->threads &&
           timing->stage_s[STAGE_COMPUTE] > 0 && strcmp(a->model, b->model) == 0 &&
           strcmp(a->dataset, b->dataset) == 0 && strcmp(a->optimizer, b->optimizer) == 0 &&
           a->n_weights == b->n_weights && strcmp(run_label(a), run_label(b)) == 0;
}

typedef struct Columns { /* one value a layout */
    double *mini, *pass, *weights, *fixed, *jitter;
    int n_adds;
    double *add_mini, *add_s; /* (n_adds) of layouts with several shards */
} Columns;

static Columns columns_new(int n, Arena *arena) {
    double *all = ARENA_ARRAY(arena, double, 7 * (n + 1));
    int s = n + 1;
    return (Columns){.mini = all,
                     .pass = all + s,
                     .weights = all + 2 * s,
                     .fixed = all + 3 * s,
                     .jitter = all + 4 * s,
                     .add_mini = all + 5 * s,
                     .add_s = all + 6 * s};
}

static void add_layout(Columns *to, int i, const Timing *timing) {
    const double *s = timing->stage_s;
    double shards = (double)timing->n_shards, n_turns = turns(timing->n_shards, 1, timing->threads);
    to->mini[i] = (double)timing->global_batch / shards;
    to->pass[i] = (s[STAGE_SAMPLE] + s[STAGE_COMPUTE]) / n_turns;
    if (shards > 1 && s[STAGE_REDUCE] > 0) {
        to->add_mini[to->n_adds] = to->mini[i];
        to->add_s[to->n_adds++] = s[STAGE_REDUCE] / (shards - 1);
    }
    to->weights[i] = s[STAGE_NOISE] + s[STAGE_UPDATE];
    to->fixed[i] = s[STAGE_OTHER];
    /* of a normal distribution the quartiles are 1.349 sd apart */
    to->jitter[i] = (timing->step_high_s - timing->step_low_s) / 1.349 / timing->step_s;
}

static int distinct(const double *x, int n) {
    int count = 0;
    for (int i = 0; i < n; i++) {
        bool seen = false;
        for (int j = 0; j < i; j++)
            seen |= x[j] == x[i];
        count += !seen;
    }
    return count;
}

/* What is left unexplained of the layouts' steps; two layouts cannot say. */
static double residual(const Work *work, const Timings *timings, const Timing *like) {
    double sum = 0;
    int used = work->n_mini > 1 ? 4 : 3, left = work->n - used;
    for (int i = 0; i < timings->n; i++) {
        const Timing *timing = &timings->timing[i];
        if (!belongs(timing, like))
            continue;
        StepCase of = {.global_batch = timing->global_batch,
                       .mini_batch = timing->global_batch / timing->n_shards,
                       .replicas = 1,
                       .speed = 1,
                       .overlap = 1};
        double log_ratio = log(timing->step_s / work_step_s(work, &of));
        sum += log_ratio * log_ratio;
    }
    return sqrt(sum / (left > 0 ? left : 1));
}

void work_fit(Work *out, const Timings *timings, const Timing *like, Arena *arena) {
    Columns c = columns_new(timings->n, arena);
    *out = (Work){.threads = like->threads, .label = run_label(like->header)};
    for (int i = 0; i < timings->n; i++) {
        const Timing *timing = &timings->timing[i];
        if (!belongs(timing, like))
            continue;
        add_layout(&c, out->n, timing);
        int64_t batch = timing->global_batch, mini = batch / timing->n_shards;
        out->least_batch = out->n && out->least_batch < batch ? out->least_batch : batch;
        out->least_mini = out->n && out->least_mini < mini ? out->least_mini : mini;
        out->most_batch = out->most_batch > batch ? out->most_batch : batch;
        out->n++;
    }
    if (out->n == 0)
        return;
    out->n_mini = distinct(c.mini, out->n);
    fit_line(&out->shard_s, &out->example_s, c.mini, c.pass, out->n);
    if (c.n_adds)
        fit_line(&out->add_s, &out->add_example_s, c.add_mini, c.add_s, c.n_adds);
    out->weights_s = stats_median(c.weights, out->n);
    out->fixed_s = stats_median(c.fixed, out->n);
    out->jitter = stats_median(c.jitter, out->n);
    out->error = residual(out, timings, like);
}
