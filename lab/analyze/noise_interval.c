#include "lab/analyze/noise_interval.h"

#include "lab/base/stats.h"

#include <math.h>

typedef struct Blocks {
    int n;
    double *trace, *sqnorm; /* (n) means */
} Blocks;

/* A block is of `least` values and more. */
static Blocks cut(const double *const *trace, const double *const *sqnorm, const int64_t *n,
                  int n_series, int least, Arena *arena) {
    Blocks out = {.trace = ARENA_ARRAY(arena, double, n_series *NOISE_BLOCKS + 1),
                  .sqnorm = ARENA_ARRAY(arena, double, n_series *NOISE_BLOCKS + 1)};
    for (int k = 0; k < n_series; k++) {
        int64_t blocks = n[k] / least < NOISE_BLOCKS ? n[k] / least : NOISE_BLOCKS;
        for (int64_t b = 0; b < blocks; b++) {
            double x = 0, y = 0;
            int seen = 0;
            for (int64_t t = n[k] * b / blocks; t < n[k] * (b + 1) / blocks; t++) {
                if (!isfinite(trace[k][t]) || !isfinite(sqnorm[k][t]))
                    continue;
                x += trace[k][t];
                y += sqnorm[k][t];
                seen++;
            }
            if (!seen)
                continue;
            out.trace[out.n] = x / seen;
            out.sqnorm[out.n++] = y / seen;
        }
    }
    return out;
}

/* Variance of |G|^2 / tr(Sigma), by leaving out each block in turn. */
static double jackknife_variance(const Blocks *blocks, double x, double y) {
    double m = blocks->n, mean = 0, sum = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int b = 0; b < blocks->n; b++) {
            double left = (m * y - blocks->sqnorm[b]) / (m * x - blocks->trace[b]);
            if (pass == 0)
                mean += left / m;
            else
                sum += (left - mean) * (left - mean);
        }
    return (m - 1) / m * sum;
}

static double turned(double x) {
    return x > 0 ? 1 / x : NAN;
}

/* All ratios r with (x - r y)^2 <= t^2 Var(x - r y). */
static Interval fieller(const Blocks *blocks, double x, double y, double t) {
    double m = blocks->n, xx = 0, xy = 0, yy = 0;
    for (int b = 0; b < blocks->n; b++) {
        double dx = blocks->trace[b] - x, dy = blocks->sqnorm[b] - y;
        xx += dx * dx / (m * (m - 1));
        xy += dx * dy / (m * (m - 1));
        yy += dy * dy / (m * (m - 1));
    }
    double a = y * y - t * t * yy, b = x * y - t * t * xy, c = x * x - t * t * xx;
    double root = b * b - a * c;
    if (c <= 0 || root < 0)
        return (Interval){NAN, NAN};
    /* roots of a r^2 - 2 b r + c, in the form that does not cancel; a <= 0: open above */
    double low = b + sqrt(root) > 0 ? c / (b + sqrt(root)) : NAN;
    return (Interval){low, a > 0 && b > 0 ? (b + sqrt(root)) / a : NAN};
}

static NoiseInterval interval_of(Blocks blocks, int least) {
    double x = stats_mean(blocks.trace, blocks.n), y = stats_mean(blocks.sqnorm, blocks.n);
    NoiseInterval out = {NAN, {NAN, NAN}, {NAN, NAN}, blocks.n, x, y};
    if (blocks.n == 0 || !(x > 0))
        return out;
    out.scale = turned(y / x);
    if (blocks.n < least)
        return out;
    double t = stats_t_quantile(NOISE_CONFIDENCE, blocks.n - 1),
           half = t * sqrt(jackknife_variance(&blocks, x, y));
    out.in = (Interval){turned(y / x + half), turned(y / x - half)};
    out.fieller = fieller(&blocks, x, y, t);
    return out;
}

/* Imported runs go on after their target. */
static int64_t rows_to_target(const RunRecord *run) {
    int64_t n = run->n_steps;
    while (n > 0 && (double)run->steps[n - 1].step > run->summary.steps_to_target)
        n--;
    return n;
}

NoiseInterval noise_interval(const double *const *trace, const double *const *sqnorm,
                             const int64_t *n, int n_series, Arena *arena) {
    return interval_of(cut(trace, sqnorm, n, n_series, 2, arena), NOISE_BLOCKS_MIN);
}

NoiseInterval noise_interval_of(const Cell *cell, NoiseMetric metric, Arena *arena) {
    const double **trace = ARENA_ARRAY(arena, const double *, cell->n_trials + 1);
    const double **sqnorm = ARENA_ARRAY(arena, const double *, cell->n_trials + 1);
    int64_t *n = ARENA_ARRAY(arena, int64_t, cell->n_trials + 1);
    for (int r = 0; r < cell->n_trials; r++) {
        const RunRecord *run = cell->runs[r];
        int64_t to = rows_to_target(run), from = to / 2;
        n[r] = to - from;
        double *x = ARENA_ARRAY(arena, double, n[r] + 1), *y = ARENA_ARRAY(arena, double, n[r] + 1);
        for (int64_t s = 0; s < n[r]; s++) {
            const StepRow *row = &run->steps[from + s];
            x[s] = metric == NOISE_PLAIN ? row->noise_trace : row->preconditioned_trace;
            y[s] = metric == NOISE_PLAIN ? row->noise_sqnorm : row->preconditioned_sqnorm;
        }
        trace[r] = x;
        sqnorm[r] = y;
    }
    return noise_interval(trace, sqnorm, n, cell->n_trials, arena);
}

NoiseInterval noise_interval_of_curvature(const Cell *cell, Arena *arena) {
    const double **trace = ARENA_ARRAY(arena, const double *, cell->n_trials + 1);
    const double **form = ARENA_ARRAY(arena, const double *, cell->n_trials + 1);
    int64_t *n = ARENA_ARRAY(arena, int64_t, cell->n_trials + 1);
    for (int r = 0; r < cell->n_trials; r++) {
        const RunRecord *run = cell->runs[r];
        double *x = ARENA_ARRAY(arena, double, run->n_curvatures + 1),
               *y = ARENA_ARRAY(arena, double, run->n_curvatures + 1);
        for (int i = 0; i < run->n_curvatures; i++) {
            const CurvatureRow *row = &run->curvatures[i];
            if (2 * row->step <= run->steps[run->n_steps - 1].step)
                continue;
            x[n[r]] = row->trace_h_sigma;
            y[n[r]++] = row->ghg;
        }
        trace[r] = x;
        form[r] = y;
    }
    return noise_interval(trace, form, n, cell->n_trials, arena);
}

/* One evaluation's means of a tensor, or of all together. */
static void layer_means(double *trace, double *sqnorm, const RunRecord *run, int eval, int layer) {
    const LayerRow *row = run->layers + (int64_t)eval * run->header.n_layers;
    int from = layer == NOISE_ALL_LAYERS ? 0 : layer,
        end = layer == NOISE_ALL_LAYERS ? run->header.n_layers : layer + 1;
    *trace = *sqnorm = 0;
    for (int i = from; i < end; i++) {
        *trace += row[i].noise_trace;
        *sqnorm += row[i].noise_sqnorm;
    }
}

NoiseInterval noise_interval_of_layer(const Cell *cell, int layer, Arena *arena) {
    const double **trace = ARENA_ARRAY(arena, const double *, cell->n_trials + 1);
    const double **sqnorm = ARENA_ARRAY(arena, const double *, cell->n_trials + 1);
    int64_t *n = ARENA_ARRAY(arena, int64_t, cell->n_trials + 1);
    for (int r = 0; r < cell->n_trials; r++) {
        const RunRecord *run = cell->runs[r];
        double *x = ARENA_ARRAY(arena, double, run->n_evals + 1),
               *y = ARENA_ARRAY(arena, double, run->n_evals + 1);
        for (int e = 0; e < run->n_evals && layer < run->header.n_layers; e++) {
            if (2 * run->evals[e].step <= run->evals[run->n_evals - 1].step)
                continue;
            layer_means(&x[n[r]], &y[n[r]], run, e, layer);
            n[r]++;
        }
        trace[r] = x;
        sqnorm[r] = y;
    }
    return interval_of(cut(trace, sqnorm, n, cell->n_trials, 1, arena), NOISE_WINDOWS_MIN);
}
