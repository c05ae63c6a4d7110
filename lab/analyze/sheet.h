/* Sheet: a table of numbers from a text file that somebody else may have written. Tabs between the
 * cells; commas or spaces where the header has no tab. Lines that begin with # and empty lines are
 * passed over. */
#ifndef LAB_ANALYZE_SHEET_H
#define LAB_ANALYZE_SHEET_H

#include "lab/base/arena.h"
#include "lab/base/error.h"

#include <stdbool.h>

typedef struct Sheet {
    const char *path;
    Arena *arena;
    int n_columns, n_rows;
    const char **name; /* (n_columns) without a unit: "global_batch [examples]" is global_batch */
    const char **cell; /* (n_rows, n_columns) */
    int *line;         /* (n_rows) in the file, from 1 */
} Sheet;

/* Errors: no file (code 66), no header, a row with another number of cells (code 2). */
Error *sheet_load(Sheet *out, const char *path, Arena *arena);

/* Index of a column, -1 when there is none. */
int sheet_find(const Sheet *sheet, const char *name);

/* The numbers of a column (n_rows); NaN where the cell is empty, "NaN", "inf" or "-" and `holes`
 * are allowed. Errors (code 2): no such column, with the names there are; a cell that is no number,
 * with its line. */
Error *sheet_column(double **out, const Sheet *sheet, const char *name, bool holes);

#endif
