/* gnuplot as a subprocess: one script, one table in, one figure out. Several may run at once. */
#ifndef LAB_ANALYZE_GNUPLOT_H
#define LAB_ANALYZE_GNUPLOT_H

#include "lab/base/arena.h"
#include "lab/base/error.h"

#include <sys/types.h>

typedef struct Gnuplot {
    pid_t child;
    int said_fd; /* its stderr */
    const char *aside, *path;
} Gnuplot;

/* Starts plots/SCRIPT.gp with `table` and a figure's path as its arguments, without user settings
 * and with an empty environment. The figure is BASE.FORMAT; format is "svg", "png" or "pdf".
 * Errors: no gnuplot (code 66). */
Error *gnuplot_begin(Gnuplot *out, const char *script, const char *table, const char *base,
                     const char *format, Arena *arena);

/* Waits for it. The figure is written aside and renamed, so a failed run leaves the old one; the
 * error (code 1) is what gnuplot said. */
Error *gnuplot_end(const Gnuplot *gnuplot, Arena *arena);

#endif
