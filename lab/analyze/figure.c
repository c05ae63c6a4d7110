#include "lab/analyze/figure.h"

#include "lab/analyze/gnuplot.h"
#include "lab/base/io.h"

#include <unistd.h>

#define FIGURE(name) extern const FigureType figure_##name;
#include "lab/analyze/figures.def"
#undef FIGURE

#define FIGURE(name) &figure_##name.kind,
const Kind *const figure_table[FIGURE_N] = {
#include "lab/analyze/figures.def"
};
#undef FIGURE

/* Adds which figure it was. */
static Error *blame(Error *error, const FigureType *type) {
    return error ? error_wrap(error, "drawing the figure '%s'", type->kind.name) : NULL;
}

static Error *begin(Gnuplot *out, const FigureType *type, const char *folder, const char *format,
                    Arena *arena) {
    const char *name = type->kind.name;
    return blame(gnuplot_begin(out, name, arena_print(arena, "%s/tables/%s.tsv", folder, name),
                               arena_print(arena, "%s/figures/%s", folder, name), format, arena),
                 type);
}

/* The first error is kept. */
static void keep(Error **first, Error *error) {
    if (*first && error)
        error_end(error);
    else if (error)
        *first = error;
}

Error *figure_draw(const FigureType *const *types, int n, const char *folder, const char *format,
                   Arena *arena) {
    enum { MOST = 8 };
    PASS(io_folder(arena_print(arena, "%s/figures", folder)));
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int side_by_side = cores < 1 ? 1 : cores < MOST ? (int)cores : MOST;
    Gnuplot running[MOST];
    Error *error = NULL;
    int begun = 0;
    for (int ended = 0; ended < begun || (begun < n && !error);) {
        if (begun < n && !error && begun - ended < side_by_side) {
            Error *failed = begin(&running[begun % MOST], types[begun], folder, format, arena);
            begun += !failed;
            keep(&error, failed);
        } else {
            keep(&error, blame(gnuplot_end(&running[ended % MOST], arena), types[ended]));
            ended++;
        }
    }
    return error;
}
