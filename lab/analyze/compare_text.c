/* A comparison for people and machines. */
#include "lab/analyze/compare.h"
#include "lab/analyze/format.h"
#include "lab/base/text.h"

#include <math.h>

static double median_of(const ReferenceCell *cell, Arena *arena) {
    return spread_make(cell->examples, cell->n, arena).median;
}

static int count_missed(const ReferenceCell *cell) {
    int missed = 0;
    for (int i = 0; i < cell->n; i++)
        missed += isnan(cell->examples[i]);
    return missed;
}

/* How many times the examples of the reference; NaN where the gate has no slowdown, or the bits
 * spoke. */
static double ratio_of(const ComparePair *pair, double slowdown) {
    return pair->verdict.gate.n_checked > 0 ? 1 + slowdown : NAN;
}

static const char *provenance(const Reference *side, const char *key) {
    const Json *value = side->provenance ? json_find(side->provenance, key) : NULL;
    return value && value->kind == JSON_TEXT ? value->text : "unknown";
}

static const Verdict *verdicts_of(const Compare *compare, Arena *arena) {
    Verdict *out = ARENA_ARRAY(arena, Verdict, compare->n + 1);
    for (int i = 0; i < compare->n; i++)
        out[i] = compare->pair[i].verdict;
    return out;
}

/* ---- for people */

static void add_side(Text *text, const char *role, const CompareSide *side, Arena *arena) {
    text_add(text, "%s %s: %s of '%s', %s, commit %s\n", role, side->path,
             side->is_file ? "reference" : "results", side->reference.experiment,
             format_plural(side->reference.n_cells, "cell", arena),
             provenance(&side->reference, "git_commit"));
}

static void add_cell(Text *text, const ReferenceCell *cell, Arena *arena) {
    double median = median_of(cell, arena);
    int missed = count_missed(cell);
    text_add(text, "%s in %s", isnan(median) ? "none" : format_count(median, arena),
             format_plural(cell->n, "run", arena));
    if (missed && cell->has_target)
        text_add(text, " (%d missed)", missed);
}

static void add_pair(Text *text, const ComparePair *pair, Arena *arena) {
    const Gate *gate = &pair->verdict.gate;
    text_add(text, "%s, B = %lld: ", pair->a->label, (long long)pair->a->global_batch);
    if (pair->a->has_target) {
        add_cell(text, pair->a, arena);
        text_add(text, " -> ");
        add_cell(text, pair->b, arena);
        if (isfinite(ratio_of(pair, gate->slowdown)))
            text_add(text, ", ratio %s (%s to %s)",
                     format_number(ratio_of(pair, gate->slowdown), arena),
                     format_number(ratio_of(pair, gate->low), arena),
                     format_number(ratio_of(pair, gate->high), arena));
        text_add(text, "; ");
    }
    text_add(text, "%s\n", pair->verdict.sentence);
}

static void add_only(Text *text, const char *role, const ReferenceCell *const *cells, int n) {
    for (int i = 0; i < n; i++)
        text_add(text, "%s, B = %lld: only in %s\n", cells[i]->label,
                 (long long)cells[i]->global_batch, role);
}

const char *compare_text(const Compare *compare, const CompareSide *a, const CompareSide *b,
                         Arena *arena) {
    Text text = text_new(arena);
    add_side(&text, "reference", a, arena);
    add_side(&text, "checked", b, arena);
    if (compare->n)
        text_add(&text, "medians of the examples to the target, ratio of the geometric means:\n");
    for (int i = 0; i < compare->n; i++)
        add_pair(&text, &compare->pair[i], arena);
    add_only(&text, "the reference", compare->only_a, compare->n_only_a);
    add_only(&text, "what is checked", compare->only_b, compare->n_only_b);
    text_add(&text, "%s\n",
             verdicts_summary(verdicts_of(compare, arena), compare->n, compare->a, compare->margin,
                              arena));
    return text.data;
}

/* ---- for machines */

static Json *side_json(const CompareSide *side, Arena *arena) {
    Json *out = json_object(arena);
    json_add_text(out, "path", side->path, arena);
    json_add_text(out, "kind", side->is_file ? "reference" : "results", arena);
    json_add_text(out, "experiment", side->reference.experiment, arena);
    json_add_number(out, "cells", side->reference.n_cells, arena);
    json_add_text(out, "git_commit", provenance(&side->reference, "git_commit"), arena);
    json_add_text(out, "cpu", provenance(&side->reference, "cpu"), arena);
    json_add_text(out, "start_utc", provenance(&side->reference, "start_utc"), arena);
    return out;
}

static void add_numbers(Json *out, const char *role, const ReferenceCell *cell, Arena *arena) {
    json_add_number(out, arena_print(arena, "runs_%s", role), cell->n, arena);
    json_add_number(out, arena_print(arena, "missed_%s", role),
                    cell->has_target ? (double)count_missed(cell) : NAN, arena);
    json_add_number(out, arena_print(arena, "examples_%s", role), median_of(cell, arena), arena);
    json_add_number(out, arena_print(arena, "best_accuracy_%s", role), cell->best_accuracy, arena);
}

static Json *pair_json(const ComparePair *pair, Arena *arena) {
    const Gate *gate = &pair->verdict.gate;
    Json *out = verdict_json(&pair->verdict, arena);
    json_add_flag(out, "same_settings", pair->verdict.against == AGAINST_CELL, arena);
    json_add_number(out, "ratio", ratio_of(pair, gate->slowdown), arena);
    json_add_number(out, "ratio_lo", ratio_of(pair, gate->low), arena);
    json_add_number(out, "ratio_hi", ratio_of(pair, gate->high), arena);
    add_numbers(out, "reference", pair->a, arena);
    add_numbers(out, "checked", pair->b, arena);
    return out;
}

static void add_only_json(Json *root, const char *key, const ReferenceCell *const *cells, int n,
                          Arena *arena) {
    Json *list = json_add(root, key, json_array(arena), arena);
    for (int i = 0; i < n; i++) {
        Json *one = json_add(list, NULL, json_object(arena), arena);
        json_add_text(one, "series", cells[i]->label, arena);
        json_add_number(one, "global_batch", (double)cells[i]->global_batch, arena);
    }
}

Json *compare_json(const Compare *compare, const CompareSide *a, const CompareSide *b,
                   Arena *arena) {
    Json *root = json_object(arena);
    json_add(root, "reference", side_json(a, arena), arena);
    json_add(root, "checked", side_json(b, arena), arena);
    json_add_number(root, "margin", compare->margin, arena);
    Json *list = json_add(root, "cells", json_array(arena), arena);
    for (int i = 0; i < compare->n; i++)
        json_add(list, NULL, pair_json(&compare->pair[i], arena), arena);
    add_only_json(root, "only_reference", compare->only_a, compare->n_only_a, arena);
    add_only_json(root, "only_checked", compare->only_b, compare->n_only_b, arena);
    return root;
}
