#include "lab/analyze/hyperbola.h"

#include "lab/base/rng.h"
#include "lab/base/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_POINTS 8 /* to resample; below, Student's and Fisher's quantiles stand alone */
#define MISFIT_P 0.01  /* of the test that calls the batches the sample */

/* What a fit needs to draw its own data anew. */
typedef struct Sampler {
    const Profile *profile; /* of the data; its counts are the weights */
    Profile drawn;
    double *fitted; /* (k) */
    double *pool;   /* (n) residuals of unit weight */
    int n_pool;
    Rng rng;
} Sampler;

/* Likelihood-ratio statistic of c and absolute t statistics of E_min and S_min. */
typedef struct Draw {
    double ratio, e_min, s_min;
} Draw;

/* New means and inner sums of squares. By batch, a group is one point of weight `count`. */
static void draw_data(Sampler *s, bool by_batch) {
    s->drawn.within = 0;
    for (int i = 0; i < s->profile->k; i++) {
        int m = by_batch ? 1 : (int)s->profile->count[i];
        double sum = 0, sumsq = 0, weight = by_batch ? sqrt(s->profile->count[i]) : 1;
        for (int j = 0; j < m; j++) {
            double r = s->pool[rng_below(&s->rng, (uint32_t)s->n_pool)] / weight;
            sum += r;
            sumsq += r * r;
        }
        s->drawn.mean[i] = s->fitted[i] + sum / m;
        s->drawn.within += sumsq - sum * sum / m;
    }
}

static double in_space(const Profile *profile, double x) {
    return profile->log ? log(x) : x;
}

static double t_of(const Profile *p, double drawn, double truth, double error) {
    double t = fabs(in_space(p, drawn) - in_space(p, truth)) / error;
    return isfinite(t) ? t : INFINITY;
}

static Draw draw_once(Sampler *s, double c, bool by_batch, double df) {
    draw_data(s, by_batch);
    const Profile *p = &s->drawn;
    double best = profile_best(p, c), least = profile_rss(p, best), sd = sqrt(least / df), e, m;
    profile_errors(&e, &m, p, best);
    return (Draw){.ratio = least > 0 ? fmax(0, profile_rss(p, c) - least) / (least / df) : INFINITY,
                  .e_min = t_of(p, profile_e_min(p, best), profile_e_min(s->profile, c), sd * e),
                  .s_min = t_of(p, profile_s_min(p, best), profile_s_min(s->profile, c), sd * m)};
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile_of(double *x, int n) {
    qsort(x, (size_t)n, sizeof *x, ascending);
    return x[(int)ceil(HYPERBOLA_CONFIDENCE * n) - 1];
}

/* Residuals of unit weight around the curve at c, with mean zero. */
static void fill_pool(Sampler *s, const double *batch, const double *examples, int n, double c) {
    const Profile *p = s->profile;
    double mean = 0;
    for (int i = 0; i < n; i++) {
        s->pool[i] = in_space(p, examples[i]) - profile_at(p, c, batch[i]);
        mean += s->pool[i] / n;
    }
    for (int i = 0; i < n; i++)
        s->pool[i] -= mean;
    s->n_pool = n;
}

static Draw bootstrap(const Hyperbola *fit, const double *batch, const double *examples, double df,
                      uint64_t seed, Arena *arena) {
    const Profile *p = &fit->profile;
    double t = stats_t_quantile(HYPERBOLA_CONFIDENCE, df);
    Draw out = {t * t, t, t};
    if (fit->by_batch || fit->n < LEAST_POINTS)
        return out;
    Sampler s = {.profile = p,
                 .drawn = *p,
                 .fitted = ARENA_ARRAY(arena, double, p->k),
                 .pool = ARENA_ARRAY(arena, double, fit->n),
                 .rng = rng_new(seed, RNG_BOOTSTRAP, 0)};
    s.drawn.mean = ARENA_ARRAY(arena, double, p->k);
    for (int i = 0; i < p->k; i++)
        s.fitted[i] = profile_at(p, fit->best_c, p->batch[i]);
    fill_pool(&s, batch, examples, fit->n, fit->best_c);
    double *column[3];
    for (int c = 0; c < 3; c++)
        column[c] = ARENA_ARRAY(arena, double, HYPERBOLA_BOOTSTRAP);
    for (int b = 0; b < HYPERBOLA_BOOTSTRAP; b++) {
        Draw draw = draw_once(&s, fit->best_c, fit->by_batch, df);
        column[0][b] = draw.ratio;
        column[1][b] = draw.e_min;
        column[2][b] = draw.s_min;
    }
    out = (Draw){quantile_of(column[0], HYPERBOLA_BOOTSTRAP),
                 quantile_of(column[1], HYPERBOLA_BOOTSTRAP),
                 quantile_of(column[2], HYPERBOLA_BOOTSTRAP)};
    return out;
}

/* Where the curve of c crosses `limit` between the best c and u, by bisection in log c. */
static double crossing(const Profile *profile, double best, double u, double limit) {
    double inside = log(best), outside = u;
    for (int i = 0; i < 60; i++) {
        double middle = 0.5 * (inside + outside);
        if (profile_rss(profile, exp(middle)) <= limit)
            inside = middle;
        else
            outside = middle;
    }
    return exp(inside);
}

/* All c that the data do not refuse; a side is open when even its limit is not refused surely. */
static Interval interval_of_c(const Hyperbola *fit, double ratio, double df) {
    const Profile *p = &fit->profile;
    double best = fit->best_c, least = profile_rss(p, best), unit = least / df;
    double sure = stats_t_quantile(HYPERBOLA_SURE, df),
           plain = stats_t_quantile(HYPERBOLA_CONFIDENCE, df);
    double limit = least + ratio * unit,
           open = least + fmax(1, ratio / (plain * plain)) * sure * sure * unit;
    Interval out = {NAN, NAN};
    if (best > 0 && profile_rss(p, 0) > open)
        out.low = isinf(best) ? NAN : crossing(p, best, log(p->batch[0]) - 40, limit);
    if (isfinite(best) && profile_rss(p, INFINITY) > open)
        out.high = best == 0 ? NAN : crossing(p, best, log(p->batch[p->k - 1]) + 40, limit);
    return out;
}

static Interval around(const Profile *p, double value, double half) {
    return p->log ? (Interval){value * exp(-half), value * exp(half)}
                  : (Interval){fmax(0, value - half), value + half};
}

static double total_sumsq(const Profile *p) {
    double mean = 0, sum = p->within;
    for (int i = 0; i < p->k; i++)
        mean += p->count[i] * p->mean[i] / p->n;
    for (int i = 0; i < p->k; i++)
        sum += p->count[i] * (p->mean[i] - mean) * (p->mean[i] - mean);
    return sum;
}

/* Do the batches lie off the curve by more than their seeds differ? Then seeds tell too little
 * about the curve's error, and each batch's mean is one observation. */
static bool misfits(const Profile *p, double rss) {
    double between = rss - p->within, d1 = p->k - 2, d2 = p->n - p->k;
    return d1 >= 2 && d2 >= 1 && p->within > 0 &&
           stats_f_tail(between / d1 / (p->within / d2), d1, d2) < MISFIT_P;
}

static const char *reason(const Hyperbola *fit, Arena *arena) {
    if (isinf(fit->best_c))
        return "S_min is not positive: the examples to the target do not grow with the batch among "
               "those fitted; measure larger ones";
    if (fit->best_c == 0)
        return "E_min is not positive: the steps to the target do not fall with the batch among "
               "those fitted; measure smaller ones";
    bool low = isnan(fit->b_crit_in.low), high = isnan(fit->b_crit_in.high);
    if (!low && !high)
        return NULL;
    return arena_print(
        arena, "the interval of B_crit is unbounded %s: %s; measure %s batches or more seeds",
        low && high ? "on both sides"
        : high      ? "above"
                    : "below",
        low && high ? "neither E_min nor S_min can be told from zero"
        : high      ? "S_min cannot be told from zero"
                    : "E_min cannot be told from zero",
        low && high ? "more"
        : high      ? "larger"
                    : "smaller");
}

static void add_warning(Hyperbola *fit, const char *text) {
    fit->warning[fit->n_warnings++] = text;
}

static void warn(Hyperbola *fit, Arena *arena) {
    if (fit->n_seeds < HYPERBOLA_SEEDS)
        add_warning(
            fit, arena_print(
                     arena, "only %d seed%s at the batch that has fewest; %d or more are asked for",
                     fit->n_seeds, fit->n_seeds == 1 ? "" : "s", HYPERBOLA_SEEDS));
    if (fit->by_batch)
        add_warning(
            fit,
            "the batches lie off the hyperbola by more than their seeds differ, so the intervals "
            "go by the batches");
}

Hyperbola hyperbola_fit(const double *batch, const double *examples, int n,
                        HyperbolaWeights weights, uint64_t seed, Arena *arena) {
    Hyperbola fit = {.weights = weights, .n = n, .n_seeds = n};
    Profile *p = &fit.profile;
    *p = profile_make(batch, examples, n, weights == HYPERBOLA_LOG, arena);
    fit.n_batches = p->k;
    for (int i = 0; i < p->k; i++)
        fit.n_seeds = p->count[i] < fit.n_seeds ? (int)p->count[i] : fit.n_seeds;
    fit.best_c = profile_best(p, 0);
    fit.r2 = 1 - profile_rss(p, fit.best_c) / total_sumsq(p);
    fit.by_batch = misfits(p, profile_rss(p, fit.best_c));
    double df = fit.by_batch ? p->k - 2 : n - 2;
    if (fit.by_batch)
        p->within = 0;
    fit.residual = sqrt(profile_rss(p, fit.best_c) / df);
    fit.e_min = profile_e_min(p, fit.best_c);
    fit.s_min = profile_s_min(p, fit.best_c);
    fit.quantile = stats_t_quantile(HYPERBOLA_CONFIDENCE, df);
    fit.e_min_in = fit.s_min_in = fit.b_crit_in = (Interval){NAN, NAN};
    if (hyperbola_curved(&fit)) {
        Draw q = bootstrap(&fit, batch, examples, df, seed, arena);
        fit.b_crit_in = interval_of_c(&fit, q.ratio, df);
        double e, s;
        profile_errors(&e, &s, p, fit.best_c);
        if (!isnan(fit.b_crit_in.low))
            fit.e_min_in = around(p, fit.e_min, q.e_min * fit.residual * e);
        if (!isnan(fit.b_crit_in.high))
            fit.s_min_in = around(p, fit.s_min, q.s_min * fit.residual * s);
    } else {
        fit.b_crit_in = interval_of_c(&fit, fit.quantile * fit.quantile, df);
    }
    fit.unidentified = reason(&fit, arena);
    fit.b_crit = fit.unidentified ? NAN : fit.best_c;
    warn(&fit, arena);
    return fit;
}

int hyperbola_batches(const double *batch, int n, Arena *arena) {
    double *sorted = ARENA_ARRAY(arena, double, n + 1);
    int k = 0;
    for (int i = 0; i < n; i++)
        sorted[i] = batch[i];
    qsort(sorted, (size_t)n, sizeof *sorted, ascending);
    for (int i = 0; i < n; i++)
        k += i == 0 || sorted[i] != sorted[i - 1];
    return k;
}

double hyperbola_examples(const Hyperbola *fit, double batch) {
    double at = profile_at(&fit->profile, fit->best_c, batch);
    return fit->profile.log ? exp(at) : at;
}

bool hyperbola_curved(const Hyperbola *fit) {
    return fit->best_c > 0 && isfinite(fit->best_c);
}

Interval hyperbola_band(const Hyperbola *fit, double batch) {
    if (!hyperbola_curved(fit))
        return (Interval){NAN, NAN};
    double error =
        fit->quantile * fit->residual * profile_error_at(&fit->profile, fit->best_c, batch);
    return around(&fit->profile, hyperbola_examples(fit, batch), error);
}

double hyperbola_overhead20(const Hyperbola *fit, double b0) {
    return 0.2 * fit->b_crit + 1.2 * b0;
}

/* The slope is 1 / (1 + B / B_crit). */
double hyperbola_border(const Hyperbola *fit, Regime regime) {
    return regime == REGIME_PERFECT       ? fit->b_crit * (1 / 0.9 - 1)
           : regime == REGIME_DIMINISHING ? fit->b_crit * (1 / 0.1 - 1)
                                          : INFINITY;
}

Regime hyperbola_regime(const Hyperbola *fit, double batch) {
    return batch <= hyperbola_border(fit, REGIME_PERFECT)      ? REGIME_PERFECT
           : batch < hyperbola_border(fit, REGIME_DIMINISHING) ? REGIME_DIMINISHING
                                                               : REGIME_MAXIMAL;
}

const char *hyperbola_regime_name(Regime regime) {
    static const char *const names[] = {"perfect scaling", "diminishing returns",
                                        "maximal data parallelism"};
    return names[regime];
}
