#include "lab/analyze/advice_curve.h"

#include "lab/base/stats.h"
#include "lab/train/trial.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

enum { MAX_POWERS = 64 };

static int by_batch(const void *a, const void *b) {
    int64_t x = ((const AdvicePoint *)a)->global_batch, y = ((const AdvicePoint *)b)->global_batch;
    return (x > y) - (x < y);
}

/* The study's own where it has the batch; "auto"'s when all of its batches follow that; else that
 * of the nearest batch. */
static int64_t mini_batch_of(bool *guessed, const Line *line, int64_t global_batch) {
    bool all_auto = true;
    const Cell *nearest = line->cell[0];
    for (int i = 0; i < line->n; i++) {
        const Cell *cell = line->cell[i];
        all_auto &= cell->mini_batch == trial_auto_mini_batch(cell->global_batch);
        if (fabs(log((double)cell->global_batch / (double)global_batch)) <
            fabs(log((double)nearest->global_batch / (double)global_batch)))
            nearest = cell;
    }
    if (nearest->global_batch == global_batch)
        return nearest->mini_batch;
    if (all_auto)
        return trial_auto_mini_batch(global_batch);
    *guessed = true;
    return nearest->mini_batch;
}

/* ---- without a curve */

/* The range over seeds stands in for an interval; one seed has none. */
static void add_medians(AdviceCurve *out, const Line *line) {
    for (int i = 0; i < line->n; i++) {
        const Cell *cell = line->cell[i];
        if (!cell->has_target || !isfinite(cell->examples.median))
            continue;
        bool several = cell->examples.n > 1 && cell->examples.low < cell->examples.high;
        out->point[out->n++] = (AdvicePoint){
            .global_batch = cell->global_batch,
            .mini_batch = cell->mini_batch,
            .examples = cell->examples.median,
            .examples_in = several ? (Interval){cell->examples.low, cell->examples.high}
                                   : (Interval){NAN, NAN}};
    }
}

/* ---- with one */

static void add_point(AdviceCurve *out, const Line *line, const Critical *critical, double batch) {
    AdvicePoint point = {.global_batch = (int64_t)batch,
                         .examples = hyperbola_examples(out->fit, batch),
                         .examples_in = hyperbola_band(out->fit, batch),
                         .extrapolated = batch > critical->largest};
    bool guessed = false;
    point.mini_batch = mini_batch_of(&guessed, line, point.global_batch);
    for (int i = 0; i < out->n; i++)
        if (out->point[i].global_batch == point.global_batch)
            return;
    if (point.global_batch % point.mini_batch)
        return;
    out->guessed_mini |= guessed;
    out->point[out->n++] = point;
}

/* The largest batch that the curve is believed at. */
static double limit(const Line *line, const Critical *critical) {
    double most = critical->largest * (critical->fit.unidentified ? 1 : ADVICE_BEYOND);
    for (int i = 0; i < line->n; i++) {
        const Cell *cell = line->cell[i];
        double batch = (double)cell->global_batch;
        bool missed = cell->n_of[OUTCOME_BUDGET_SPENT] + cell->n_of[OUTCOME_DIVERGED] > 0;
        if (missed && batch > critical->largest && batch <= most)
            most = nextafter(batch, 0);
    }
    return most;
}

void advice_curve_make(AdviceCurve *out, const Line *line, const Critical *critical, Arena *arena) {
    *out = (AdviceCurve){.point = ARENA_ARRAY(arena, AdvicePoint, line->n + MAX_POWERS)};
    if (critical->missing || !hyperbola_curved(&critical->fit)) {
        add_medians(out, line);
        return;
    }
    out->fit = &critical->fit;
    double most = limit(line, critical);
    for (int k = 0; k < critical->fit.profile.k; k++)
        add_point(out, line, critical, critical->fit.profile.batch[k]);
    for (double batch = 1; batch <= most; batch *= 2)
        if (batch >= critical->smallest)
            add_point(out, line, critical, batch);
    qsort(out->point, (size_t)out->n, sizeof *out->point, by_batch);
}

void advice_curve_redraw(double *factor, const AdviceCurve *curve, double step_error, Rng *rng,
                         Arena *arena) {
    const Hyperbola *fit = curve->fit;
    Profile drawn = fit->profile;
    drawn.mean = ARENA_ARRAY(arena, double, drawn.k);
    for (int k = 0; k < drawn.k; k++)
        drawn.mean[k] = profile_at(&fit->profile, fit->best_c, drawn.batch[k]) +
                        fit->residual * rng_normal(rng) / sqrt(drawn.count[k]);
    double c = profile_best(&drawn, fit->best_c);
    for (int i = 0; i < curve->n; i++) {
        double batch = (double)curve->point[i].global_batch;
        double log_examples = profile_at(&drawn, c, batch);
        factor[i] = exp(log_examples + step_error * rng_normal(rng)) / curve->point[i].examples;
    }
}

int advice_curve_at(const AdviceCurve *curve, int64_t global_batch) {
    for (int i = 0; i < curve->n; i++)
        if (curve->point[i].global_batch == global_batch)
            return i;
    assert(!"a batch of the curve");
    return -1;
}
