#include "lab/analyze/critical.h"

#include "lab/analyze/fit_table.h"
#include "lab/analyze/format.h"
#include "lab/base/stats.h"

#include <math.h>
#include <string.h>

/* Trials that ended by themselves; a miss is NaN. */
static int gather(double *batch, double *examples, const Line *line) {
    int n = 0;
    for (int i = 0; i < line->n; i++)
        for (int r = 0; r < line->cell[i]->n_trials; r++) {
            const RunSummary *summary = &line->cell[i]->runs[r]->summary;
            if (summary->outcome == OUTCOME_FAILED || summary->outcome == OUTCOME_INTERRUPTED)
                continue;
            batch[n] = (double)line->cell[i]->global_batch;
            examples[n++] = summary->outcome == OUTCOME_REACHED ? summary->examples_to_target : NAN;
        }
    return n;
}

/* A batch at which runs missed is not in the fit; when the fit promised the target well within
 * their budget, it is wrong there, and says so. */
static void warn_if_refuted(Critical *critical, Arena *arena) {
    Hyperbola *fit = &critical->fit;
    for (int i = 0; i < critical->line->n; i++) {
        const Cell *cell = critical->line->cell[i];
        const RunHeader *header = &cell->first->header;
        double budget = (double)header->total_steps * (double)cell->global_batch;
        double promised = hyperbola_examples(fit, (double)cell->global_batch);
        int missed = cell->n_of[OUTCOME_BUDGET_SPENT] + cell->n_of[OUTCOME_DIVERGED];
        if (missed == 0 || budget < 1.2 * promised)
            continue;
        fit->warning[fit->n_warnings++] = arena_print(
            arena,
            "the fit promises the target after %s examples at B = %s, where %d of %d runs missed "
            "it within %s: it does "
            "not hold there",
            format_number(promised, arena), format_count((double)cell->global_batch, arena), missed,
            cell->n_trials, format_number(budget, arena));
        return; /* the first one says enough */
    }
}

/* The one run of a search that was not followed by reruns won by luck too. */
static void warn_if_selected(Critical *critical, Arena *arena) {
    const char **batch = ARENA_ARRAY(arena, const char *, critical->line->n + 1);
    int n = 0;
    for (int i = 0; i < critical->line->n; i++)
        if (critical->line->cell[i]->selected)
            batch[n++] = format_count((double)critical->line->cell[i]->global_batch, arena);
    if (n)
        critical->fit.warning[critical->fit.n_warnings++] = arena_print(
            arena,
            "at B = %s the search's own run stands in for reruns, which is too good on average",
            format_list(batch, n, arena));
}

static void fit_line(Critical *out, Arena *arena) {
    int room = 1, n_batches = 0;
    bool has_target = false;
    for (int i = 0; i < out->line->n; i++) {
        room += out->line->cell[i]->n_trials;
        has_target |= out->line->cell[i]->has_target;
    }
    double *batch = ARENA_ARRAY(arena, double, room), *examples = ARENA_ARRAY(arena, double, room);
    int n = gather(batch, examples, out->line);
    if (!has_target) {
        out->missing = "no target is set";
        return;
    }
    out->fit = fit_censored(&n_batches, batch, examples, n, HYPERBOLA_LOG, arena);
    if (n_batches < 3) {
        out->missing =
            arena_print(arena, "every seed reached the target at %s only, and the fit needs 3",
                        format_plural(n_batches, "batch size", arena));
        return;
    }
    out->smallest = out->fit.profile.batch[0];
    out->largest = out->fit.profile.batch[n_batches - 1];
    warn_if_refuted(out, arena);
    warn_if_selected(out, arena);
}

/* An imported run may have a row every hundred steps, and go on after its target; a scheduled batch
 * changes on the way. So a row stands for the steps since the one before, each of its own batch. */
Prediction critical_predict(const RunRecord *run) {
    Prediction out = {.global_batch = run->header.global_batch, .b_crit = NAN};
    double held = NAN, before = 0, target = run->summary.steps_to_target;
    for (int64_t s = 0; s < run->n_steps && isnan(held); s++)
        held = run->steps[s].noise_scale; /* before the first estimate: the first one */
    if (!(held > 0))
        return out;
    for (int64_t s = 0; s < run->n_steps && !(before >= target); s++) {
        const StepRow *row = &run->steps[s];
        int64_t batch = row->global_batch > 0 ? row->global_batch : run->header.global_batch;
        double noise = row->noise_scale, end = fmin((double)row->step, target); /* NaN: no target */
        held = noise > 0 ? noise : held;
        out.s_min += (end - before) / (1 + held / (double)batch);
        out.e_min += (end - before) * held / (1 + held / (double)batch);
        before = end;
    }
    out.b_crit = out.e_min / out.s_min;
    return out;
}

static const Cell *base_cell(const Line *line) {
    for (int i = 0; i < line->n; i++)
        if (isfinite(line->cell[i]->examples.median))
            return line->cell[i];
    return NULL;
}

static Interval range_of(const double *x, int n) {
    return (Interval){stats_quantile(x, n, 0), stats_quantile(x, n, 1)};
}

static Prediction predict_line(const Line *line, Arena *arena) {
    const Cell *cell = base_cell(line);
    if (!cell)
        return (Prediction){0};
    double *column[3];
    for (int c = 0; c < 3; c++)
        column[c] = ARENA_ARRAY(arena, double, cell->n_trials);
    int n = 0;
    for (int r = 0; r < cell->n_trials; r++) {
        Prediction one = critical_predict(cell->runs[r]);
        if (cell->runs[r]->summary.outcome != OUTCOME_REACHED || isnan(one.b_crit))
            continue;
        column[0][n] = one.e_min;
        column[1][n] = one.s_min;
        column[2][n++] = one.b_crit;
    }
    return (Prediction){.global_batch = n ? cell->global_batch : 0,
                        .e_min = stats_median(column[0], n),
                        .s_min = stats_median(column[1], n),
                        .b_crit = stats_median(column[2], n),
                        .b_crit_range = range_of(column[2], n),
                        .noise = noise_interval_of(cell, NOISE_PLAIN, arena),
                        .preconditioned = noise_interval_of(cell, NOISE_PRECONDITIONED, arena),
                        .curvature = noise_interval_of_curvature(cell, arena)};
}

Criticals critical_make(const Lines *lines, Arena *arena) {
    Criticals out = {.critical = ARENA_ARRAY(arena, Critical, lines->n + 1)};
    for (int l = 0; l < lines->n; l++) {
        Critical *critical = &out.critical[out.n++];
        *critical = (Critical){.label = lines->line[l].label, .line = &lines->line[l]};
        critical->fit.b_crit = NAN;
        fit_line(critical, arena);
        critical->prediction = predict_line(critical->line, arena);
    }
    return out;
}

static const TableColumn columns[] = {
    {"series", NULL},          {"estimator", NULL},        {"batch", "examples"},
    {"batch_low", "examples"}, {"batch_high", "examples"}, {"interval", NULL},
    {"E_min", "examples"},     {"S_min", "steps"},         {"R2", "1"},
    {"remark", NULL},
};

static void add_row(Table *out, const Critical *critical, const char *estimator, double batch,
                    Interval interval, const char *kind) {
    table_text(out, critical->label);
    table_text(out, estimator);
    table_number(out, batch);
    table_number(out, interval.low);
    table_number(out, interval.high);
    table_text(out, kind);
}

static const char *remarks(const Critical *critical, Arena *arena) {
    const Hyperbola *fit = &critical->fit;
    const char *text =
        fit->unidentified ? arena_print(arena, "unidentified: %s", fit->unidentified) : "";
    for (int i = 0; i < fit->n_warnings; i++)
        text = arena_print(arena, "%s%s%s", text, *text ? "; " : "", fit->warning[i]);
    return text;
}

static void add_fit(Table *out, const Critical *critical, Arena *arena) {
    const Hyperbola *fit = &critical->fit;
    add_row(out, critical, "hyperbola fit", fit->b_crit, fit->b_crit_in, "90 % interval");
    table_number(out, fit->e_min);
    table_number(out, fit->s_min);
    table_number(out, fit->r2);
    table_text(out, remarks(critical, arena));
    Interval in = {0.2 * fit->b_crit_in.low + 1.2 * critical->smallest,
                   0.2 * fit->b_crit_in.high + 1.2 * critical->smallest};
    add_row(out, critical, "20 % point", hyperbola_overhead20(fit, critical->smallest), in,
            "90 % interval");
    for (int i = 0; i < 3; i++)
        table_number(out, NAN);
    table_text(out,
               arena_print(arena,
                           "largest batch with at most 20 %% more examples than B = %s, by the fit",
                           format_number(critical->smallest, arena)));
}

static void add_prediction(Table *out, const Critical *critical, Arena *arena) {
    const Prediction *prediction = &critical->prediction;
    add_row(out, critical, "noise-scale prediction", prediction->b_crit, prediction->b_crit_range,
            "range over seeds");
    table_number(out, prediction->e_min);
    table_number(out, prediction->s_min);
    table_number(out, NAN);
    const char *from = format_number((double)prediction->global_batch, arena);
    table_text(out, arena_print(arena, "from the runs at B = %s alone", from));
    const NoiseInterval *noise[] = {&prediction->noise, &prediction->preconditioned,
                                    &prediction->curvature};
    static const char *const name[] = {"noise scale", "noise scale, preconditioned",
                                       "noise scale, curvature"},
                             *const what[] = {"tr(Sigma) over mean |G|^2",
                                              "tr(P Sigma P) over mean |P G|^2",
                                              "tr(H Sigma) over mean G'HG"};
    for (int k = 0; k < 3; k++) {
        if (k && !noise[k]->n_blocks)
            continue;
        add_row(out, critical, name[k], noise[k]->scale, noise[k]->in, "90 % interval");
        for (int i = 0; i < 3; i++)
            table_number(out, NAN);
        table_text(out, arena_print(arena, "mean %s in the second half of the steps at B = %s",
                                    what[k], from));
    }
}

static bool stands_in(const Critical *critical, const Cell *cell) {
    for (int i = 0; cell && i < critical->line->n; i++)
        if (critical->line->cell[i] == cell)
            return true;
    return false;
}

/* Branches off the cells of one line; with critical NULL those off none. */
static void add_branched(Table *out, const Criticals *criticals, const Critical *critical,
                         const Brancheds *brancheds, Arena *arena) {
    for (int b = 0; b < brancheds->n; b++) {
        const Branched *branched = &brancheds->branched[b];
        bool here = critical ? stands_in(critical, branched->trunk) : true;
        for (int c = 0; !critical && c < criticals->n; c++)
            here = here && !stands_in(&criticals->critical[c], branched->trunk);
        if (here)
            branched_add_row(out, branched, &brancheds->rule, arena);
    }
}

Table *critical_table(const Criticals *criticals, const Brancheds *brancheds, Arena *arena) {
    Table *out = table_new("critical_batch", columns, sizeof columns / sizeof *columns, arena);
    for (int c = 0; c < criticals->n; c++) {
        const Critical *critical = &criticals->critical[c];
        if (!critical->missing)
            add_fit(out, critical, arena);
        if (critical->prediction.global_batch)
            add_prediction(out, critical, arena);
        add_branched(out, criticals, critical, brancheds, arena);
    }
    add_branched(out, criticals, NULL, brancheds, arena);
    return out;
}
