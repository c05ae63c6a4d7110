#include "lab/analyze/verdict.h"

#include "lab/analyze/format.h"
#include "lab/base/text.h"

#include <math.h>
#include <string.h>

/* ---- the same bits need no statistics */

static const char *digest_of_seed(const ReferenceCell *known, uint64_t seed, Arena *arena) {
    const char *text = arena_print(arena, "%llu", (unsigned long long)seed);
    for (int i = 0; i < known->n; i++)
        if (strcmp(known->seed[i], text) == 0)
            return known->digest[i];
    return NULL;
}

/* How many of the cell's seeds are in the reference too, and how many of those end otherwise. */
typedef struct Shared {
    int n, n_other;
} Shared;

static Shared shared_seeds(const Cell *cell, const ReferenceCell *known, Arena *arena) {
    Shared shared = {0};
    for (int i = 0; i < cell->n_trials; i++) {
        const RunRecord *run = cell->runs[i];
        const char *digest = digest_of_seed(known, run->header.seed, arena);
        if (!digest || strcmp(digest, "none") == 0)
            continue;
        shared.n++;
        shared.n_other += strcmp(digest, run->trajectory_sha256) != 0;
    }
    return shared;
}

/* Bits may be compared: CPU, instruction set, libraries and compiler are the reference's. */
static bool same_platform(const Json *a, const Json *b) {
    static const char *const keys[] = {"cpu",         "isa",    "compiler", "flags",
                                       "blas_config", "onednn", "blas_core"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const Json *x = a ? json_find(a, keys[i]) : NULL, *y = b ? json_find(b, keys[i]) : NULL;
        if (!x || !y || x->kind != JSON_TEXT || y->kind != JSON_TEXT ||
            strcmp(x->text, y->text) != 0)
            return false;
    }
    return true;
}

/* ---- what a cell is compared with */

static double median_of(const ReferenceCell *cell, Arena *arena) {
    return spread_make(cell->examples, cell->n, arena).median;
}

static const ReferenceCell *same_batch(const Reference *reference, const char *series,
                                       int64_t batch) {
    for (int i = 0; i < reference->n_cells; i++)
        if (reference->cells[i].global_batch == batch &&
            strcmp(reference->cells[i].label, series) == 0)
            return &reference->cells[i];
    return NULL;
}

/* The runs of the nearest batch size on the series' lower convex hull, moved along it to `batch`.
 * One batch size alone, because the hull's own error there is never smaller than between two. */
static const double *between(int *n, const Reference *reference, const char *series, int64_t batch,
                             Arena *arena) {
    double *batches = ARENA_ARRAY(arena, double, reference->n_cells + 1);
    double *medians = ARENA_ARRAY(arena, double, reference->n_cells + 1);
    const ReferenceCell **cells = ARENA_ARRAY(arena, const ReferenceCell *, reference->n_cells + 1);
    int n_points = 0, nearest = -1;
    for (int i = 0; i < reference->n_cells; i++) {
        cells[n_points] = &reference->cells[i];
        batches[n_points] = (double)reference->cells[i].global_batch;
        medians[n_points] = median_of(&reference->cells[i], arena);
        n_points +=
            strcmp(reference->cells[i].label, series) == 0 && isfinite(medians[n_points]) ? 1 : 0;
    }
    double here = gate_hull((double)batch, batches, medians, n_points, arena);
    if (isnan(here))
        return NULL;
    for (int i = 0; i < n_points; i++)
        if (gate_hull(batches[i], batches, medians, n_points, arena) == medians[i] &&
            (nearest < 0 ||
             fabs(batches[i] - (double)batch) < fabs(batches[nearest] - (double)batch)))
            nearest = i;
    double *examples = ARENA_ARRAY(arena, double, cells[nearest]->n);
    *n = cells[nearest]->n;
    for (int i = 0; i < *n; i++)
        examples[i] = cells[nearest]->examples[i] * here / medians[nearest];
    return examples;
}

/* A cell on its way to a verdict. */
typedef struct Case {
    const Cell *cell;
    const ReferenceCell *known; /* NULL: nothing, or between */
    const double *reference;    /* (n_reference) examples to the target */
    int n_reference;
} Case;

static void find_partner(Verdict *verdict, Case *it, const Reference *reference, Arena *arena) {
    it->known = reference_find(reference, it->cell);
    verdict->against = AGAINST_CELL;
    if (!it->known) {
        it->known = same_batch(reference, verdict->series, verdict->global_batch);
        verdict->against = AGAINST_BATCH;
    }
    if (it->known) {
        it->reference = it->known->examples;
        it->n_reference = it->known->n;
        return;
    }
    it->reference =
        between(&it->n_reference, reference, verdict->series, verdict->global_batch, arena);
    verdict->against = it->reference ? AGAINST_BETWEEN : AGAINST_NOTHING;
}

/* ---- one cell */

static double quantum_of(const Cell *cell) {
    const Json *every = json_get(cell->first->config, "eval.every_examples");
    return every && every->kind == JSON_NUMBER ? every->number : 0;
}

/* Examples after which a run of the cell gives up. */
static double budget_of(const Cell *cell) {
    double budget = (double)(cell->first->header.total_steps * cell->first->header.global_batch);
    for (int i = 0; i < cell->n_trials; i++) /* more, when the batch grows on its way */
        if (cell->runs[i]->summary.outcome == OUTCOME_BUDGET_SPENT && cell->runs[i]->n_steps > 0)
            budget =
                fmax(budget, (double)cell->runs[i]->steps[cell->runs[i]->n_steps - 1].examples);
    return budget;
}

static bool ended_by_itself(const RunRecord *run) {
    return run->summary.outcome != OUTCOME_FAILED && run->summary.outcome != OUTCOME_INTERRUPTED;
}

static double seconds_of(const Cell *cell) {
    double sum = 0;
    for (int i = 0; i < cell->n_trials; i++)
        if (cell->runs[i]->n_evals > 0)
            sum += cell->runs[i]->evals[cell->runs[i]->n_evals - 1].wall_s;
    return sum;
}

static void compare(Verdict *verdict, const Case *it, double margin, int n_cells, Arena *arena) {
    double *checked = ARENA_ARRAY(arena, double, it->cell->n_trials);
    int n = 0;
    for (int i = 0; i < it->cell->n_trials; i++)
        if (ended_by_itself(it->cell->runs[i]))
            checked[n++] = reference_examples(it->cell->runs[i]);
    GateInput input = {.reference = it->reference,
                       .checked = checked,
                       .n_reference = it->n_reference,
                       .n_checked = n,
                       .margin = margin,
                       .quantum = quantum_of(it->cell),
                       .budget = budget_of(it->cell),
                       .n_cells = n_cells};
    verdict->gate = gate_check(&input, arena);
    verdict->kind = verdict->gate.kind;
    Text text = text_new(arena);
    text_add(&text, "%s", verdict->gate.sentence);
    if (n < it->cell->n_trials)
        text_add(&text, "; %s did not end by themselves",
                 format_plural(it->cell->n_trials - n, "run", arena));
    if (verdict->against == AGAINST_BATCH)
        text_add(&text, "; against other settings of %s",
                 reference_differences(it->known, it->cell, arena));
    if (verdict->against == AGAINST_BETWEEN)
        text_add(&text, "; interpolated between batch sizes");
    if (verdict->other_bits)
        text_add(&text, "; the bits of the reference's seeds have changed");
    verdict->sentence = text.data;
}

/* What can be said before the others are known: the same bits, or nothing to compare with. */
static Verdict begin(Case *it, const Cell *cell, const char *series, const Reference *reference,
                     Arena *arena) {
    Verdict verdict = {.series = series,
                       .global_batch = cell->global_batch,
                       .kind = GATE_UNKNOWN,
                       .compute_s = seconds_of(cell)};
    it->cell = cell;
    find_partner(&verdict, it, reference, arena);
    Shared shared = {0};
    if (verdict.against == AGAINST_CELL)
        shared = shared_seeds(cell, it->known, arena);
    verdict.same_bits = shared.n == cell->n_trials && shared.n_other == 0 && shared.n > 0;
    verdict.other_bits =
        shared.n_other > 0 && same_platform(reference->provenance, cell->first->header.provenance);
    if (verdict.same_bits) {
        verdict.kind = GATE_SAME;
        verdict.sentence = arena_print(arena, "same: the same bits as the reference for %s",
                                       format_plural(cell->n_trials, "seed", arena));
    } else if (verdict.against == AGAINST_NOTHING) {
        verdict.sentence =
            "unknown: the reference has neither this cell nor two batch sizes around it";
    }
    return verdict;
}

Verdict *verdicts_make(int *n, const Cells *cells, const Reference *reference, double margin,
                       Arena *arena) {
    Verdict *verdicts = ARENA_ARRAY(arena, Verdict, cells->n_cells + 1);
    Case *cases = ARENA_ARRAY(arena, Case, cells->n_cells + 1);
    int n_compared = 0;
    *n = 0;
    for (int i = 0; i < cells->n_series; i++)
        for (int j = 0; j < cells->series[i].n_cells; j++) {
            const Cell *cell = &cells->series[i].cells[j];
            if (!cell->has_target)
                continue;
            cases[*n] = (Case){0};
            verdicts[*n] = begin(&cases[*n], cell, cells->series[i].label, reference, arena);
            n_compared += verdicts[*n].sentence == NULL;
            ++*n;
        }
    for (int i = 0; i < *n; i++)
        if (!verdicts[i].sentence)
            compare(&verdicts[i], &cases[i], margin, n_compared, arena);
    return verdicts;
}
