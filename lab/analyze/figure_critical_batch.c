/* The critical batch by every estimator, side by side. */
#include "lab/analyze/figure.h"
#include "lab/analyze/format.h"
#include "lab/base/text.h"

#include <math.h>
#include <string.h>

static const char *missing(const Results *results, Arena *arena) {
    return table_rows(critical_table(&results->criticals, &results->brancheds, arena))
               ? NULL
               : "no estimator of the critical batch has what it needs: a target that every seed "
                 "reaches at three batch sizes, noise scales of a run that reached it, or branches";
}

static Table *table(const Results *results, Arena *arena) {
    return critical_table(&results->criticals, &results->brancheds, arena);
}

static const char *caption(const Results *results, Arena *arena) {
    Text text = text_new(arena);
    text_add(&text, "Dots with 90 %% intervals (thick) or with the range over seeds or between "
                    "neighbouring batches (thin); an arrow: nothing bounds that side.");
    for (int c = 0; c < results->criticals.n; c++) {
        const Critical *critical = &results->criticals.critical[c];
        double fit = critical->fit.b_crit, noise = critical->prediction.b_crit;
        if (critical->missing || !isfinite(fit) || !isfinite(noise))
            continue;
        text_add(&text,
                 " %s: the noise scale of B = %s alone predicts %s, %s times what the fit "
                 "finds.",
                 critical->label, format_count((double)critical->prediction.global_batch, arena),
                 format_number(noise, arena), format_number(noise / fit, arena));
    }
    return text.data;
}

FIGURE_TYPE(critical_batch) = {
    .kind = {.name = "critical_batch",
             .summary = "The critical batch by every estimator",
             .detail = "They measure different things, so they need not agree: the fit where "
                       "examples to the target double, the 20 % point where they have grown by a "
                       "fifth, the noise scale what gradients of one batch say, branched training "
                       "what a larger batch would lose from here on.",
             .reference = "Merrill et al. 2025, arXiv 2505.23971"},
    .missing = missing,
    .table = table,
    .caption = caption,
};
