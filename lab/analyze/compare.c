#include "lab/analyze/compare.h"

#include "lab/base/io.h"
#include "lab/store/run.h"

#include <string.h>

/* ---- pairs */

static bool same_text(const Json *a, const Json *b, const char *path) {
    const Json *x = json_get(a, path), *y = json_get(b, path);
    return x && y && x->kind == JSON_TEXT && y->kind == JSON_TEXT && strcmp(x->text, y->text) == 0;
}

/* Same label, batch and workload: the settings may differ (that may be what is compared). */
static bool alike(const ReferenceCell *a, const ReferenceCell *b) {
    return a->global_batch == b->global_batch && strcmp(a->label, b->label) == 0 &&
           same_text(a->config, b->config, "model.name") &&
           same_text(a->config, b->config, "dataset.name");
}

/* One side may be older and know fewer settings. */
static bool covered(const ReferenceCell *a, const ReferenceCell *b) {
    return reference_covers(a->config, b->config) || reference_covers(b->config, a->config);
}

static bool equal(const ReferenceCell *a, const ReferenceCell *b) {
    return reference_covers(a->config, b->config) && reference_covers(b->config, a->config);
}

typedef bool (*Matches)(const ReferenceCell *, const ReferenceCell *);

/* Partners of both sides' cells, -1: none yet. */
typedef struct Partners {
    const Reference *a, *b;
    int *of_a, *of_b; /* (a->n_cells), (b->n_cells) */
} Partners;

/* The only cell among `others` without a partner that matches, -1: none or several. */
static int only_match(const Reference *others, const int *taken, const ReferenceCell *cell,
                      Matches matches) {
    int found = -1;
    for (int i = 0; i < others->n_cells; i++) {
        if (taken[i] >= 0 || !matches(&others->cells[i], cell))
            continue;
        if (found >= 0)
            return -1;
        found = i;
    }
    return found;
}

static void match(Partners *all, Matches matches) {
    for (int i = 0; i < all->a->n_cells; i++) {
        if (all->of_a[i] >= 0)
            continue;
        int j = only_match(all->b, all->of_b, &all->a->cells[i], matches);
        if (j < 0 || only_match(all->a, all->of_a, &all->b->cells[j], matches) != i)
            continue;
        all->of_a[i] = j;
        all->of_b[j] = i;
    }
}

static Partners partners_make(const Reference *a, const Reference *b, Arena *arena) {
    Partners out = {a, b, ARENA_ARRAY(arena, int, a->n_cells + 1),
                    ARENA_ARRAY(arena, int, b->n_cells + 1)};
    for (int i = 0; i < a->n_cells; i++)
        out.of_a[i] = -1;
    for (int i = 0; i < b->n_cells; i++)
        out.of_b[i] = -1;
    match(&out, equal);
    match(&out, covered);
    match(&out, alike);
    return out;
}

static const ReferenceCell **without(int *n, const Reference *side, const int *partner,
                                     Arena *arena) {
    const ReferenceCell **out = ARENA_ARRAY(arena, const ReferenceCell *, side->n_cells + 1);
    *n = 0;
    for (int i = 0; i < side->n_cells; i++)
        if (partner[i] < 0)
            out[(*n)++] = &side->cells[i];
    return out;
}

Compare compare_make(const Reference *a, const Reference *b, double margin, Arena *arena) {
    Compare out = {.margin = margin, .a = a, .b = b};
    Partners partners = partners_make(a, b, arena);
    VerdictCase *cases = ARENA_ARRAY(arena, VerdictCase, a->n_cells + 1);
    out.pair = ARENA_ARRAY(arena, ComparePair, a->n_cells + 1);
    for (int i = 0; i < a->n_cells; i++) {
        if (partners.of_a[i] < 0)
            continue;
        const ReferenceCell *x = &a->cells[i], *y = &b->cells[partners.of_a[i]];
        out.pair[out.n] = (ComparePair){.a = x, .b = y};
        cases[out.n++] = (VerdictCase){.checked = y,
                                       .known = x,
                                       .reference = x->examples,
                                       .n_reference = x->n,
                                       .against = covered(x, y) ? AGAINST_CELL : AGAINST_BATCH};
    }
    const Verdict *verdicts = verdicts_judge(cases, out.n, margin, arena);
    for (int i = 0; i < out.n; i++)
        out.pair[i].verdict = verdicts[i];
    out.only_a = without(&out.n_only_a, a, partners.of_a, arena);
    out.only_b = without(&out.n_only_b, b, partners.of_b, arena);
    return out;
}

/* ---- reading */

static const char *name_of(const char *folder, const RunRecord *runs, int n) {
    const char *slash = strrchr(folder, '/');
    return n && runs[0].header.experiment ? runs[0].header.experiment : slash ? slash + 1 : folder;
}

static Error *load_folder(Reference *out, const char *folder, Arena *arena) {
    RunRecord *runs;
    int n;
    TRY(run_load_all(&runs, &n, folder, arena), "reading the runs of '%s'", folder);
    if (n == 0)
        return error_hint(error_new(CODE_MISSING, "'%s' holds no run yet", folder),
                          "`batchlab run` on its experiment file makes some");
    *out = reference_of(name_of(folder, runs, n), cells_make(runs, n, arena), NULL, arena);
    return NULL;
}

static Error *neither(int code, const char *path, const char *why) {
    return error_hint(
        error_new(code, "'%s' is neither a results folder nor a reference: %s", path, why),
        "a results folder is what `batchlab run` makes, results/NAME; a reference is "
        "what `batchlab check --update` writes, experiments/reference/NAME.json");
}

Error *compare_load(CompareSide *out, const char *path, Arena *arena) {
    *out = (CompareSide){.path = path, .is_file = !io_is_folder(path)};
    if (!io_exists(path))
        return neither(CODE_MISSING, path, "it does not exist");
    if (out->is_file) {
        Json *root;
        TRY(json_load(&root, path, arena), "taking '%s' for a reference file", path);
        if (root->kind != JSON_OBJECT || !json_find(root, "cells"))
            return neither(CODE_USAGE, path, "a JSON file without cells");
        return reference_load(&out->reference, path, arena);
    }
    if (!io_exists(arena_print(arena, "%s/experiment.json", path)))
        return neither(CODE_MISSING, path, "a folder without experiment.json");
    return load_folder(&out->reference, path, arena);
}
