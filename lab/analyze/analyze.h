/* The analysis of an experiment folder: what the commands fit, plot, report and export call. */
#ifndef LAB_ANALYZE_ANALYZE_H
#define LAB_ANALYZE_ANALYZE_H

#include "lab/analyze/targets.h"
#include "lab/base/arena.h"
#include "lab/base/error.h"
#include "lab/store/run.h"

/* All of them read the runs of `folder` (results/NAME). Errors: no such folder or no run in it
 * (code 66), disk trouble (code 74). Results are a function of the runs alone: the same runs give
 * the same bytes.
 * `asked` are the targets that tables and figures read off the runs beside their own, NULL: the
 * lab's choice. Error (2) when they cannot be, before anything is written. */

/* Writes tables/NAME.tsv: runs, cells, disagreements, and one for every figure that applies. */
Error *analyze_tables(const char *folder, const TargetsAsked *asked, Arena *arena);

/* Writes the tables and draws figures/NAME.FORMAT from them: "svg", "png" or "pdf". Without
 * gnuplot: an error (code 66) that says what to install, after the tables are written. */
Error *analyze_figures(const char *folder, const char *format, const TargetsAsked *asked,
                       Arena *arena);

/* Writes tables, figures and report.html; *path is FOLDER/report.html. Without gnuplot the report
 * is written with its tables, and the error is returned. */
Error *analyze_report(const char *folder, const TargetsAsked *asked, char **path, Arena *arena);
/* The same when the folder's runs (n) have been read already. */
Error *analyze_report_of(const char *folder, const RunRecord *runs, int n,
                         const TargetsAsked *asked, char **path, Arena *arena);

/* Every run as one object of a JSON array, or one line of tab-separated text with a header:
 * identification, layout, summary, digests. */
Error *analyze_list(Json **out, const char *folder, Arena *arena);
Error *analyze_list_tsv(const char **out, const char *folder, Arena *arena);

#endif
