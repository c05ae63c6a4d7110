#include "lab/analyze/gate.h"

#include "lab/analyze/format.h"
#include "lab/analyze/gate_sorted.h"
#include "lab/base/stats.h"
#include "lab/base/text.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

const char *gate_name(GateKind kind) {
    static const char *const names[] = {"same", "slower", "faster", "missed", "unknown"};
    return names[kind];
}

/* NaN is a miss: later than all others. */
static double rank_value(double x) {
    return isnan(x) ? INFINITY : x;
}

static int ascending(const void *a, const void *b) {
    double x = rank_value(*(const double *)a), y = rank_value(*(const double *)b);
    return (x > y) - (x < y);
}

double *gate_sorted(const double *x, int n, Arena *arena) {
    double *out = ARENA_ARRAY(arena, double, n + 1);
    if (n > 0)
        memcpy(out, x, sizeof *x * (size_t)n);
    qsort(out, (size_t)n, sizeof *out, ascending);
    return out;
}

static int count_missed(const double *x, int n) {
    int missed = 0;
    for (int i = 0; i < n; i++)
        missed += isnan(x[i]);
    return missed;
}

/* ---- the interval of the slowdown */

/* Mean of log examples, the sum of squares for its error, and how many runs stand behind it. */
typedef struct Side {
    double mean, sumsq;
    int n; /* 0: too few runs, or a missing one among those that count */
} Side;

/* With `trim` the lowest and the highest count as their neighbours in the sum of squares
 * (winsorized) and not at all in the mean. A miss counts as `late` examples, unless that is 0. */
static Side side_of(const double *x, int n, bool trim, double late, Arena *arena) {
    double *sorted = gate_sorted(x, n, arena), *value = ARENA_ARRAY(arena, double, n + 1);
    int from = trim, end = n - trim;
    if (end <= from)
        return (Side){0};
    for (int i = 0; i < n; i++) {
        double it = sorted[i < from ? from : i >= end ? end - 1 : i];
        if (isnan(it) && !(late > 0))
            return (Side){0};
        value[i] = log(isnan(it) ? late : it);
    }
    double centre = stats_mean(value, n), sumsq = 0;
    for (int i = 0; i < n; i++)
        sumsq += (value[i] - centre) * (value[i] - centre);
    return (Side){stats_mean(value + from, end - from), sumsq, end - from};
}

/* Of log examples. */
typedef struct Difference {
    bool known;
    double mean, reference; /* checked less reference; the reference itself */
    double allowance;       /* what rounding to evaluations may add, either way */
    double error, df;       /* standard error, degrees of freedom */
} Difference;

/* Rounding up to the next evaluation moves a mean by half a quantum as long as runs spread over
 * several evaluations, so it cancels between the sides. With less spread it depends on where the
 * evaluations happen to lie, by up to a quantum: the Fourier series of the sawtooth, whose first
 * term falls as exp(-2 pi^2 sd^2 / quantum^2). `variance` includes that of the rounding. */
static double rounding(double variance, double quantum) {
    const double pi = acos(-1);
    double own = fmax(variance - quantum * quantum / 12, 0);
    return quantum > 0 ? quantum * exp(-2 * pi * pi * own / (quantum * quantum)) : 0;
}

static Difference difference(const GateInput *input, bool trim, double late, Arena *arena) {
    Side a = side_of(input->reference, input->n_reference, trim, late, arena);
    Side b = side_of(input->checked, input->n_checked, trim, late, arena);
    if (a.n < 1 || b.n < 1 || a.n + b.n < 4)
        return (Difference){0};
    double df = a.n + b.n - 2, variance = (a.sumsq + b.sumsq) / df;
    double quantum = input->quantum / exp(a.mean), allowance = rounding(variance, quantum);
    /* rounding alone spreads results evenly over one quantum */
    variance = fmax(variance, quantum * quantum / 12);
    return (Difference){.known = true,
                        .mean = b.mean - a.mean,
                        .reference = a.mean,
                        .allowance = allowance,
                        .error = sqrt(variance * (1.0 / a.n + 1.0 / b.n)),
                        .df = df};
}

/* Half-width of the interval. Each cell of a check gets its share of the false alarms (Bonferroni:
 * cells have seeds and code in common, so they err together or not). */
static double reach(const Difference *it, int n_cells) {
    double confidence = 1 - GATE_ALARM / (n_cells > 1 ? n_cells : 1);
    return it->allowance + stats_t_quantile(confidence, it->df) * it->error;
}

static void measure(Gate *gate, const GateInput *input, Arena *arena) {
    Difference it = difference(input, gate->missed + gate->reference_missed > 0, 0, arena);
    if (!it.known)
        return;
    double half = reach(&it, input->n_cells), band = log1p(input->margin) + half;
    double power = stats_t_quantile(2 * GATE_POWER - 1, it.df); /* one-sided quantile */
    /* a standard deviation from few runs is too small on average */
    double unbiased = 1 + 1 / (4 * it.df);
    gate->slowdown = expm1(it.mean);
    gate->low = expm1(it.mean - half);
    gate->high = expm1(it.mean + half);
    gate->pass_low = exp(it.reference - band);
    gate->pass_high = exp(it.reference + band);
    gate->detectable = expm1(band + unbiased * power * it.error + (unbiased - 1) * half);
}

/* ---- misses */

static double latest(const double *x, int n) {
    double late = 0;
    for (int i = 0; i < n; i++)
        late = fmax(late, x[i]); /* passes over NaN */
    return late;
}

/* Half of the runs and more missed, and the reference never did. Counted at the budget, which is
 * before they would have arrived, are they late? Where the reference's runs get lost too, it is
 * not lateness that loses them, and only their number tells. */
static bool lost_at_budget(const Gate *gate, const GateInput *input, Arena *arena) {
    if (2 * gate->missed < gate->n_checked || gate->reference_missed > 0)
        return false;
    double late = fmax(latest(input->reference, input->n_reference),
                       latest(input->checked, input->n_checked));
    Difference it = difference(input, false, fmax(late, input->budget), arena);
    return it.known && it.mean - reach(&it, input->n_cells) > log1p(gate->margin);
}

static bool shown_missed(const Gate *gate, const GateInput *input, Arena *arena) {
    if (gate->missed == 0)
        return false;
    int n_cells = input->n_cells > 1 ? input->n_cells : 1;
    return gate_miss_chance(gate->missed, gate->n_checked, gate->reference_missed,
                            gate->n_reference) <= GATE_ALARM / n_cells ||
           lost_at_budget(gate, input, arena);
}

/* ---- verdict */

static GateKind decide(const Gate *gate, bool lost) {
    double fewer = 1 / (1 + gate->margin) - 1; /* the margin downwards */
    if (lost)
        return GATE_MISSED;
    if (isnan(gate->slowdown))
        return GATE_UNKNOWN;
    if (gate->low > gate->margin)
        return GATE_SLOWER;
    if (gate->high < fewer)
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
                 .pass_low = NAN,
                 .pass_high = NAN,
                 .detectable = NAN,
                 .margin = input->margin,
                 .n_checked = input->n_checked,
                 .n_reference = input->n_reference,
                 .missed = count_missed(input->checked, input->n_checked),
                 .reference_missed = count_missed(input->reference, input->n_reference)};
    measure(&gate, input, arena);
    gate.kind = decide(&gate, shown_missed(&gate, input, arena));
    gate.sentence = sentence(&gate, arena);
    return gate;
}
