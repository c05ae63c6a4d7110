#include "lab/analyze/targets.h"

#include "lab/analyze/fit_table.h"
#include "lab/train/metric.h"

#include <math.h>
#include <string.h>

static bool ended(const RunRecord *run) {
    return run->summary.outcome != OUTCOME_FAILED && run->summary.outcome != OUTCOME_INTERRUPTED;
}

/* The first evaluation that shows the target, as for the run's own; NULL: none. */
static const EvalRow *first_at(const RunRecord *run, Metric metric, double value) {
    for (int e = 0; e < run->n_evals; e++) {
        if (metric_reaches(metric, metric_value(&run->evals[e], metric), value))
            return &run->evals[e];
    }
    return NULL;
}

/* Best value of a run; NaN without evaluations. */
static double best_of(const RunRecord *run, Metric metric) {
    double best = NAN;
    for (int e = 0; e < run->n_evals; e++) {
        double seen = metric_value(&run->evals[e], metric);
        best = isnan(best) ? seen : metric_is_share(metric) ? fmax(best, seen) : fmin(best, seen);
    }
    return best;
}

/* An easier value with two digits of error (or of loss, of bits): 0.9478 -> 0.947. */
static double ease(double value, Metric metric) {
    double error = metric_is_share(metric) ? 1 - value : value;
    if (!(error > 0))
        return value;
    double unit = pow(10, floor(log10(error)) - 1);
    error = ceil(error / unit - 1e-9) * unit;
    return metric_is_share(metric) ? round((1 - error) * 1e9) / 1e9 : error;
}

static bool is_easier(double a, double b, Metric metric) {
    return metric_is_share(metric) ? a < b - 1e-9 : a > b * (1 + 1e-9);
}

/* ---- which targets */

typedef struct Chooser {
    const char *name; /* of the metric, NULL: not known yet */
    Metric metric;
    double own;
    double value[TARGETS_MAX + 1];
    int n;
} Chooser;

static void choose(Chooser *chooser, double value) {
    if (!isfinite(value) || chooser->n >= TARGETS_MAX)
        return;
    for (int i = 0; i < chooser->n; i++)
        if (!is_easier(value, chooser->value[i], chooser->metric) &&
            !is_easier(chooser->value[i], value, chooser->metric))
            return;
    int at = chooser->n++;
    while (at > 0 && is_easier(value, chooser->value[at - 1], chooser->metric)) {
        chooser->value[at] = chooser->value[at - 1];
        at--;
    }
    chooser->value[at] = value;
}

/* The run of the smallest batch that reached its target, and of it the seed in the middle. */
static const RunRecord *base_run(const Lines *lines) {
    const Cell *base = NULL;
    for (int l = 0; l < lines->n; l++)
        for (int i = 0; i < lines->line[l].n; i++) {
            const Cell *cell = lines->line[l].cell[i];
            if (isfinite(cell->examples.median) &&
                (!base || cell->global_batch < base->global_batch))
                base = cell;
        }
    const RunRecord *middle = NULL;
    for (int r = 0; base && r < base->n_trials; r++) {
        const RunRecord *run = base->runs[r];
        double off = fabs(run->summary.examples_to_target - base->examples.median);
        if (run->summary.outcome == OUTCOME_REACHED &&
            (!middle || off < fabs(middle->summary.examples_to_target - base->examples.median)))
            middle = run;
    }
    return middle;
}

/* What `run` had after `part` of its way, if that took evaluations enough. */
static void choose_at(Chooser *chooser, const RunRecord *run, double part) {
    double until = part * run->summary.examples_to_target * (1 + 1e-9), value = NAN;
    for (int e = 0; e < run->n_evals && (double)run->evals[e].examples <= until; e++)
        value = e + 1 >= TARGETS_EVALUATIONS ? metric_value(&run->evals[e], chooser->metric) : NAN;
    double eased = ease(value, chooser->metric);
    const EvalRow *shown = first_at(run, chooser->metric, eased);
    if (isfinite(eased) && is_easier(eased, chooser->own, chooser->metric) && shown &&
        shown - run->evals >= TARGETS_EVALUATIONS - 1)
        choose(chooser, eased);
}

/* The hardest value that every run of a cell had; NaN without runs. */
static double common_of(const Cell *cell, Metric metric) {
    double worst = NAN;
    for (int r = 0; r < cell->n_trials; r++) {
        if (!ended(cell->runs[r]))
            continue;
        double best = best_of(cell->runs[r], metric);
        worst = isnan(worst) || is_easier(best, worst, metric) ? best : worst;
    }
    return worst;
}

/* The third best batch of every line, and of these the worst: all lines reached that. */
static double common_target(const Lines *lines, Metric metric) {
    double common = NAN;
    for (int l = 0; l < lines->n; l++) {
        double top[3] = {NAN, NAN, NAN};
        for (int i = 0; i < lines->line[l].n; i++) {
            double value = common_of(lines->line[l].cell[i], metric);
            for (int k = 0; k < 3 && isfinite(value); k++)
                if (isnan(top[k]) || is_easier(top[k], value, metric)) {
                    double moved = top[k];
                    top[k] = value;
                    value = moved;
                }
        }
        if (isnan(top[2]))
            return NAN;
        common = isnan(common) || is_easier(top[2], common, metric) ? top[2] : common;
    }
    return common;
}

static void choose_lesser(Chooser *chooser, const Lines *lines) {
    const RunRecord *run = base_run(lines);
    bool known = run && run->n_evals > 0;
    if (known) {
        choose_at(chooser, run, 0.25);
        choose_at(chooser, run, 0.5);
    }
    double common = ease(common_target(lines, chooser->metric), chooser->metric);
    if (!isfinite(common) || !is_easier(common, chooser->own, chooser->metric))
        return;
    if (!known ||
        !is_easier(common, metric_value(&run->evals[0], chooser->metric), chooser->metric))
        choose(chooser, common);
}

/* Metric and target of all cells, or why there is none. */
static const char *common_goal(Chooser *chooser, const Lines *lines) {
    for (int l = 0; l < lines->n; l++)
        for (int i = 0; i < lines->line[l].n; i++) {
            const Cell *cell = lines->line[l].cell[i];
            const RunHeader *header = &cell->first->header;
            if (!cell->has_target)
                return "the experiment sets no target (trial.stop.metric and trial.stop.target)";
            if (chooser->name &&
                (strcmp(chooser->name, header->metric) != 0 || chooser->own != header->target))
                return "the cells have different targets of their own";
            chooser->name = header->metric;
            chooser->metric = metric_find(header->metric);
            chooser->own = header->target;
            if (chooser->metric == METRIC_N)
                return "their metric is none that this program knows";
        }
    return chooser->name ? NULL : "no trial was trained to its end, only verify runs are here";
}

/* ---- what the lines say about them */

static void gather(TargetLine *out, const Targets *targets, const Target *target, const Line *line,
                   Arena *arena) {
    int room = 1, n = 0, n_batches;
    for (int i = 0; i < line->n; i++)
        room += line->cell[i]->n_trials;
    double *steps = ARENA_ARRAY(arena, double, room), *examples = ARENA_ARRAY(arena, double, room),
           *batch = ARENA_ARRAY(arena, double, room);
    for (int i = 0; i < line->n; i++) {
        const Cell *cell = line->cell[i];
        int begin = n;
        for (int r = 0; r < cell->n_trials; r++) {
            if (!ended(cell->runs[r]))
                continue;
            const EvalRow *row =
                first_at(cell->runs[r], metric_find(targets->metric), target->value);
            batch[n] = (double)cell->global_batch;
            steps[n] = row ? (double)row->step : NAN;
            examples[n++] = row ? (double)row->examples : NAN;
            out->n_reached[i] += row != NULL;
        }
        out->n_done[i] = n - begin;
        out->steps[i] = spread_make(&steps[begin], n - begin, arena);
        out->examples[i] = spread_make(&examples[begin], n - begin, arena);
    }
    out->fit = fit_censored(&n_batches, batch, examples, n, HYPERBOLA_LOG, arena);
    if (n_batches < 3) {
        out->missing = "every seed reached it at fewer than 3 batch sizes";
        return;
    }
    out->smallest = out->fit.profile.batch[0];
    out->largest = out->fit.profile.batch[n_batches - 1];
}

/* The run's own target was fitted already, from what the runs themselves say. */
static void take_own(TargetLine *out, const Critical *critical) {
    for (int i = 0; i < critical->line->n; i++) {
        const Cell *cell = critical->line->cell[i];
        out->n_done[i] = cell_n_done(cell);
        out->n_reached[i] = cell->n_of[OUTCOME_REACHED];
        out->steps[i] = cell->steps;
        out->examples[i] = cell->examples;
    }
    out->fit = critical->fit;
    out->missing = critical->missing;
    out->smallest = critical->smallest;
    out->largest = critical->largest;
}

static Target target_make(const Targets *targets, const Criticals *criticals, double value,
                          bool own, Arena *arena) {
    const Lines *lines = targets->lines;
    Target out = {value, own, ARENA_ARRAY(arena, TargetLine, lines->n + 1)};
    for (int l = 0; l < lines->n; l++) {
        int n = lines->line[l].n + 1;
        out.line[l] = (TargetLine){.n_reached = ARENA_ARRAY(arena, int, n),
                                   .n_done = ARENA_ARRAY(arena, int, n),
                                   .steps = ARENA_ARRAY(arena, Spread, n),
                                   .examples = ARENA_ARRAY(arena, Spread, n)};
        if (own)
            take_own(&out.line[l], &criticals->critical[l]);
        else
            gather(&out.line[l], targets, &out, &lines->line[l], arena);
    }
    return out;
}

Targets targets_make(const Lines *lines, const Criticals *criticals, const TargetsAsked *asked,
                     Arena *arena) {
    Targets out = {.lines = lines, .target = ARENA_ARRAY(arena, Target, TARGETS_MAX + 1)};
    Chooser chooser = {0};
    int n_asked = asked ? asked->n : 0;
    out.missing = common_goal(&chooser, lines);
    out.metric = chooser.name;
    if (out.missing)
        return out;
    for (int i = 0; i < n_asked; i++)
        choose(&chooser, asked->value[i]);
    if (n_asked == 0)
        choose_lesser(&chooser, lines);
    for (int i = 0; i < chooser.n; i++)
        if (is_easier(chooser.value[i], chooser.own, chooser.metric))
            out.target[out.n++] = target_make(&out, criticals, chooser.value[i], false, arena);
    if (out.n == 0)
        out.missing = n_asked ? "no target that was asked for is easier than the runs' own"
                              : "the evaluations are too far apart for lesser targets "
                                "(trial.eval.every_examples)";
    out.target[out.n++] = target_make(&out, criticals, chooser.own, true, arena);
    return out;
}

static Error *out_of_range(double value, const Chooser *goal) {
    bool share = metric_is_share(goal->metric), none = !(value > 0) || (share && value > 1);
    Error *error = none ? error_new(CODE_USAGE, "the target %g is no %s", value, goal->name)
                        : error_new(CODE_USAGE,
                                    "the target %g is harder than the runs' own, %s %g, at which "
                                    "they stopped",
                                    value, goal->name, goal->own);
    if (none)
        return error_hint(
            error, share ? "legal: above 0 to %g, a fraction: 0.9 is 90 %%" : "legal: %g and more",
            goal->own);
    return error_hint(error,
                      share ? "legal: above 0 to %g; `batchlab run` with trial.stop.target=%g "
                              "trains that far"
                            : "legal: %g and more; `batchlab run` with trial.stop.target=%g "
                              "trains that far",
                      goal->own, value);
}

Error *targets_check(const Lines *lines, const TargetsAsked *asked) {
    Chooser goal = {0};
    const char *missing = common_goal(&goal, lines);
    if (missing)
        return error_hint(
            error_new(CODE_USAGE, "there are no other targets to read off: %s", missing),
            "leave --targets out");
    for (int i = 0; i < asked->n; i++) {
        double value = asked->value[i];
        if (!(value > 0) || is_easier(goal.own, value, goal.metric))
            return out_of_range(value, &goal);
    }
    return NULL;
}
