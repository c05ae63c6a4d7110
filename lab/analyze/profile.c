#include "lab/analyze/profile.h"

#include <math.h>
#include <stdlib.h>

#define U_ROOM 30.0 /* log c is looked for this far beyond the batches; further out is a limit */

typedef struct Point {
    double batch, value;
} Point;

static int by_batch(const void *a, const void *b) {
    const Point *x = a, *y = b;
    if (x->batch != y->batch)
        return (x->batch > y->batch) - (x->batch < y->batch);
    return (x->value > y->value) - (x->value < y->value);
}

Profile profile_make(const double *batch, const double *examples, int n, bool log_, Arena *arena) {
    Point *point = ARENA_ARRAY(arena, Point, n + 1);
    for (int i = 0; i < n; i++)
        point[i] = (Point){batch[i], log_ ? log(examples[i]) : examples[i]};
    qsort(point, (size_t)n, sizeof *point, by_batch);
    Profile out = {.log = log_,
                   .n = n,
                   .batch = ARENA_ARRAY(arena, double, n + 1),
                   .count = ARENA_ARRAY(arena, double, n + 1),
                   .mean = ARENA_ARRAY(arena, double, n + 1)};
    for (int i = 0, end; i < n; i = end) {
        double sum = 0, sumsq = 0;
        for (end = i; end < n && point[end].batch == point[i].batch; end++)
            sum += point[end].value;
        double mean = sum / (end - i);
        for (int j = i; j < end; j++)
            sumsq += (point[j].value - mean) * (point[j].value - mean);
        out.batch[out.k] = point[i].batch;
        out.count[out.k] = end - i;
        out.mean[out.k++] = mean;
        out.within += sumsq;
    }
    return out;
}

/* The curve's shape at c with E_min = 1, or S_min = 1 when c = 0: logarithms when the profile has
 * them. */
static double shape(const Profile *profile, double c, double batch) {
    if (profile->log)
        return c == 0 ? log(batch) : log1p(batch / c);
    return c == 0 ? batch : 1 + batch / c;
}

/* log E_min or E_min (log S_min or S_min for c = 0) of least squares. */
static double level(const Profile *profile, double c) {
    double num = 0, den = 0;
    for (int i = 0; i < profile->k; i++) {
        double h = shape(profile, c, profile->batch[i]), w = profile->count[i];
        num += profile->log ? w * (profile->mean[i] - h) : w * profile->mean[i] * h;
        den += profile->log ? w : w * h * h;
    }
    return num / den;
}

double profile_at(const Profile *profile, double c, double batch) {
    double a = level(profile, c), h = shape(profile, c, batch);
    return profile->log ? a + h : a * h;
}

double profile_rss(const Profile *profile, double c) {
    double weight = 0, mean = 0, sum = profile->within;
    if (profile->log) { /* around the running mean, so that a perfect fit leaves nothing */
        for (int i = 0; i < profile->k; i++) {
            double w = profile->count[i],
                   r = profile->mean[i] - shape(profile, c, profile->batch[i]);
            weight += w;
            double from = r - mean;
            mean += w / weight * from;
            sum += w * from * (r - mean);
        }
        return sum;
    }
    double a = level(profile, c);
    for (int i = 0; i < profile->k; i++) {
        double r = profile->mean[i] - a * shape(profile, c, profile->batch[i]);
        sum += profile->count[i] * r * r;
    }
    return sum;
}

double profile_e_min(const Profile *profile, double c) {
    double a = level(profile, c);
    return c == 0 ? 0 : profile->log ? exp(a) : a;
}

double profile_s_min(const Profile *profile, double c) {
    double a = level(profile, c), value = profile->log ? exp(a) : a;
    return c == 0 ? value : isinf(c) ? 0 : value / c;
}

/* Weighted straight line through the means: E_min + S_min B. */
static double best_line(const Profile *profile) {
    double w = 0, x = 0, y = 0, xx = 0, xy = 0;
    for (int i = 0; i < profile->k; i++) {
        w += profile->count[i];
        x += profile->count[i] * profile->batch[i];
        y += profile->count[i] * profile->mean[i];
    }
    for (int i = 0; i < profile->k; i++) {
        double d = profile->batch[i] - x / w;
        xx += profile->count[i] * d * d;
        xy += profile->count[i] * d * (profile->mean[i] - y / w);
    }
    double slope = xy / xx, start = y / w - slope * x / w;
    return slope <= 0 ? INFINITY : start <= 0 ? 0 : start / slope;
}

typedef struct Step {
    double u, gain; /* in log c; decrease of the residual sum of squares that it promises */
} Step;

/* A Gauss-Newton step, from d log(1 + B/c) / d log c = -B/(B + c), with E_min profiled out. */
static Step newton_step(const Profile *profile, double c) {
    double weight = 0, mean_d = 0, mean_r = 0, num = 0, den = 0;
    for (int i = 0; i < profile->k; i++) { /* running means, as above */
        double batch = profile->batch[i], w = profile->count[i];
        double d = -batch / (batch + c), r = profile->mean[i] - shape(profile, c, batch);
        weight += w;
        double from = d - mean_d;
        mean_d += w / weight * from;
        mean_r += w / weight * (r - mean_r);
        num += w * from * (r - mean_r);
        den += w * from * (d - mean_d);
    }
    return den > 0 ? (Step){fmax(-2, fmin(2, num / den)), num * num / den} : (Step){0, 0};
}

/* Gauss-Newton from u, with steps halved until they descend; *rss is the value there. */
static double descend(const Profile *profile, double u, double *rss) {
    double low = log(profile->batch[0]) - U_ROOM,
           high = log(profile->batch[profile->k - 1]) + U_ROOM;
    *rss = profile_rss(profile, exp(u));
    for (int i = 0; i < 60; i++) {
        Step step = newton_step(profile, exp(u));
        double was = *rss;
        for (; step.gain > 1e-9 * was && fabs(step.u) > 1e-12 && *rss == was; step.u *= 0.5) {
            double to = fmax(low, fmin(high, u + step.u)), value = profile_rss(profile, exp(to));
            if (value < *rss) {
                *rss = value;
                u = to;
            }
        }
        if (*rss == was)
            break;
    }
    return u;
}

/* Where a coarse scan of log c is lowest. */
static double scan(const Profile *profile) {
    double low = log(profile->batch[0]) - 9, high = log(profile->batch[profile->k - 1]) + 9;
    double best_u = low, best = INFINITY;
    for (int i = 0; i <= 80; i++) {
        double u = low + (high - low) * i / 80, value = profile_rss(profile, exp(u));
        if (value < best) {
            best = value;
            best_u = u;
        }
    }
    return best_u;
}

double profile_best(const Profile *profile, double start) {
    if (!profile->log)
        return best_line(profile);
    double rss, u = descend(profile, start > 0 ? log(start) : scan(profile), &rss);
    double flat = profile_rss(profile, INFINITY), steep = profile_rss(profile, 0);
    /* a limit that is as good to the last digits is the limit */
    if (flat <= rss * (1 + 1e-12))
        return INFINITY;
    return steep <= rss * (1 + 1e-12) ? 0 : exp(u);
}

/* Normal matrix of (E_min, S_min), or of their logarithms. */
typedef struct Normal {
    double aa, ab, bb;
} Normal;

static Normal normal(const Profile *profile, double c) {
    Normal out = {0};
    for (int i = 0; i < profile->k; i++) {
        double batch = profile->batch[i], w = profile->count[i];
        double p = profile->log ? c / (c + batch) : 1,
               q = profile->log ? batch / (c + batch) : batch;
        out.aa += w * p * p;
        out.ab += w * p * q;
        out.bb += w * q * q;
    }
    return out;
}

void profile_errors(double *e_min, double *s_min, const Profile *profile, double c) {
    Normal m = normal(profile, c);
    double det = m.aa * m.bb - m.ab * m.ab;
    *e_min = sqrt(m.bb / det);
    *s_min = sqrt(m.aa / det);
}

double profile_error_at(const Profile *profile, double c, double batch) {
    Normal m = normal(profile, c);
    double p = profile->log ? c / (c + batch) : 1, q = profile->log ? batch / (c + batch) : batch;
    return sqrt((p * p * m.bb - 2 * p * q * m.ab + q * q * m.aa) / (m.aa * m.bb - m.ab * m.ab));
}
