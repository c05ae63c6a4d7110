#include "lab/analyze/figure.h"

#include "lab/analyze/gnuplot.h"
#include "lab/base/io.h"

#define FIGURE(name) extern const FigureType figure_##name;
#include "lab/analyze/figures.def"
#undef FIGURE

#define FIGURE(name) &figure_##name.kind,
const Kind *const figure_table[FIGURE_N] = {
#include "lab/analyze/figures.def"
};
#undef FIGURE

Error *figure_draw(const FigureType *type, const char *folder, const char *format, Arena *arena) {
    const char *name = type->kind.name;
    const char *figures = arena_print(arena, "%s/figures", folder);
    PASS(io_folder(figures));
    TRY(gnuplot_draw(name, arena_print(arena, "%s/tables/%s.tsv", folder, name),
                     arena_print(arena, "%s/%s", figures, name), format, arena),
        "drawing the figure '%s'", name);
    return NULL;
}
