/* Figures: each is one file that ends in one const struct, one line in figures.def, and one script
 * plots/NAME.gp that draws tables/NAME.tsv into figures/NAME.svg. */
#ifndef LAB_ANALYZE_FIGURE_H
#define LAB_ANALYZE_FIGURE_H

#include "lab/analyze/results.h"
#include "lab/analyze/table.h"
#include "lab/base/kind.h"

typedef struct FigureType {
    Kind kind; /* name; summary = heading; detail = how to read it */
    /* Why there is nothing to draw, as a sentence; NULL when the figure applies. */
    const char *(*missing)(const Results *results, Arena *arena);
    /* What is drawn. Only called when the figure applies. */
    Table *(*table)(const Results *results, Arena *arena);
    /* What is seen, in numbers. Only called when the figure applies. */
    const char *(*caption)(const Results *results, Arena *arena);
} FigureType;

#define FIGURE(name) FIGURE_ID_##name,
enum {
#include "lab/analyze/figures.def"
    FIGURE_N
};
#undef FIGURE
#define FIGURE_TYPE(name)                                                                          \
    extern const FigureType figure_##name;                                                         \
    _Static_assert(FIGURE_ID_##name >= 0, "line in figures.def");                                  \
    const FigureType figure_##name

extern const Kind *const figure_table[FIGURE_N];

/* Draws tables/NAME.tsv of `folder` into figures/NAME.FORMAT ("svg", "png", "pdf") for each of
 * `types` (n), written aside and renamed, as many at once as there are cores. Stops at the first
 * error: gnuplot is not there (code 66, with the package to install) or refuses, with its own
 * words.
 */
Error *figure_draw(const FigureType *const *types, int n, const char *folder, const char *format,
                   Arena *arena);

#endif
