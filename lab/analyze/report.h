/* The report: one self-contained HTML page from one set of results. */
#ifndef LAB_ANALYZE_REPORT_H
#define LAB_ANALYZE_REPORT_H

#include "lab/analyze/answer.h"
#include "lab/analyze/figure.h"
#include "lab/base/text.h"

#define REPORT_LISTINGS 7

typedef struct ReportFigure {
    const FigureType *type;
    const char *missing; /* why there is nothing to draw, or NULL: then the rest is set */
    Table *table;
    const char *caption;
    char *svg; /* (n_svg) bytes, NULL until it is drawn */
    size_t n_svg;
} ReportFigure;

typedef struct Report {
    const Results *results;
    Answer answer;
    Table *listing[REPORT_LISTINGS]; /* cells, disagreements, runs, target fits, search, search
                                        cells, tuned rates */
    ReportFigure figure[FIGURE_N];
} Report;

/* Everything but the drawn figures. */
Report *report_new(const Results *results, Arena *arena);

/* The page. Figures that were not drawn are named with the reason. The same results give the same
 * bytes. */
const char *report_html(const Report *report, Arena *arena);

/* ---- sections in files of their own */

/* What was searched, what won in every cell, and its warnings; nothing without a search. */
void report_search(Text *out, const Results *results, Arena *arena);
/* Counts by outcome, then every cell and run that did not go to plan. */
void report_outcomes(Text *out, const Results *results, Arena *arena);
/* Machine, build, libraries, times, and the command that makes the results again. */
void report_provenance(Text *out, const Results *results, Arena *arena);

#endif
