/* gnuplot as a subprocess: one script, one table in, one figure out. */
#ifndef LAB_ANALYZE_GNUPLOT_H
#define LAB_ANALYZE_GNUPLOT_H

#include "lab/base/arena.h"
#include "lab/base/error.h"

/* Runs plots/SCRIPT.gp with `table` and a figure's path as its arguments, without user settings and
 * with an empty environment. The figure is BASE.FORMAT; format is "svg", "png" or "pdf". It is
 * written aside and renamed, so a failed run leaves the old one. Errors: no gnuplot (code 66), or
 * what gnuplot said (code 1). */
Error *gnuplot_draw(const char *script, const char *table, const char *base, const char *format,
                    Arena *arena);

#endif
