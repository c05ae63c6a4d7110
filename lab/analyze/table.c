#include "lab/analyze/table.h"

#include "lab/base/io.h"
#include "lab/base/json.h"
#include "lab/base/text.h"

#include <assert.h>
#include <math.h>
#include <string.h>

Table *table_new(const char *name, const TableColumn *columns, int n_columns, Arena *arena) {
    Table *table = ARENA_NEW(arena, Table);
    *table = (Table){.arena = arena, .name = name, .columns = columns, .n_columns = n_columns};
    return table;
}

static void add(Table *table, TableValue value) {
    if (table->n_values == table->room) {
        int64_t room = table->room ? 2 * table->room : 16 * table->n_columns;
        TableValue *values = ARENA_ARRAY(table->arena, TableValue, room);
        if (table->n_values)
            memcpy(values, table->values, sizeof(TableValue) * (size_t)table->n_values);
        table->values = values;
        table->room = room;
    }
    table->values[table->n_values++] = value;
}

void table_text(Table *table, const char *text) {
    char *safe = arena_copy(table->arena, text ? text : "");
    for (char *c = safe; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = ' ';
        else if (*c == '"')
            *c = '\'';
        else if (*c == '\\')
            *c = '/'; /* gnuplot would read an escape sequence */
    }
    add(table, (TableValue){.text = safe, .number = NAN});
}

void table_number(Table *table, double number) {
    add(table, (TableValue){.number = number});
}

int table_rows(const Table *table) {
    assert(table->n_values % table->n_columns == 0);
    return (int)(table->n_values / table->n_columns);
}

TableValue table_at(const Table *table, int row, int column) {
    assert(row >= 0 && row < table_rows(table) && column >= 0 && column < table->n_columns);
    return table->values[(int64_t)row * table->n_columns + column];
}

const char *table_head(const Table *table, int column, Arena *arena) {
    const TableColumn *head = &table->columns[column];
    if (!head->unit)
        return head->name;
    return arena_print(arena, "%s [%s]", head->name, head->unit);
}

static void add_value(Text *out, TableValue value) {
    char room[JSON_NUMBER_ROOM];
    if (value.text)
        text_add(out, "%s", value.text);
    else if (isfinite(value.number))
        text_add(out, "%s", json_number_text(value.number, room));
    else
        text_add(out, "NaN");
}

const char *table_tsv(const Table *table, Arena *arena) {
    Text out = text_new(arena);
    for (int c = 0; c < table->n_columns; c++)
        text_add(&out, "%s%s", c ? "\t" : "", table_head(table, c, arena));
    text_add(&out, "\n");
    int n = table_rows(table);
    for (int r = 0; r < n; r++) {
        for (int c = 0; c < table->n_columns; c++) {
            if (c)
                text_add(&out, "\t");
            add_value(&out, table_at(table, r, c));
        }
        text_add(&out, "\n");
    }
    return out.data;
}

Error *table_write(const Table *table, const char *folder, Arena *arena) {
    const char *path = arena_print(arena, "%s/%s.tsv", folder, table->name);
    const char *text = table_tsv(table, arena);
    TRY(io_write_as(IO_DERIVED, path, text, strlen(text)), "writing the table '%s'", table->name);
    return NULL;
}
