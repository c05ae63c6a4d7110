#include "lab/analyze/report.h"

#include "lab/analyze/format.h"
#include "lab/analyze/html.h"
#include "lab/analyze/listing.h"

#include <math.h>
#include <string.h>

#define MAX_ROWS 200 /* of a table in the page */

Report *report_new(const Results *results, Arena *arena) {
    Report *report = ARENA_NEW(arena, Report);
    report->results = results;
    report->answer = answer_make(results, arena);
    Table *listing[REPORT_LISTINGS] = {
        listing_cells(results, arena),      listing_disagreements(results, arena),
        listing_runs(results, arena),       targets_fits(&results->targets, arena),
        listing_search(results, arena),     listing_search_cells(results, arena),
        tuned_fits(&results->tuned, arena),
    };
    memcpy(report->listing, listing, sizeof listing);
    for (int f = 0; f < FIGURE_N; f++) {
        const FigureType *type =
            (const FigureType *)figure_table[f]; /* types begin with their kind */
        ReportFigure *figure = &report->figure[f];
        *figure = (ReportFigure){.type = type, .missing = type->missing(results, arena)};
        if (figure->missing)
            continue;
        figure->table = type->table(results, arena);
        figure->caption = type->caption(results, arena);
    }
    return report;
}

static void add_answer(Text *out, const Report *report) {
    const Results *results = report->results;
    text_add(out, "<header>\n");
    html_element(out, "h1", results->name);
    html_element(out, "p class=\"question\"", results->question);
    text_add(out, "</header>\n<section id=\"answer\">\n");
    html_element(out, "p class=\"answer\"", report->answer.headline);
    text_add(out, "<ul>\n");
    for (int i = 0; i < report->answer.n; i++)
        html_element(out, "li", report->answer.sentence[i]);
    text_add(out, "</ul>\n");
    bool has_target = results->cells->n_cells && results->cells->cells[0].has_target;
    if (has_target)
        text_add(out,
                 "<p class=\"note\">A batch pays while it needs at most %.0f %% more examples than "
                 "the smallest one "
                 "that reached the target (%s %g). Numbers are medians over seeds; a trial that "
                 "missed counts as "
                 "later than all others.</p>\n",
                 100 * (ANSWER_OVERHEAD - 1), results->cells->cells[0].first->header.metric,
                 results->cells->cells[0].first->header.target);
    text_add(out, "</section>\n");
}

static void add_verdict(Text *out, const Report *report, Arena *arena) {
    const Invariance *invariance = &report->results->invariance;
    const char *mood = invariance->n_disagreements ? "verdict bad"
                       : invariance->n_runs        ? "verdict good"
                                                   : "verdict";
    text_add(out, "<section id=\"invariance\" class=\"%s\">\n<strong>One trajectory:</strong> ",
             mood);
    html_text(out, invariance_sentence(invariance, arena));
    text_add(out, ".\n");
    if (invariance->n_disagreements)
        html_table(out, report->listing[1], MAX_ROWS, arena);
    text_add(out, "</section>\n");
}

static const TableColumn critical_columns[] = {
    {"series", NULL},
    {"estimator", NULL},
    {"batch", "examples"},
    {"interval_or_range", NULL},
};

static const TableColumn target_columns[] = {
    {"series", NULL},        {"target", NULL},      {"batches", "1"},   {"B_crit", "examples"},
    {"90_%_interval", NULL}, {"E_min", "examples"}, {"S_min", "steps"},
};

static const char *interval_text(double low, double high, Arena *arena) {
    if (isnan(low) && isnan(high))
        return "-";
    return arena_print(arena, "%s to %s", isnan(low) ? "?" : format_number(low, arena),
                       isnan(high) ? "?" : format_number(high, arena));
}

/* One fit per target: the critical batch grows as the target gets harder. */
static void add_critical_by_target(Text *out, const Report *report, Arena *arena) {
    const Targets *targets = &report->results->targets;
    if (targets->n < 2)
        return;
    Table *table = table_new("target_fits", target_columns,
                             sizeof target_columns / sizeof *target_columns, arena);
    for (int l = 0; l < targets->lines->n; l++)
        for (int t = 0; t < targets->n; t++) {
            const TargetLine *line = &targets->target[t].line[l];
            if (line->missing)
                continue;
            table_text(table, targets->lines->line[l].label);
            table_text(table, target_text(targets, &targets->target[t], arena));
            table_number(table, line->fit.n_batches);
            table_number(table, line->fit.b_crit);
            table_text(table,
                       interval_text(line->fit.b_crit_in.low, line->fit.b_crit_in.high, arena));
            table_number(table, line->fit.e_min);
            table_number(table, line->fit.s_min);
        }
    if (table_rows(table) == 0)
        return;
    text_add(out, "<h3>By target</h3>\n<p class=\"note\">From the same runs: a lesser target "
                  "counts from the first evaluation that shows it.</p>\n");
    html_table(out, table, MAX_ROWS, arena);
}

/* The estimators side by side; the remarks are too wide for a page, and stand in the answer and in
 * the details below. */
static void add_critical(Text *out, const Report *report, Arena *arena) {
    const Table *all = report->figure[FIGURE_ID_critical_batch].table;
    if (!all)
        return;
    Table *table = table_new("critical_batch", critical_columns,
                             sizeof critical_columns / sizeof *critical_columns, arena);
    for (int r = 0; r < table_rows(all); r++) {
        double low = table_at(all, r, 3).number, high = table_at(all, r, 4).number;
        const char *kind = table_at(all, r, 5).text;
        table_text(table, table_at(all, r, 0).text);
        table_text(table, table_at(all, r, 1).text);
        table_number(table, table_at(all, r, 2).number);
        const char *interval = interval_text(low, high, arena);
        table_text(table,
                   *interval == '-' ? interval : arena_print(arena, "%s (%s)", interval, kind));
    }
    text_add(out, "<section id=\"critical\">\n<h2>The critical batch by every estimator</h2>\n");
    html_table(out, table, MAX_ROWS, arena);
    add_critical_by_target(out, report, arena);
    text_add(out, "</section>\n");
}

static const TableColumn key_columns[] = {
    {"series", NULL},
    {"global_batch", "examples"},
    {"reached_target", NULL},
    {"steps_to_target", "median (range)"},
    {"examples_to_target", "median"},
    {"examples_against_smallest_batch", "times"},
    {"test_accuracy", "%"},
    {"fastest_layout", NULL},
    {"training_to_target", "s"},
};

/* "41 (40-43)" */
static const char *spread_text(const Spread *spread, Arena *arena) {
    if (!isfinite(spread->median))
        return spread->n ? arena_print(arena, "- (%s-never)", format_count(spread->low, arena))
                         : "-";
    if (spread->low == spread->high)
        return format_count(spread->median, arena);
    return arena_print(arena, "%s (%s-%s)", format_count(spread->median, arena),
                       format_count(spread->low, arena), format_count(spread->high, arena));
}

/* "2 of 2", "0 of 2, 1 diverged" */
static const char *reached_text(const Cell *cell, Arena *arena) {
    const char *text = arena_print(arena, "%d of %d", cell->n_of[OUTCOME_REACHED], cell->n_trials);
    for (int o = OUTCOME_DIVERGED; o < OUTCOME_N; o++)
        if (cell->n_of[o])
            text = arena_print(arena, "%s, %d %s", text, cell->n_of[o], outcome_name((Outcome)o));
    if (cell->selected)
        text = arena_print(arena, "%s (the search's own run)", text);
    return text;
}

static void add_key_row(Table *table, const Report *report, const Series *series, const Cell *cell,
                        double base, Arena *arena) {
    const Timing *fastest = listing_fastest(report->results, cell, arena);
    table_text(table, series->label);
    table_number(table, (double)cell->global_batch);
    table_text(table, reached_text(cell, arena));
    table_text(table, spread_text(&cell->steps, arena));
    table_number(table, cell->examples.median);
    table_number(table, cell->examples.median / base);
    table_number(table, 100 * cell->test_accuracy.median);
    table_text(table, fastest ? format_plural(fastest->replicas, "replica", arena) : "-");
    table_number(table, fastest ? fastest->step_s * cell->steps.median : NAN);
}

/* The cells as a person wants them; every column of every cell is in the details below. */
static void add_key_table(Text *out, const Report *report, Arena *arena) {
    const Cells *cells = report->results->cells;
    if (cells->n_cells == 0)
        return;
    Table *table = table_new("cells", key_columns, sizeof key_columns / sizeof *key_columns, arena);
    for (int s = 0; s < cells->n_series; s++) {
        double base = NAN;
        for (int i = 0; i < cells->series[s].n_cells; i++) {
            const Cell *cell = &cells->series[s].cells[i];
            if (!isfinite(base))
                base = cell->examples.median;
            add_key_row(table, report, &cells->series[s], cell, base, arena);
        }
    }
    text_add(out, "<section id=\"cells\">\n<h2>Every cell</h2>\n");
    html_table(out, table, MAX_ROWS, arena);
    text_add(out, "</section>\n");
}

static void add_figure(Text *out, const ReportFigure *figure) {
    const Kind *kind = &figure->type->kind;
    text_add(out, "<figure id=\"figure-%s\">\n", kind->name);
    html_element(out, "h3", kind->summary);
    if (figure->svg)
        html_svg(out, figure->svg, figure->n_svg, figure->caption);
    else
        text_add(out,
                 "<p class=\"note\">Not drawn: gnuplot is missing or refused. The table is in "
                 "tables/%s.tsv.</p>\n",
                 kind->name);
    text_add(out, "<figcaption>");
    html_text(out, figure->caption);
    if (kind->detail) {
        text_add(out, " ");
        html_text(out, kind->detail);
    }
    if (kind->reference) {
        text_add(out, " After ");
        html_text(out, kind->reference);
        text_add(out, ".");
    }
    text_add(out, "</figcaption>\n</figure>\n");
}

static void add_figures(Text *out, const Report *report) {
    text_add(out, "<section id=\"figures\">\n<h2>Figures</h2>\n");
    for (int f = 0; f < FIGURE_N; f++)
        if (!report->figure[f].missing)
            add_figure(out, &report->figure[f]);
    for (int f = 0; f < FIGURE_N; f++) {
        const ReportFigure *figure = &report->figure[f];
        if (!figure->missing)
            continue;
        text_add(out, "<p class=\"note\">Left out: ");
        html_text(out, figure->type->kind.summary);
        text_add(out, ", because ");
        html_text(out, figure->missing);
        text_add(out, ".</p>\n");
    }
    text_add(out, "</section>\n");
}

static void add_details(Text *out, const Table *table, Arena *arena) {
    int n = table_rows(table);
    if (n == 0)
        return;
    text_add(out,
             "<details><summary>%s <span class=\"note\">(%s, tables/%s.tsv)</span></summary>\n",
             table->name, format_plural(n, "row", arena), table->name);
    html_table(out, table, MAX_ROWS, arena);
    text_add(out, "</details>\n");
}

static void add_tables(Text *out, const Report *report, Arena *arena) {
    text_add(out, "<section id=\"tables\">\n<h2>Tables</h2>\n");
    for (int i = 0; i < REPORT_LISTINGS; i++)
        add_details(out, report->listing[i], arena);
    for (int f = 0; f < FIGURE_N; f++)
        if (report->figure[f].table)
            add_details(out, report->figure[f].table, arena);
    text_add(out, "</section>\n");
}

const char *report_html(const Report *report, Arena *arena) {
    Text out = text_new(arena);
    html_begin(&out, arena_print(arena, "%s - batchlab", report->results->name));
    add_answer(&out, report);
    add_verdict(&out, report, arena);
    add_key_table(&out, report, arena);
    report_search(&out, report->results, arena);
    add_figures(&out, report);
    add_critical(&out, report, arena);
    report_outcomes(&out, report->results, arena);
    add_tables(&out, report, arena);
    report_provenance(&out, report->results, arena);
    html_end(&out);
    return out.data;
}
