#include "lab/store/schema.h"

#include "lab/train/record.h"

#include <stdint.h>

#define ROW_STEPS StepRow
#define ROW_EVAL EvalRow
#define ROW_LAYERS LayerRow
#define ROW_CURVATURE CurvatureRow

#define ALWAYS COLUMN_ALWAYS
#define COLUMN(group, field, type, unit, trajectory, left_out, meaning)                            \
    {GROUP_##group, #field,     COLUMN_##type, offsetof(ROW_##group, field),                       \
     unit,          trajectory, left_out,      meaning},
const Column schema_columns[] = {
#include "lab/store/schema.def"
};
#undef COLUMN

const int schema_n_columns = (int)(sizeof schema_columns / sizeof schema_columns[0]);

/* A field of record.h without its line in schema.def is a compile error. */
#define COLUMN(group, field, type, unit, trajectory, left_out, meaning)                            \
    +sizeof(((ROW_##group *)0)->field)
_Static_assert(sizeof(StepRow) + sizeof(EvalRow) + sizeof(LayerRow) + sizeof(CurvatureRow) == 0
#include "lab/store/schema.def"
               ,
               "every field of the rows has a line in schema.def");
#undef COLUMN

const char *schema_group_name(SchemaGroup group) {
    static const char *const names[GROUP_N] = {"steps", "eval", "layers", "curvature"};
    return names[group];
}

bool schema_may_lack(const Column *column) {
    return !isinf(column->left_out);
}

const char *schema_type_name(ColumnType type) {
    return type == COLUMN_INT64 ? "int64" : "double";
}

size_t schema_row_bytes(SchemaGroup group) {
    static const size_t bytes[GROUP_N] = {sizeof(StepRow), sizeof(EvalRow), sizeof(LayerRow),
                                          sizeof(CurvatureRow)};
    return bytes[group];
}

int schema_count(SchemaGroup group) {
    int n = 0;
    for (int i = 0; i < schema_n_columns; i++)
        n += schema_columns[i].group == group;
    return n;
}
