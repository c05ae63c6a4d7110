#include "lab/analyze/compare.h"

#include "lab/analyze/format.h"
#include "lab/base/text.h"

#include <math.h>
#include <string.h>

static const char *label_of(const Results *results, const Cell *cell) {
    return results->cells->series[cell->series].label;
}

/* Same label, batch and workload: the settings may differ (that may be what is compared). */
static bool alike(const Results *a, const Cell *x, const Results *b, const Cell *y) {
    return x->global_batch == y->global_batch && strcmp(label_of(a, x), label_of(b, y)) == 0 &&
           strcmp(x->first->header.model, y->first->header.model) == 0 &&
           strcmp(x->first->header.dataset, y->first->header.dataset) == 0;
}

static const Cell *same_config(const Results *b, const Cell *cell) {
    for (int i = 0; i < b->cells->n_cells; i++)
        if (strcmp(b->cells->cells[i].config, cell->config) == 0)
            return &b->cells->cells[i];
    return NULL;
}

static bool has_config(const Results *a, const Cell *cell) {
    return same_config(a, cell) != NULL;
}

/* The only cell of b that looks like `cell` and has no partner by configuration. */
static const Cell *only_alike(const Results *a, const Results *b, const Cell *cell) {
    const Cell *found = NULL;
    for (int i = 0; i < b->cells->n_cells; i++) {
        const Cell *other = &b->cells->cells[i];
        if (has_config(a, other) || !alike(a, cell, b, other))
            continue;
        if (found)
            return NULL;
        found = other;
    }
    return found;
}

static bool same_bits(const Cell *a, const Cell *b) {
    if (a->n_trials != b->n_trials)
        return false;
    for (int i = 0; i < a->n_trials; i++) {
        const char *x = a->runs[i]->trajectory_sha256, *y = b->runs[i]->trajectory_sha256;
        if (a->runs[i]->header.seed != b->runs[i]->header.seed || strcmp(x, "none") == 0 ||
            strcmp(x, y) != 0)
            return false;
    }
    return true;
}

/* Examples to the target of the trials that ended by themselves; a miss is NaN. */
static double *examples_of(int *n, const Cell *cell, Arena *arena) {
    double *out = ARENA_ARRAY(arena, double, cell->n_trials + 1);
    *n = 0;
    for (int i = 0; i < cell->n_trials; i++) {
        const RunSummary *summary = &cell->runs[i]->summary;
        if (summary->outcome != OUTCOME_FAILED && summary->outcome != OUTCOME_INTERRUPTED)
            out[(*n)++] = summary->outcome == OUTCOME_REACHED ? summary->examples_to_target : NAN;
    }
    return out;
}

static double quantum_of(const Cell *cell) {
    const Json *every =
        cell->first->config ? json_get(cell->first->config, "eval.every_examples") : NULL;
    return every && every->kind == JSON_NUMBER ? every->number : 0;
}

static ComparePair pair_of(const Results *a, const Cell *x, const Cell *y, double margin,
                           Arena *arena) {
    ComparePair out = {.a = x, .b = y, .label = label_of(a, x), .same_bits = same_bits(x, y)};
    GateInput input = {.margin = margin, .quantum = fmax(quantum_of(x), quantum_of(y))};
    input.reference = examples_of(&input.n_reference, x, arena);
    input.checked = examples_of(&input.n_checked, y, arena);
    out.gate = gate_check(&input, arena);
    return out;
}

Compare compare_make(const Results *a, const Results *b, double margin, Arena *arena) {
    Compare out = {.pair = ARENA_ARRAY(arena, ComparePair, a->cells->n_cells + 1)};
    for (int i = 0; i < a->cells->n_cells; i++) {
        const Cell *cell = &a->cells->cells[i], *other = same_config(b, cell);
        if (!other) {
            other = only_alike(a, b, cell);
            if (other && only_alike(b, a, other) != cell)
                other = NULL; /* several of a look like it */
        }
        if (other)
            out.pair[out.n++] = pair_of(a, cell, other, margin, arena);
    }
    out.only_a = a->cells->n_cells - out.n;
    out.only_b = b->cells->n_cells - out.n;
    return out;
}

static const TableColumn columns[] = {
    {"series", NULL},           {"global_batch", "examples"},
    {"trials_a", "1"},          {"reached_a", "1"},
    {"trials_b", "1"},          {"reached_b", "1"},
    {"examples_a", "examples"}, {"examples_b", "examples"},
    {"slowdown", "1"},          {"slowdown_low", "1"},
    {"slowdown_high", "1"},     {"detectable", "1"},
    {"accuracy_a", "1"},        {"accuracy_b", "1"},
    {"same_bits", "flag"},      {"verdict", NULL},
};

static const char *verdict(const ComparePair *pair) {
    return pair->same_bits ? "same" : gate_name(pair->gate.kind);
}

Table *compare_table(const Compare *compare, Arena *arena) {
    Table *out = table_new("compare", columns, sizeof columns / sizeof *columns, arena);
    for (int i = 0; i < compare->n; i++) {
        const ComparePair *pair = &compare->pair[i];
        table_text(out, pair->label);
        table_number(out, (double)pair->a->global_batch);
        table_number(out, pair->a->n_trials);
        table_number(out, pair->a->n_of[OUTCOME_REACHED]);
        table_number(out, pair->b->n_trials);
        table_number(out, pair->b->n_of[OUTCOME_REACHED]);
        table_number(out, pair->a->examples.median);
        table_number(out, pair->b->examples.median);
        table_number(out, pair->gate.slowdown);
        table_number(out, pair->gate.low);
        table_number(out, pair->gate.high);
        table_number(out, pair->gate.detectable);
        table_number(out, pair->a->best_accuracy.median);
        table_number(out, pair->b->best_accuracy.median);
        table_number(out, pair->same_bits);
        table_text(out, verdict(pair));
    }
    return out;
}

const char *compare_text(const Compare *compare, Arena *arena) {
    Text text = text_new(arena);
    int count[5] = {0}, n_bits = 0;
    for (int i = 0; i < compare->n; i++) {
        const ComparePair *pair = &compare->pair[i];
        text_add(&text, "%s, B = %s: %s\n", pair->label,
                 format_count((double)pair->a->global_batch, arena),
                 pair->same_bits ? "same bits" : pair->gate.sentence);
        n_bits += pair->same_bits;
        count[pair->gate.kind] += !pair->same_bits;
    }
    text_add(&text, "%s compared: %d same bits", format_plural(compare->n, "cell", arena), n_bits);
    for (int k = 0; k < 5; k++)
        text_add(&text, ", %d %s", count[k], gate_name((GateKind)k));
    text_add(&text, "; %d only in the first, %d only in the second\n", compare->only_a,
             compare->only_b);
    return text.data;
}

Error *compare_folders(Compare *out, const char *folder_a, const char *folder_b, double margin,
                       Arena *arena) {
    Results *a, *b;
    PASS(results_load(&a, folder_a, arena));
    PASS(results_load(&b, folder_b, arena));
    *out = compare_make(a, b, margin, arena);
    return NULL;
}
