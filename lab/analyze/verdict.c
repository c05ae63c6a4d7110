#include "lab/analyze/verdict.h"

#include "lab/analyze/format.h"
#include "lab/base/text.h"

#include <math.h>
#include <string.h>

/* ---- the same bits need no statistics */

static const char *digest_of_seed(const ReferenceCell *known, const char *seed) {
    for (int i = 0; i < known->n; i++)
        if (strcmp(known->seed[i], seed) == 0)
            return known->digest[i];
    return NULL;
}

/* How many of the cell's seeds are in the reference too, and how many of those end otherwise. */
typedef struct Shared {
    int n, n_other;
} Shared;

static Shared shared_seeds(const ReferenceCell *cell, const ReferenceCell *known) {
    Shared shared = {0};
    for (int i = 0; i < cell->n; i++) {
        const char *digest = digest_of_seed(known, cell->seed[i]);
        if (!digest || strcmp(digest, "none") == 0)
            continue;
        shared.n++;
        shared.n_other += strcmp(digest, cell->digest[i]) != 0;
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

static VerdictCase find_partner(const ReferenceCell *cell, const Reference *reference,
                                Arena *arena) {
    VerdictCase it = {.checked = cell, .against = AGAINST_CELL};
    it.known = reference_find(reference, cell);
    if (!it.known) {
        it.known = same_batch(reference, cell->label, cell->global_batch);
        it.against = AGAINST_BATCH;
    }
    if (it.known) {
        it.reference = it.known->examples;
        it.n_reference = it.known->n;
        return it;
    }
    it.reference = between(&it.n_reference, reference, cell->label, cell->global_batch, arena);
    it.against = it.reference ? AGAINST_BETWEEN : AGAINST_NOTHING;
    return it;
}

/* ---- one cell */

static void compare(Verdict *verdict, const VerdictCase *it, double margin, int n_cells,
                    Arena *arena) {
    GateInput input = {.reference = it->reference,
                       .checked = it->checked->examples,
                       .n_reference = it->n_reference,
                       .n_checked = it->checked->n,
                       .margin = margin,
                       .quantum = fmax(it->checked->quantum, it->known ? it->known->quantum : 0),
                       .budget = it->checked->budget,
                       .n_cells = n_cells};
    verdict->gate = gate_check(&input, arena);
    verdict->kind = verdict->gate.kind;
    Text text = text_new(arena);
    text_add(&text, "%s", verdict->gate.sentence);
    if (it->checked->n_unfinished > 0)
        text_add(&text, "; %s did not end by themselves",
                 format_plural(it->checked->n_unfinished, "run", arena));
    if (verdict->against == AGAINST_BATCH)
        text_add(&text, "; against other settings of %s",
                 reference_differences(it->known, it->checked, arena));
    if (verdict->against == AGAINST_BETWEEN)
        text_add(&text, "; interpolated between batch sizes");
    if (verdict->other_bits)
        text_add(&text, "; the bits of the reference's seeds have changed");
    verdict->sentence = text.data;
}

/* What can be said before the others are known: the same bits, or nothing to compare with. */
static Verdict begin(const VerdictCase *it, Arena *arena) {
    const ReferenceCell *cell = it->checked;
    Verdict verdict = {.series = cell->label,
                       .global_batch = cell->global_batch,
                       .kind = GATE_UNKNOWN,
                       .against = it->against,
                       .compute_s = cell->compute_s};
    Shared shared = {0};
    if (it->against == AGAINST_CELL)
        shared = shared_seeds(cell, it->known);
    verdict.same_bits =
        shared.n == cell->n && cell->n_unfinished == 0 && shared.n_other == 0 && shared.n > 0;
    verdict.other_bits =
        shared.n_other > 0 && same_platform(it->known->provenance, cell->provenance);
    if (verdict.same_bits) {
        verdict.kind = GATE_SAME;
        verdict.sentence = arena_print(arena, "same: the same bits as the reference for %s",
                                       format_plural(cell->n, "seed", arena));
    } else if (it->against == AGAINST_NOTHING) {
        verdict.sentence =
            "unknown: the reference has neither this cell nor two batch sizes around it";
    } else if (!cell->has_target) {
        verdict.sentence = "unknown: without a target there is only bits to compare";
    }
    return verdict;
}

Verdict *verdicts_judge(const VerdictCase *cases, int n, double margin, Arena *arena) {
    Verdict *verdicts = ARENA_ARRAY(arena, Verdict, n + 1);
    int n_compared = 0;
    for (int i = 0; i < n; i++) {
        verdicts[i] = begin(&cases[i], arena);
        n_compared += verdicts[i].sentence == NULL;
    }
    for (int i = 0; i < n; i++)
        if (!verdicts[i].sentence)
            compare(&verdicts[i], &cases[i], margin, n_compared, arena);
    return verdicts;
}

Verdict *verdicts_make(int *n, const Reference *checked, const Reference *reference, double margin,
                       Arena *arena) {
    VerdictCase *cases = ARENA_ARRAY(arena, VerdictCase, checked->n_cells + 1);
    *n = 0;
    for (int i = 0; i < checked->n_cells; i++)
        if (checked->cells[i].has_target)
            cases[(*n)++] = find_partner(&checked->cells[i], reference, arena);
    return verdicts_judge(cases, *n, margin, arena);
}
