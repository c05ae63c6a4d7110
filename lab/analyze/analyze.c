#include "lab/analyze/analyze.h"

#include "lab/analyze/figure.h"
#include "lab/analyze/listing.h"
#include "lab/analyze/report.h"
#include "lab/base/io.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A figure that applied earlier and does not any more must not stay in the folder. */
static Error *remove_stale(const char *path) {
    if (remove(path) != 0 && errno != ENOENT)
        return error_new(CODE_IO, "cannot remove '%s': %s", path, strerror(errno));
    return NULL;
}

static Error *write_tables(Report *report, const char *folder, Arena *arena) {
    const char *tables = arena_print(arena, "%s/tables", folder);
    static const char *const formats[] = {"svg", "png", "pdf"};
    PASS(io_folder(tables));
    for (int i = 0; i < REPORT_LISTINGS; i++)
        PASS(table_write(report->listing[i], tables, arena));
    for (int f = 0; f < FIGURE_N; f++) {
        ReportFigure *figure = &report->figure[f];
        if (!figure->missing) {
            PASS(table_write(figure->table, tables, arena));
            continue;
        }
        PASS(remove_stale(arena_print(arena, "%s/%s.tsv", tables, figure->type->kind.name)));
        for (int i = 0; i < 3; i++)
            PASS(remove_stale(arena_print(arena, "%s/figures/%s.%s", folder,
                                          figure->type->kind.name, formats[i])));
    }
    return NULL;
}

static Error *draw_figures(Report *report, const char *folder, const char *format, Arena *arena) {
    const FigureType *types[FIGURE_N];
    int n = 0;
    for (int f = 0; f < FIGURE_N; f++)
        if (!report->figure[f].missing)
            types[n++] = report->figure[f].type;
    return figure_draw(types, n, folder, format, arena);
}

/* The page carries its figures inside. */
static Error *draw_for_page(Report *report, const char *folder, Arena *arena) {
    PASS(draw_figures(report, folder, "svg", arena));
    for (int f = 0; f < FIGURE_N; f++) {
        ReportFigure *figure = &report->figure[f];
        const char *path = arena_print(arena, "%s/figures/%s.svg", folder, figure->type->kind.name);
        if (!figure->missing)
            PASS(io_read(&figure->svg, &figure->n_svg, path, arena));
    }
    return NULL;
}

static Error *new_report(Report **out, Results *results, const TargetsAsked *asked, Arena *arena) {
    if (asked)
        PASS(results_ask(results, asked, arena));
    *out = report_new(results, arena);
    return NULL;
}

static Error *load(Report **out, const char *folder, const TargetsAsked *asked, Arena *arena) {
    Results *results;
    PASS(results_load(&results, folder, arena));
    return new_report(out, results, asked, arena);
}

Error *analyze_tables(const char *folder, const TargetsAsked *asked, Arena *arena) {
    Report *report;
    PASS(load(&report, folder, asked, arena));
    return write_tables(report, folder, arena);
}

Error *analyze_figures(const char *folder, const char *format, const TargetsAsked *asked,
                       Arena *arena) {
    Report *report;
    PASS(load(&report, folder, asked, arena));
    PASS(write_tables(report, folder, arena));
    return draw_figures(report, folder, format, arena);
}

Error *analyze_report_of(const char *folder, const RunRecord *runs, int n,
                         const TargetsAsked *asked, char **path, Arena *arena) {
    Results *results;
    Report *report;
    PASS(results_from(&results, folder, runs, n, arena));
    PASS(new_report(&report, results, asked, arena));
    PASS(write_tables(report, folder, arena));
    Error *undrawn = draw_for_page(report, folder, arena);
    *path = arena_print(arena, "%s/report.html", folder);
    const char *html = report_html(report, arena);
    Error *error = io_write_as(IO_DERIVED, *path, html, strlen(html));
    if (!error)
        return undrawn;
    if (undrawn)
        error_end(undrawn); /* the full disk that ate the report is the news */
    return error_wrap(error, "writing the report");
}

Error *analyze_report(const char *folder, const TargetsAsked *asked, char **path, Arena *arena) {
    RunRecord *runs;
    int n;
    PASS(run_load_all(&runs, &n, folder, arena));
    return analyze_report_of(folder, runs, n, asked, path, arena);
}

Error *analyze_list(Json **out, const char *folder, Arena *arena) {
    Results *results;
    PASS(results_load(&results, folder, arena));
    *out = listing_json(listing_runs(results, arena), arena);
    return NULL;
}

Error *analyze_list_tsv(const char **out, const char *folder, Arena *arena) {
    Results *results;
    PASS(results_load(&results, folder, arena));
    *out = table_tsv(listing_runs(results, arena), arena);
    return NULL;
}
