#include "lab/analyze/verdict.h"

#include "lab/analyze/html.h"
#include "lab/base/text.h"

#include <math.h>
#include <string.h>

static double median_of(const ReferenceCell *cell, Arena *arena) {
    return spread_make(cell->examples, cell->n, arena).median;
}

/* ---- the same bits need no statistics */

static const char *digest_of_seed(const ReferenceCell *known, uint64_t seed, Arena *arena) {
    const char *text = arena_print(arena, "%llu", (unsigned long long)seed);
    for (int i = 0; i < known->n; i++)
        if (strcmp(known->seed[i], text) == 0)
            return known->digest[i];
    return NULL;
}

/* All of the cell's seeds are in the reference, with the same digests. */
static bool same_bits(const Cell *cell, const ReferenceCell *known, Arena *arena) {
    for (int i = 0; i < cell->n_trials; i++) {
        const RunRecord *run = cell->runs[i];
        const char *digest = digest_of_seed(known, run->header.seed, arena);
        if (!digest || strcmp(digest, "none") == 0 || strcmp(digest, run->trajectory_sha256) != 0)
            return false;
    }
    return cell->n_trials > 0;
}

/* ---- a batch size that the reference does not have */

/* Runs of the same series at the batch sizes around, moved to this one along the lower convex hull.
 */
static const double *between(int *n, const Reference *reference, const char *series, int64_t batch,
                             Arena *arena) {
    double *batches = ARENA_ARRAY(arena, double, reference->n_cells + 1);
    double *medians = ARENA_ARRAY(arena, double, reference->n_cells + 1);
    int n_points = 0, n_runs = 0;
    for (int i = 0; i < reference->n_cells; i++) {
        double median = median_of(&reference->cells[i], arena);
        if (strcmp(reference->cells[i].label, series) != 0 || isnan(median))
            continue;
        batches[n_points] = (double)reference->cells[i].global_batch;
        medians[n_points++] = median;
        n_runs += reference->cells[i].n;
    }
    double here = n_points > 1 ? gate_hull((double)batch, batches, medians, n_points, arena) : NAN;
    *n = 0;
    if (isnan(here))
        return NULL;
    double *examples = ARENA_ARRAY(arena, double, n_runs + 1);
    for (int i = 0; i < reference->n_cells; i++) {
        const ReferenceCell *cell = &reference->cells[i];
        double median = median_of(cell, arena);
        if (strcmp(cell->label, series) != 0 || isnan(median))
            continue;
        for (int j = 0; j < cell->n; j++)
            examples[(*n)++] = cell->examples[j] * here / median;
    }
    return examples;
}

/* ---- one cell */

static double quantum_of(const Cell *cell) {
    const Json *every = json_get(cell->first->config, "eval.every_examples");
    return every && every->kind == JSON_NUMBER ? every->number : 0;
}

static void compare(Verdict *verdict, const Cell *cell, const double *reference, int n_reference,
                    double margin, Arena *arena) {
    double *checked = ARENA_ARRAY(arena, double, cell->n_trials);
    for (int i = 0; i < cell->n_trials; i++)
        checked[i] = reference_examples(cell->runs[i]);
    GateInput input = {reference, checked, n_reference, cell->n_trials, margin, quantum_of(cell)};
    verdict->gate = gate_check(&input, arena);
    verdict->kind = verdict->gate.kind;
    verdict->sentence = verdict->gate.sentence;
}

static Verdict judge(const Cell *cell, const char *series, const Reference *reference,
                     double margin, Arena *arena) {
    Verdict verdict = {.series = series, .global_batch = cell->global_batch, .kind = GATE_UNKNOWN};
    const ReferenceCell *known = reference_find(reference, cell);
    if (known && same_bits(cell, known, arena)) {
        verdict.kind = GATE_SAME;
        verdict.same_bits = true;
        verdict.sentence =
            arena_print(arena, "same: the same bits as the reference for %d of %d seeds",
                        cell->n_trials, cell->n_trials);
        return verdict;
    }
    int n = 0;
    const double *examples =
        known ? known->examples : between(&n, reference, series, cell->global_batch, arena);
    verdict.between = !known && examples;
    if (known)
        n = known->n;
    if (examples)
        compare(&verdict, cell, examples, n, margin, arena);
    else
        verdict.sentence =
            "unknown: the reference has neither this cell nor two batch sizes around it";
    return verdict;
}

Verdict *verdicts_make(int *n, const Cells *cells, const Reference *reference, double margin,
                       Arena *arena) {
    Verdict *verdicts = ARENA_ARRAY(arena, Verdict, cells->n_cells + 1);
    *n = 0;
    for (int i = 0; i < cells->n_series; i++)
        for (int j = 0; j < cells->series[i].n_cells; j++)
            if (cells->series[i].cells[j].has_target)
                verdicts[(*n)++] = judge(&cells->series[i].cells[j], cells->series[i].label,
                                         reference, margin, arena);
    return verdicts;
}

static bool fails(const Verdict *verdict) {
    return verdict->kind == GATE_SLOWER || verdict->kind == GATE_FASTER ||
           verdict->kind == GATE_MISSED;
}

int verdicts_failed(const Verdict *verdicts, int n) {
    int failed = 0;
    for (int i = 0; i < n; i++)
        failed += fails(&verdicts[i]);
    return failed;
}

/* ---- for machines */

Json *verdicts_json(const char *experiment, const Verdict *verdicts, int n, Arena *arena) {
    Json *root = json_object(arena);
    json_add_text(root, "experiment", experiment, arena);
    json_add_number(root, "failed", verdicts_failed(verdicts, n), arena);
    Json *list = json_add(root, "cells", json_array(arena), arena);
    for (int i = 0; i < n; i++) {
        const Verdict *verdict = &verdicts[i];
        Json *one = json_add(list, NULL, json_object(arena), arena);
        json_add_text(one, "series", verdict->series, arena);
        json_add_number(one, "global_batch", (double)verdict->global_batch, arena);
        json_add_text(one, "verdict", gate_name(verdict->kind), arena);
        json_add_flag(one, "same_bits", verdict->same_bits, arena);
        json_add_flag(one, "interpolated", verdict->between, arena);
        bool compared = verdict->gate.n_checked > 0;
        json_add_number(one, "slowdown", compared ? verdict->gate.slowdown : NAN, arena);
        json_add_number(one, "slowdown_lo", compared ? verdict->gate.low : NAN, arena);
        json_add_number(one, "slowdown_hi", compared ? verdict->gate.high : NAN, arena);
        json_add_number(one, "detectable", compared ? verdict->gate.detectable : NAN, arena);
        json_add_text(one, "sentence", verdict->sentence, arena);
    }
    return root;
}

static const char *escape(const char *raw, Arena *arena) {
    Text out = text_new(arena);
    html_text(&out, raw);
    return out.data;
}

const char *verdicts_junit(const char *experiment, const Verdict *verdicts, int n, Arena *arena) {
    Text out = text_new(arena);
    int n_unknown = 0;
    for (int i = 0; i < n; i++)
        n_unknown += verdicts[i].kind == GATE_UNKNOWN;
    const char *suite = escape(experiment, arena);
    text_add(&out,
             "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
             "<testsuite name=\"%s\" tests=\"%d\" failures=\"%d\" errors=\"0\" skipped=\"%d\">\n",
             suite, n, verdicts_failed(verdicts, n), n_unknown);
    for (int i = 0; i < n; i++) {
        const Verdict *verdict = &verdicts[i];
        const char *sentence = escape(verdict->sentence, arena);
        text_add(&out, "  <testcase classname=\"%s\" name=\"%s, B = %lld\">", suite,
                 escape(verdict->series, arena), (long long)verdict->global_batch);
        if (fails(verdict))
            text_add(&out, "\n    <failure type=\"%s\" message=\"%s\"></failure>\n  ",
                     gate_name(verdict->kind), sentence);
        else if (verdict->kind == GATE_UNKNOWN)
            text_add(&out, "\n    <skipped message=\"%s\"></skipped>\n  ", sentence);
        else
            text_add(&out, "\n    <system-out>%s</system-out>\n  ", sentence);
        text_add(&out, "</testcase>\n");
    }
    text_add(&out, "</testsuite>\n");
    return out.data;
}
