#include "lab/analyze/targets.h"

#include "lab/analyze/fit_table.h"
#include "lab/analyze/format.h"
#include "lab/base/text.h"

#include <math.h>
#include <string.h>

static bool is_loss(const char *metric) {
    return strstr(metric, "loss") != NULL;
}

static double metric_of(const EvalRow *row, const char *metric) {
    bool test = strncmp(metric, "test", 4) == 0;
    if (is_loss(metric))
        return test ? row->test_loss : row->valid_loss;
    return test ? row->test_accuracy : row->valid_accuracy;
}

static bool ended(const RunRecord *run) {
    return run->summary.outcome != OUTCOME_FAILED && run->summary.outcome != OUTCOME_INTERRUPTED;
}

/* The first evaluation that shows the target, as for the run's own; NULL: none. */
static const EvalRow *first_at(const RunRecord *run, const char *metric, double value) {
    for (int e = 0; e < run->n_evals; e++) {
        double seen = metric_of(&run->evals[e], metric);
        if (is_loss(metric) ? seen <= value : seen >= value)
            return &run->evals[e];
    }
    return NULL;
}

/* Best value of a run; NaN without evaluations. */
static double best_of(const RunRecord *run, const char *metric) {
    double best = NAN;
    for (int e = 0; e < run->n_evals; e++) {
        double seen = metric_of(&run->evals[e], metric);
        best = isnan(best) ? seen : is_loss(metric) ? fmin(best, seen) : fmax(best, seen);
    }
    return best;
}

/* An easier value with two digits of error (or of loss): 0.9478 -> 0.947. */
static double ease(double value, const char *metric) {
    double error = is_loss(metric) ? value : 1 - value;
    if (!(error > 0))
        return value;
    double unit = pow(10, floor(log10(error)) - 1);
    error = ceil(error / unit - 1e-9) * unit;
    return is_loss(metric) ? error : round((1 - error) * 1e9) / 1e9;
}

static bool is_easier(double a, double b, const char *metric) {
    return is_loss(metric) ? a > b * (1 + 1e-9) : a < b - 1e-9;
}

/* ---- which targets */

typedef struct Chooser {
    const char *metric;
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
        value = e + 1 >= TARGETS_EVALUATIONS ? metric_of(&run->evals[e], chooser->metric) : NAN;
    double eased = ease(value, chooser->metric);
    const EvalRow *shown = first_at(run, chooser->metric, eased);
    if (isfinite(eased) && is_easier(eased, chooser->own, chooser->metric) && shown &&
        shown - run->evals >= TARGETS_EVALUATIONS - 1)
        choose(chooser, eased);
}

/* The hardest value that every run of a cell had; NaN without runs. */
static double common_of(const Cell *cell, const char *metric) {
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
static double common_target(const Lines *lines, const char *metric) {
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
    if (!known || !is_easier(common, metric_of(&run->evals[0], chooser->metric), chooser->metric))
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
            if (chooser->metric &&
                (strcmp(chooser->metric, header->metric) != 0 || chooser->own != header->target))
                return "the cells have different targets of their own";
            chooser->metric = header->metric;
            chooser->own = header->target;
        }
    return chooser->metric ? NULL : "no trial was trained to its end, only verify runs are here";
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
            const EvalRow *row = first_at(cell->runs[r], targets->metric, target->value);
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

Targets targets_make(const Lines *lines, const Criticals *criticals, const double *asked,
                     int n_asked, Arena *arena) {
    Targets out = {.lines = lines, .target = ARENA_ARRAY(arena, Target, TARGETS_MAX + 1)};
    Chooser chooser = {0};
    out.missing = common_goal(&chooser, lines);
    out.metric = chooser.metric;
    if (out.missing)
        return out;
    for (int i = 0; i < n_asked; i++)
        choose(&chooser, asked[i]);
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

/* ---- words and tables */

const char *target_text(const Targets *targets, const Target *target, Arena *arena) {
    return is_loss(targets->metric) ? arena_print(arena, "%.4g", target->value)
                                    : arena_print(arena, "%.4g %%", 100 * target->value);
}

static const TableColumn columns[] = {
    {"series", NULL},
    {"metric", NULL},
    {"target", "1"},
    {"own", "flag"},
    {"batches", "1"},
    {"B_crit", "examples"},
    {"B_crit_low", "examples"},
    {"B_crit_high", "examples"},
    {"E_min", "examples"},
    {"S_min", "steps"},
    {"R2", "1"},
    {"remark", NULL},
};

static void add_fit(Table *out, const Targets *targets, const Target *target, int l) {
    const TargetLine *line = &target->line[l];
    const Hyperbola *fit = &line->fit;
    bool known = line->missing == NULL;
    table_text(out, targets->lines->line[l].label);
    table_text(out, targets->metric);
    table_number(out, target->value);
    table_number(out, target->own);
    table_number(out, known ? (double)fit->n_batches : NAN);
    table_number(out, known ? fit->b_crit : NAN);
    table_number(out, known ? fit->b_crit_in.low : NAN);
    table_number(out, known ? fit->b_crit_in.high : NAN);
    table_number(out, known ? fit->e_min : NAN);
    table_number(out, known ? fit->s_min : NAN);
    table_number(out, known ? fit->r2 : NAN);
    table_text(out, !known ? line->missing : fit->unidentified ? fit->unidentified : "");
}

Table *targets_fits(const Targets *targets, Arena *arena) {
    Table *out = table_new("target_fits", columns, sizeof columns / sizeof *columns, arena);
    for (int l = 0; targets->n && l < targets->lines->n; l++)
        for (int t = 0; t < targets->n; t++)
            add_fit(out, targets, &targets->target[t], l);
    return out;
}

const char *targets_sentence(const Targets *targets, int l, Arena *arena) {
    Text text = text_new(arena);
    int n = 0;
    for (int t = 0; t < targets->n; t++) {
        const TargetLine *line = &targets->target[t].line[l];
        if (line->missing || !isfinite(line->fit.b_crit))
            continue;
        text_add(&text, "%s%s at %s", n++ ? ", " : "", format_number(line->fit.b_crit, arena),
                 target_text(targets, &targets->target[t], arena));
    }
    return n < 2 ? NULL
                 : arena_print(arena, "%s, critical batch by target: %s.",
                               targets->lines->line[l].label, text.data);
}
