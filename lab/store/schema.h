/* The columns of a run, tabulated from schema.def: the one place that names them. */
#ifndef LAB_STORE_SCHEMA_H
#define LAB_STORE_SCHEMA_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

typedef enum { GROUP_STEPS, GROUP_EVAL, GROUP_LAYERS, GROUP_CURVATURE, GROUP_N } SchemaGroup;
typedef enum { COLUMN_INT64, COLUMN_DOUBLE } ColumnType;

typedef struct Column {
    SchemaGroup group;
    const char *name;
    ColumnType type;
    size_t offset; /* in StepRow, EvalRow, ... */
    const char *unit;
    bool trajectory; /* part of the digest */
    double left_out; /* HDF5 files do without the column where every row has this value, */
    const char *meaning;
} Column;

#define COLUMN_ALWAYS INFINITY /* unless it is this one */

#define SCHEMA_VERSION 1
extern const Column schema_columns[];
extern const int schema_n_columns;
const char *schema_group_name(SchemaGroup group); /* "steps", "eval", ... */
bool schema_may_lack(const Column *column);       /* whether HDF5 files may do without it */
const char *schema_type_name(ColumnType type);    /* "int64", "double" */
size_t schema_row_bytes(SchemaGroup group);       /* sizeof StepRow, ... */
int schema_count(SchemaGroup group);              /* columns of a group */

#endif
