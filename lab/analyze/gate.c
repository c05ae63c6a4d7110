#include "lab/analyze/gate.h"

#include "lab/analyze/format.h"
#include "lab/base/stats.h"
#include "lab/base/text.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* NaN is a miss: later than all others. */
static double rank_value(double x) {
    return isnan(x) ? INFINITY : x;
}

static int ascending(const void *a, const void *b) {
    double x = rank_value(*(const double *)a), y = rank_value(*(const double *)b);
    return (x > y) - (x < y);
}

static double *sorted_copy(const double *x, int n, Arena *arena) {
    double *out = ARENA_ARRAY(arena, double, n + 1);
    if (n > 0) /* x may be NULL for nothing */
        memcpy(out, x, sizeof *x * (size_t)n);
    qsort(out, (size_t)n, sizeof *out, ascending);
    return out;
}

double gate_olympic(const double *x, int n, int *n_kept, double *sd) {
    Arena *arena = arena_new();
    double *sorted = sorted_copy(x, n, arena);
    int from = n >= 3, kept = n >= 3 ? n - 2 : n;
    double mean = stats_mean(sorted + from, kept), sum = 0;
    for (int i = from; i < from + kept; i++)
        sum += (sorted[i] - mean) * (sorted[i] - mean);
    arena_end(arena);
    if (n_kept)
        *n_kept = kept;
    if (sd)
        *sd = kept ? sqrt(sum / kept) : NAN;
    return mean;
}

double gate_minimum(const double *reference, int n_reference, int n_checked) {
    int n1, n2 = n_checked >= 3 ? n_checked - 2 : n_checked;
    double sd, mean = gate_olympic(reference, n_reference, &n1, &sd);
    if (n1 < 1 || n2 < 1 || n1 + n2 < 3)
        return NAN;
    /* one-sided 95 % is two-sided 90 % */
    return mean - stats_t_quantile(0.90, n1 + n2 - 2) * sd * sqrt(1.0 / n1 + 1.0 / n2);
}

const char *gate_name(GateKind kind) {
    static const char *const names[] = {"same", "slower", "faster", "missed", "unknown"};
    return names[kind];
}

static int count_missed(const double *x, int n) {
    int missed = 0;
    for (int i = 0; i < n; i++)
        missed += isnan(x[i]);
    return missed;
}

static double choose(int n, int k) {
    return exp(lgamma(n + 1.0) - lgamma(k + 1.0) - lgamma(n - k + 1.0));
}

/* Fisher's exact test: how often at least `missed` of n_checked would miss when the misses of both
 * sides fell on any run alike. */
static double fisher(int missed, int n_checked, int reference_missed, int n_reference) {
    int total = missed + reference_missed;
    double p = 0;
    for (int k = missed; k <= total && k <= n_checked; k++)
        if (total - k <= n_reference)
            p += choose(n_checked, k) * choose(n_reference, total - k) /
                 choose(n_checked + n_reference, total);
    return p;
}

/* Misses that are an answer by themselves. A single one may be bad luck: it is trimmed as the
 * slowest run. */
static bool too_many_missed(const Gate *gate) {
    return 2 * gate->missed >= gate->n_checked + (gate->n_checked == 1) ||
           (gate->missed >= 2 && fisher(gate->missed, gate->n_checked, gate->reference_missed,
                                        gate->n_reference) < 0.10);
}

/* Mean of log examples, the sum of squares for its error, and how many runs stand behind it. */
typedef struct Side {
    double mean, sumsq;
    int n;
    bool whole; /* enough runs, none of the missing ones inside */
} Side;

/* With `trim` the lowest and the highest count as their neighbours in the sum of squares
 * (winsorized) and not at all in the mean. */
static Side side_of(const double *x, int n, bool trim, Arena *arena) {
    double *sorted = sorted_copy(x, n, arena), *value = ARENA_ARRAY(arena, double, n + 1);
    int from = trim, end = n - trim;
    if (end - from < 2)
        return (Side){0};
    for (int i = 0; i < n; i++) {
        int at = i < from ? from : i >= end ? end - 1 : i;
        if (isnan(sorted[at]))
            return (Side){0};
        value[i] = log(sorted[at]);
    }
    double centre = stats_mean(value, n), sumsq = 0;
    for (int i = 0; i < n; i++)
        sumsq += (value[i] - centre) * (value[i] - centre);
    return (Side){.mean = stats_mean(value + from, end - from),
                  .sumsq = sumsq,
                  .n = end - from,
                  .whole = true};
}

/* The interval of the slowdown and what it can see. */
static void measure(Gate *gate, const GateInput *input, bool trim, Arena *arena) {
    Side a = side_of(input->reference, input->n_reference, trim, arena);
    Side b = side_of(input->checked, input->n_checked, trim, arena);
    if (!a.whole || !b.whole)
        return;
    double df = a.n + b.n - 2, variance = (a.sumsq + b.sumsq) / df;
    /* rounding up to the next evaluation alone spreads results evenly over one quantum */
    double quantum = input->quantum / exp(a.mean);
    variance = fmax(variance, quantum * quantum / 12);
    double error = sqrt(variance * (1.0 / a.n + 1.0 / b.n)),
           t = stats_t_quantile(GATE_CONFIDENCE, df);
    double power = stats_t_quantile(2 * GATE_POWER - 1, df); /* one-sided quantile */
    double unbiased =
        1 + 1 / (4 * df); /* a standard deviation from few runs is too small on average */
    gate->slowdown = expm1(b.mean - a.mean);
    gate->low = expm1(b.mean - a.mean - t * error);
    gate->high = expm1(b.mean - a.mean + t * error);
    gate->detectable = fmax(expm1((t + power) * error * unbiased), gate->margin);
}

static GateKind decide(const Gate *gate) {
    if (too_many_missed(gate))
        return GATE_MISSED;
    if (isnan(gate->slowdown))
        return GATE_UNKNOWN;
    if (gate->low > -gate->margin && gate->high < gate->margin)
        return GATE_SAME;
    if (gate->low > 0)
        return GATE_SLOWER;
    if (gate->high < 0)
        return GATE_FASTER;
    return gate->detectable > GATE_BLIND ? GATE_UNKNOWN : GATE_SAME;
}

static const char *sentence(const Gate *gate, Arena *arena) {
    Text text = text_new(arena);
    text_add(&text, "%s: ", gate_name(gate->kind));
    if (gate->kind == GATE_MISSED || gate->missed)
        text_add(&text, "%d of %s missed the target (reference: %d of %d)%s", gate->missed,
                 format_plural(gate->n_checked, "run", arena), gate->reference_missed,
                 gate->n_reference, isnan(gate->slowdown) ? "" : "; ");
    if (isnan(gate->slowdown)) {
        if (gate->kind == GATE_UNKNOWN)
            text_add(&text, "%stoo few runs reached the target to compare (%d against %d)",
                     gate->missed ? "; " : "", gate->n_checked - gate->missed,
                     gate->n_reference - gate->reference_missed);
        return text.data;
    }
    text_add(&text, "%s %s examples than the reference (%s to %s)",
             format_percent(fabs(gate->slowdown), arena), gate->slowdown < 0 ? "fewer" : "more",
             format_percent(gate->low, arena), format_percent(gate->high, arena));
    text_add(&text, "; %s see a slowdown of %s with %.0f %%",
             format_plural(gate->n_checked, "seed", arena), format_percent(gate->detectable, arena),
             100 * GATE_POWER);
    return text.data;
}

Gate gate_check(const GateInput *input, Arena *arena) {
    Gate gate = {.slowdown = NAN,
                 .low = NAN,
                 .high = NAN,
                 .detectable = NAN,
                 .margin = input->margin,
                 .n_checked = input->n_checked,
                 .n_reference = input->n_reference,
                 .missed = count_missed(input->checked, input->n_checked),
                 .reference_missed = count_missed(input->reference, input->n_reference)};
    measure(&gate, input, gate.missed + gate.reference_missed > 0, arena);
    gate.kind = decide(&gate);
    gate.sentence = sentence(&gate, arena);
    return gate;
}

typedef struct HullPoint {
    double x, y;
} HullPoint;

static int by_x(const void *a, const void *b) {
    const HullPoint *p = a, *q = b;
    if (p->x != q->x)
        return (p->x > q->x) - (p->x < q->x);
    return (p->y > q->y) - (p->y < q->y);
}

/* Is q on or above the straight line from p to r? */
static bool above(HullPoint p, HullPoint q, HullPoint r) {
    return (q.y - p.y) * (r.x - p.x) >= (r.y - p.y) * (q.x - p.x);
}

double gate_hull(double batch, const double *batches, const double *examples, int n, Arena *arena) {
    HullPoint *point = ARENA_ARRAY(arena, HullPoint, n + 1),
              *hull = ARENA_ARRAY(arena, HullPoint, n + 1);
    int n_points = 0, k = 0;
    for (int i = 0; i < n; i++)
        if (isfinite(examples[i]))
            point[n_points++] = (HullPoint){batches[i], examples[i]};
    qsort(point, (size_t)n_points, sizeof *point, by_x);
    for (int i = 0; i < n_points; i++) {
        if (i && point[i].x == point[i - 1].x)
            continue; /* the lower one came first */
        while (k >= 2 && above(hull[k - 2], hull[k - 1], point[i]))
            k--;
        hull[k++] = point[i];
    }
    if (k && batch == hull[k - 1].x)
        return hull[k - 1].y;
    for (int i = 0; i + 1 < k; i++)
        if (batch >= hull[i].x && batch < hull[i + 1].x)
            return hull[i].y +
                   (hull[i + 1].y - hull[i].y) * (batch - hull[i].x) / (hull[i + 1].x - hull[i].x);
    return NAN;
}
