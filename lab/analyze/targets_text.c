/* What is known about several targets, in words and tables. */
#include "lab/analyze/format.h"
#include "lab/analyze/targets.h"
#include "lab/base/text.h"
#include "lab/train/metric.h"

#include <math.h>

const char *target_text(const Targets *targets, const Target *target, Arena *arena) {
    return metric_is_share(metric_find(targets->metric))
               ? arena_print(arena, "%.4g %%", 100 * target->value)
               : arena_print(arena, "%.4g", target->value);
}

static const TableColumn columns[] = {
    {"series", NULL},
    {"metric", NULL},
    {"target", "1"},
    {"own", "flag"},
    {"batches", "1"},
    {"B_crit", "examples"},
    {"B_crit_low", "examples"},
    {"B_crit_high", "examples"},
    {"E_min", "examples"},
    {"S_min", "steps"},
    {"R2", "1"},
    {"remark", NULL},
};

static void add_fit(Table *out, const Targets *targets, const Target *target, int l) {
    const TargetLine *line = &target->line[l];
    const Hyperbola *fit = &line->fit;
    bool known = line->missing == NULL;
    table_text(out, targets->lines->line[l].label);
    table_text(out, targets->metric);
    table_number(out, target->value);
    table_number(out, target->own);
    table_number(out, known ? (double)fit->n_batches : NAN);
    table_number(out, known ? fit->b_crit : NAN);
    table_number(out, known ? fit->b_crit_in.low : NAN);
    table_number(out, known ? fit->b_crit_in.high : NAN);
    table_number(out, known ? fit->e_min : NAN);
    table_number(out, known ? fit->s_min : NAN);
    table_number(out, known ? fit->r2 : NAN);
    table_text(out, !known ? line->missing : fit->unidentified ? fit->unidentified : "");
}

Table *targets_fits(const Targets *targets, Arena *arena) {
    Table *out = table_new("target_fits", columns, sizeof columns / sizeof *columns, arena);
    for (int l = 0; targets->n && l < targets->lines->n; l++)
        for (int t = 0; t < targets->n; t++)
            add_fit(out, targets, &targets->target[t], l);
    return out;
}

const char *targets_sentence(const Targets *targets, int l, Arena *arena) {
    Text text = text_new(arena);
    int n = 0;
    for (int t = 0; t < targets->n; t++) {
        const TargetLine *line = &targets->target[t].line[l];
        if (line->missing || !isfinite(line->fit.b_crit))
            continue;
        text_add(&text, "%s%s at %s", n++ ? ", " : "", format_number(line->fit.b_crit, arena),
                 target_text(targets, &targets->target[t], arena));
    }
    return n < 2 ? NULL
                 : arena_print(arena, "%s, critical batch by target: %s.",
                               targets->lines->line[l].label, text.data);
}
