/* What did not go to plan, in full: a missed target and a diverged trial are results. */
#include "lab/analyze/report.h"

#include "lab/analyze/format.h"
#include "lab/analyze/html.h"
#include "lab/analyze/quality.h"

#define MAX_LISTED 100

static const char *outcome_words(Outcome outcome) {
    static const char *const words[OUTCOME_N] = {
        "reached the target", "ended with the budget spent", "diverged", "failed", "interrupted"};
    return words[outcome];
}

static void add_counts(Text *out, const Cells *cells, Arena *arena) {
    int n_of[OUTCOME_N] = {0}, n_trials = 0;
    for (int i = 0; i < cells->n_cells; i++) {
        n_trials += cells->cells[i].n_trials;
        for (int o = 0; o < OUTCOME_N; o++)
            n_of[o] += cells->cells[i].n_of[o];
    }
    const char *parts[OUTCOME_N];
    int n = 0;
    for (int o = 0; o < OUTCOME_N; o++)
        if (n_of[o])
            parts[n++] = arena_print(arena, "%d %s", n_of[o], outcome_words((Outcome)o));
    text_add(out, "<p>%s in %s: ", format_plural(n_trials, "trial", arena),
             format_plural(cells->n_cells, "cell", arena));
    html_text(out, n ? format_list(parts, n, arena) : "none trained to its end");
    text_add(out, ".</p>\n");
}

static bool to_plan(const Cell *cell) {
    int missed = cell->has_target ? cell->n_of[OUTCOME_BUDGET_SPENT] : 0;
    return missed + cell->n_of[OUTCOME_DIVERGED] + cell->n_of[OUTCOME_FAILED] +
               cell->n_of[OUTCOME_INTERRUPTED] ==
           0;
}

static void add_cell(Text *out, const Results *results, const Cell *cell, Arena *arena) {
    const char *parts[OUTCOME_N];
    int n = 0;
    for (int o = OUTCOME_BUDGET_SPENT; o < OUTCOME_N; o++)
        if (cell->n_of[o])
            parts[n++] = arena_print(arena, "%s in %d",
                                     o == OUTCOME_BUDGET_SPENT && cell->has_target
                                         ? "missed the target"
                                         : outcome_words((Outcome)o),
                                     cell->n_of[o]);
    text_add(out, "<li>");
    html_text(out, results->cells->series[cell->series].label);
    text_add(out, " at B = %s: %s of %s", format_count((double)cell->global_batch, arena),
             format_list(parts, n, arena), format_plural(cell->n_trials, "trial", arena));
    if (cell->n_of[OUTCOME_REACHED] == 0 && quality_best(cell) > 0)
        text_add(out, "; best %s %s", quality_noun(cell), quality_text(cell, arena));
    text_add(out, "</li>\n");
}

/* Runs that failed or were cut short, of both modes: their trial may have another run that ended
 * well. */
static void add_broken_runs(Text *out, const Results *results) {
    int n = 0;
    for (int i = 0; i < results->n_runs; i++) {
        Outcome outcome = results->runs[i].summary.outcome;
        if (outcome != OUTCOME_FAILED && outcome != OUTCOME_INTERRUPTED)
            continue;
        if (n++ == 0)
            text_add(out, "<p>Runs that failed or were interrupted:</p>\n<ul>\n");
        if (n > MAX_LISTED)
            continue;
        text_add(out, "<li><code>");
        html_text(out, results->runs[i].header.run_id);
        text_add(out, "</code> %s after %ld steps</li>\n", outcome_words(outcome),
                 (long)results->runs[i].summary.steps_run);
    }
    if (n > MAX_LISTED)
        text_add(out, "<li>and %d more, in tables/runs.tsv</li>\n", n - MAX_LISTED);
    if (n)
        text_add(out, "</ul>\n");
}

void report_outcomes(Text *out, const Results *results, Arena *arena) {
    const Cells *cells = results->cells;
    text_add(out, "<section id=\"outcomes\">\n<h2>Outcomes</h2>\n");
    add_counts(out, cells, arena);
    int n = 0;
    for (int i = 0; i < cells->n_cells; i++) {
        if (to_plan(&cells->cells[i]))
            continue;
        if (n++ == 0)
            text_add(out, "<ul>\n");
        if (n <= MAX_LISTED)
            add_cell(out, results, &cells->cells[i], arena);
    }
    if (n > MAX_LISTED)
        text_add(out, "<li>and %d more cells, in tables/cells.tsv</li>\n", n - MAX_LISTED);
    if (n)
        text_add(out, "</ul>\n");
    add_broken_runs(out, results);
    text_add(out, "</section>\n");
}
