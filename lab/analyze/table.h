/* Table: rows under named columns with units. One table is one tables/NAME.tsv, what its figure
 * draws, and one table of the report, so the three cannot disagree. */
#ifndef LAB_ANALYZE_TABLE_H
#define LAB_ANALYZE_TABLE_H

#include "lab/base/arena.h"
#include "lab/base/error.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct TableColumn {
    const char *name;
    const char *unit; /* "1" for pure numbers, NULL for texts */
} TableColumn;

typedef struct TableValue {
    const char *text; /* NULL: `number` counts */
    double number;    /* NaN: missing */
} TableValue;

typedef struct Table {
    Arena *arena;
    const char *name;
    const TableColumn *columns; /* (n_columns), owned by the caller */
    int n_columns;
    int64_t n_values, room;
    TableValue *values; /* row-major; the last row may still be filling */
} Table;

/* An empty table; `name` becomes the file's name. `columns` must outlive it. */
Table *table_new(const char *name, const TableColumn *columns, int n_columns, Arena *arena);

/* The next value of the current row, left to right. Texts are copied; tabs, line ends, control
 * characters and double quotes in them are replaced, so that no reader of the file mistakes them.
 */
void table_text(Table *table, const char *text);
void table_number(Table *table, double number);

int table_rows(const Table *table);
TableValue table_at(const Table *table, int row, int column);

/* The header cell of a column: "name" or "name [unit]". */
const char *table_head(const Table *table, int column, Arena *arena);

/* Tab-separated text: a header line, then a line a row; numbers read back to the same bits, missing
 * is NaN. */
const char *table_tsv(const Table *table, Arena *arena);

/* Writes FOLDER/NAME.tsv. */
Error *table_write(const Table *table, const char *folder, Arena *arena);

#endif
