#include "lab/analyze/cells.h"

#include "lab/analyze/branched.h"
#include "lab/analyze/labels.h"
#include "optim/optim.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

Spread spread_make(const double *values, int n, Arena *arena) {
    Spread spread = {.median = NAN, .low = NAN, .high = NAN};
    if (n == 0)
        return spread;
    double *sorted = ARENA_ARRAY(arena, double, n);
    for (int i = 0; i < n; i++) {
        sorted[i] = isfinite(values[i]) ? values[i] : INFINITY;
        spread.n += isfinite(values[i]);
    }
    qsort(sorted, (size_t)n, sizeof(double), by_value);
    double median = 0.5 * (sorted[(n - 1) / 2] + sorted[n / 2]);
    if (isfinite(median))
        spread.median = median;
    if (spread.n) {
        spread.low = sorted[0];
        spread.high = sorted[spread.n - 1];
    }
    return spread;
}

int cell_n_done(const Cell *cell) {
    return cell->n_of[OUTCOME_REACHED] + cell->n_of[OUTCOME_BUDGET_SPENT] +
           cell->n_of[OUTCOME_DIVERGED];
}

int cells_optimizer_rank(const char *name) {
    for (int i = 0; i < OPTIM_N; i++)
        if (strcmp(optim_table[i]->name, name) == 0)
            return i;
    return OPTIM_N;
}

/* Which of a trial's full runs speaks for it: one that ended by itself, then a failed, then an
 * interrupted one. */
static int preference(const RunRecord *run) {
    switch (run->summary.outcome) {
    case OUTCOME_FAILED:
        return 1;
    case OUTCOME_INTERRUPTED:
        return 2;
    default:
        return 0;
    }
}

static int compare_optimizers(const RunHeader *a, const RunHeader *b) {
    int rank = cells_optimizer_rank(a->optimizer) - cells_optimizer_rank(b->optimizer);
    return rank ? rank : strcmp(a->optimizer, b->optimizer);
}

/* Cells together, in them trials by seed, in them the run that speaks first. */
static int by_trial(const void *a, const void *b) {
    const RunRecord *x = *(const RunRecord *const *)a, *y = *(const RunRecord *const *)b;
    const RunHeader *p = &x->header, *q = &y->header;
    int order = compare_optimizers(p, q);
    if (order == 0)
        order = strcmp(p->config, q->config);
    if (order == 0)
        order = (p->seed > q->seed) - (p->seed < q->seed);
    if (order == 0)
        order = strcmp(p->trial_id, q->trial_id);
    if (order == 0)
        order = preference(x) - preference(y);
    return order ? order : strcmp(p->run_id, q->run_id);
}

const RunRecord **cells_speaking(int *n_out, const RunRecord *runs, int n, bool branches,
                                 Arena *arena) {
    const RunRecord **full = ARENA_ARRAY(arena, const RunRecord *, n + 1);
    int n_full = 0;
    for (int i = 0; i < n; i++)
        if (runs[i].header.mode == RUN_FULL && runs[i].config && branched_is(&runs[i]) == branches)
            full[n_full++] = &runs[i];
    qsort(full, (size_t)n_full, sizeof *full, by_trial);
    int kept = 0;
    for (int i = 0; i < n_full; i++)
        if (kept == 0 || strcmp(full[kept - 1]->header.trial_id, full[i]->header.trial_id) != 0)
            full[kept++] = full[i];
    *n_out = kept;
    return full;
}

typedef enum {
    OF_STEPS,
    OF_EXAMPLES,
    OF_SECONDS,
    OF_FINAL,
    OF_BEST,
    OF_TEST,
    OF_LOSS,
    OF_BEST_LOSS
} Quantity;

static double quantity_of(const RunRecord *run, Quantity quantity) {
    const RunSummary *summary = &run->summary;
    bool reached = summary->outcome == OUTCOME_REACHED;
    switch (quantity) {
    case OF_STEPS:
        return reached ? summary->steps_to_target : NAN;
    case OF_EXAMPLES:
        return reached ? summary->examples_to_target : NAN;
    case OF_SECONDS:
        return reached && run->header.alone && !run->header.oversubscribed
                   ? summary->seconds_to_target
                   : NAN;
    case OF_FINAL:
        return summary->final_valid_accuracy;
    case OF_BEST:
        return summary->best_valid_accuracy;
    case OF_TEST:
        return summary->test_accuracy_at_best_valid;
    case OF_LOSS:
        return summary->final_valid_loss;
    case OF_BEST_LOSS: /* runs that are older than it have none */
        return isnan(summary->best_valid_loss) ? summary->final_valid_loss
                                               : summary->best_valid_loss;
    }
    return NAN;
}

/* Over the trials that ended by themselves; a failed or interrupted one says nothing about the
 * training. */
static Spread spread_of(const Cell *cell, Quantity quantity, Arena *arena) {
    double *values = ARENA_ARRAY(arena, double, cell->n_trials);
    int n = 0;
    for (int i = 0; i < cell->n_trials; i++)
        if (preference(cell->runs[i]) == 0)
            values[n++] = quantity_of(cell->runs[i], quantity);
    return spread_make(values, n, arena);
}

static void fill(Cell *cell, const RunRecord **runs, int n, Arena *arena) {
    const RunHeader *header = &runs[0]->header;
    *cell = (Cell){.config = header->config,
                   .first = runs[0],
                   .global_batch = header->global_batch,
                   .mini_batch = header->mini_batch,
                   .n_trials = n,
                   .runs = runs};
    cell->has_target = header->metric != NULL && isfinite(header->target);
    for (int i = 0; i < n; i++)
        cell->n_of[runs[i]->summary.outcome]++;
    cell->steps = spread_of(cell, OF_STEPS, arena);
    cell->examples = spread_of(cell, OF_EXAMPLES, arena);
    cell->seconds = spread_of(cell, OF_SECONDS, arena);
    cell->final_accuracy = spread_of(cell, OF_FINAL, arena);
    cell->best_accuracy = spread_of(cell, OF_BEST, arena);
    cell->test_accuracy = spread_of(cell, OF_TEST, arena);
    cell->final_loss = spread_of(cell, OF_LOSS, arena);
    cell->best_loss = spread_of(cell, OF_BEST_LOSS, arena);
}

typedef struct Labelled {
    Cell cell;
    const char *label;
} Labelled;

static int by_series(const void *a, const void *b) {
    const Labelled *x = a, *y = b;
    int order = compare_optimizers(&x->cell.first->header, &y->cell.first->header);
    if (order == 0)
        order = strcmp(x->label, y->label);
    if (order == 0)
        order = (x->cell.global_batch > y->cell.global_batch) -
                (x->cell.global_batch < y->cell.global_batch);
    return order ? order : strcmp(x->cell.config, y->cell.config);
}

/* labels_make wants the cells of one optimizer together. */
static int by_optimizer(const void *a, const void *b) {
    const Cell *x = a, *y = b;
    int order = compare_optimizers(&x->first->header, &y->first->header);
    if (order == 0)
        order = (x->search != NULL) - (y->search != NULL);
    return order ? order : strcmp(x->config, y->config);
}

/* Sorts the cells into series: same optimizer, same label. */
static void make_series(Cells *out, Arena *arena) {
    const char **labels = labels_make(out->cells, out->n_cells, arena);
    Labelled *all = ARENA_ARRAY(arena, Labelled, out->n_cells + 1);
    for (int i = 0; i < out->n_cells; i++)
        all[i] = (Labelled){out->cells[i], labels[i]};
    qsort(all, (size_t)out->n_cells, sizeof *all, by_series);
    out->series = ARENA_ARRAY(arena, Series, out->n_cells + 1);
    for (int i = 0; i < out->n_cells; i++) {
        bool same = i > 0 && strcmp(all[i].label, all[i - 1].label) == 0 &&
                    strcmp(all[i].cell.first->header.optimizer,
                           all[i - 1].cell.first->header.optimizer) == 0;
        if (!same)
            out->series[out->n_series++] =
                (Series){.label = all[i].label,
                         .optimizer = all[i].cell.first->header.optimizer,
                         .cells = &out->cells[i]};
        out->cells[i] = all[i].cell;
        out->cells[i].series = out->n_series - 1;
        out->series[out->n_series - 1].n_cells++;
    }
}

/* The cells of trials [0, n) that belong to no search; they come sorted. */
static void add_plain(Cells *out, const RunRecord **trials, int n, Arena *arena) {
    for (int i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n; end++)
            if (strcmp(trials[i]->header.config, trials[end]->header.config) != 0)
                break;
        fill(&out->cells[out->n_cells++], &trials[i], end - i, arena);
    }
}

static bool any_ended(const RunRecord **runs, int n) {
    for (int i = 0; i < n; i++)
        if (preference(runs[i]) == 0)
            return true;
    return false;
}

/* A search speaks through its winner, and that through its reruns: the search's own run of it was
 * chosen for its luck. Where no rerun has ended, that one run stands in, marked. */
static void add_searched(Cells *out, const RunRecord *const *trials, int n, Arena *arena) {
    Searches searches = searches_make(trials, n, arena);
    for (int s = 0; s < searches.n; s++) {
        const SearchCell *search = &searches.cell[s];
        if (!search->best)
            continue; /* a winner's reruns without the search that chose it */
        bool selected = !any_ended(search->rerun, search->n_reruns);
        const RunRecord **own = ARENA_ARRAY(arena, const RunRecord *, 1);
        own[0] = search->best->run;
        Cell *cell = &out->cells[out->n_cells++];
        fill(cell, selected ? own : search->rerun, selected ? 1 : search->n_reruns, arena);
        cell->search = search;
        cell->selected = selected;
    }
}

/* Trials [0, n) of one configuration, which come together: is one of them of no search? */
static bool any_plain(const RunRecord *const *trials, int n) {
    for (int i = 0; i < n; i++)
        if (!trials[i]->search)
            return true;
    return false;
}

/* A seed of a plain cell may have been trained as a point of a search, which has the same trial:
 * then it counts in both. */
Cells *cells_make(const RunRecord *runs, int n, Arena *arena) {
    Cells *out = ARENA_NEW(arena, Cells);
    int n_trials, n_plain = 0, n_searched = 0;
    const RunRecord **trials = cells_speaking(&n_trials, runs, n, false, arena);
    const RunRecord **searched = ARENA_ARRAY(arena, const RunRecord *, n_trials + 1);
    for (int i = 0, end; i < n_trials; i = end) {
        for (end = i + 1; end < n_trials; end++)
            if (strcmp(trials[i]->header.config, trials[end]->header.config) != 0)
                break;
        bool plain = any_plain(&trials[i], end - i);
        for (int j = i; j < end; j++) {
            if (trials[j]->search)
                searched[n_searched++] = trials[j];
            if (plain)
                trials[n_plain++] = trials[j];
        }
    }
    out->cells = ARENA_ARRAY(arena, Cell, n_trials + 1);
    add_plain(out, trials, n_plain, arena);
    add_searched(out, searched, n_searched, arena);
    qsort(out->cells, (size_t)out->n_cells, sizeof *out->cells, by_optimizer);
    make_series(out, arena);
    return out;
}
