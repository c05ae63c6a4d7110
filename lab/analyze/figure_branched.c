/* Branched training: how much worse each batch is than the best smaller one. */
#include "lab/analyze/figure.h"
#include "lab/analyze/format.h"
#include "lab/analyze/labels.h"
#include "lab/base/text.h"

#include <math.h>
#include <string.h>

#define MAX_PANELS 4

static const TableColumn columns[] = {
    {"panel", "1"},
    {"series", NULL},
    {"line", "1"},
    {"at_examples", "examples"},
    {"global_batch", "examples"},
    {"factor", "1"},
    {"loss", "nat"},
    {"loss_low", "nat"},
    {"loss_high", "nat"},
    {"above_best_smaller", "nat"},
    {"tolerance", "nat"},
    {"chosen", "1"},
};

static const char *missing(const Results *results, Arena *arena) {
    (void)arena;
    if (results->brancheds.n == 0)
        return "the experiment has no branches";
    for (int i = 0; i < results->brancheds.n; i++)
        if (isfinite(results->brancheds.branched[i].batch))
            return NULL;
    return "no seed has all branches of a point";
}

static bool same_trunk(const Branched *a, const Branched *b) {
    return a->trunk == b->trunk && a->global_batch == b->global_batch &&
           strcmp(a->label, b->label) == 0;
}

static void add_points(Table *out, int panel, int line, const Branched *branched, double tolerance,
                       Arena *arena) {
    const char *label = arena_print(arena, "%s, branches off B = %s", branched->label,
                                    format_count((double)branched->global_batch, arena));
    double least = INFINITY;
    for (int i = 0; i < branched->n_points; i++) {
        const BranchedPoint *point = &branched->point[i];
        table_number(out, panel);
        table_text(out, label_fit(label, LINES_LABEL_WIDTH, arena));
        table_number(out, line);
        table_number(out, (double)branched->at_examples);
        table_number(out, (double)(point->factor * branched->global_batch));
        table_number(out, (double)point->factor);
        table_number(out, point->loss);
        table_number(out, point->low);
        table_number(out, point->high);
        table_number(out, i ? point->loss - least : 0);
        table_number(out, tolerance);
        table_number(out, i == branched->best);
        least = fmin(least, point->loss);
    }
}

static Table *table(const Results *results, Arena *arena) {
    Table *out = table_new("branched", columns, sizeof columns / sizeof *columns, arena);
    const Brancheds *all = &results->brancheds;
    int panel = 0;
    for (int i = 0, end; i < all->n && panel < MAX_PANELS; i = end) {
        int chosen[LINES_MAX], n;
        for (end = i + 1; end < all->n; end++)
            if (!same_trunk(&all->branched[i], &all->branched[end]))
                break;
        n = lines_spread(chosen, end - i, LINES_MAX);
        int64_t before = out->n_values;
        for (int l = 0; l < n; l++)
            if (isfinite(all->branched[i + chosen[l]].batch))
                add_points(out, panel + 1, l + 1, &all->branched[i + chosen[l]],
                           all->rule.tolerance, arena);
        panel += out->n_values > before;
    }
    return out;
}

static const char *caption(const Results *results, Arena *arena) {
    const Brancheds *all = &results->brancheds;
    Text text = text_new(arena);
    text_add(&text,
             "Mean over seeds of the smoothed %s at the end of a branch, above the best of the "
             "smaller batches. Large marks: the largest batch within the tolerance of %g nat "
             "(dashed), which is the critical batch at that point.",
             all->rule.loss == BRANCH_TRAIN_LOSS ? "training loss" : "validation loss",
             all->rule.tolerance);
    bool begun = false;
    for (int i = 0; i < all->n; i++) {
        const Branched *branched = &all->branched[i];
        if (isnan(branched->batch))
            continue;
        bool first = !begun || !same_trunk(branched, &all->branched[i - 1]);
        if (first)
            text_add(&text, "%s %s: ", begun ? "." : "", branched->label);
        begun = true;
        text_add(&text, "%s%s%s after %s examples", first ? "" : ", ",
                 branched->best == branched->n_points - 1 ? "at least " : "",
                 format_count(branched->batch, arena),
                 format_count((double)branched->at_examples, arena));
    }
    text_add(&text, ".");
    return text.data;
}

FIGURE_TYPE(branched) = {
    .kind = {.name = "branched",
             .summary = "Branched training: loss against the batch of a branch",
             .detail = "All branches of a point leave the same trunk and see the same number of "
                       "examples; the rate grows with the batch as the optimizer's does.",
             .reference = "Merrill et al. 2025, arXiv 2505.23971"},
    .missing = missing,
    .table = table,
    .caption = caption,
};
