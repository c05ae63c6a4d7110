#include "lab/store/journal.h"

#include <endian.h>
#include <math.h>
#include <string.h>
#include <zlib.h>

#define MAGIC 0x314a4c42u /* "BLJ1" */

static void put32(uint8_t *to, uint32_t value) {
    value = htole32(value);
    memcpy(to, &value, sizeof value);
}

static uint32_t get32(const uint8_t *from) {
    uint32_t value;
    memcpy(&value, from, sizeof value);
    return le32toh(value);
}

void journal_put64(uint8_t *to, uint64_t value) {
    value = htole64(value);
    memcpy(to, &value, sizeof value);
}

uint64_t journal_get64(const uint8_t *from) {
    uint64_t value;
    memcpy(&value, from, sizeof value);
    return le64toh(value);
}

static uint32_t frame_crc(const uint8_t *frame, size_t n) {
    return (uint32_t)crc32_z(0, frame + 4, JOURNAL_HEAD - 4 + n);
}

size_t journal_seal(uint8_t *frame, FrameType type, size_t n) {
    put32(frame, MAGIC);
    put32(frame + 4, (uint32_t)type);
    put32(frame + 8, (uint32_t)n);
    put32(frame + JOURNAL_HEAD + n, (uint32_t)n);
    put32(frame + JOURNAL_HEAD + n + 4, frame_crc(frame, n));
    return JOURNAL_HEAD + n + JOURNAL_TAIL;
}

uint8_t *journal_pack(uint8_t *to, SchemaGroup group, const void *row) {
    for (int i = 0; i < schema_n_columns; i++) {
        const Column *column = &schema_columns[i];
        if (column->group != group)
            continue;
        uint64_t bits; /* int64 and double alike are their eight bytes */
        memcpy(&bits, (const char *)row + column->offset, sizeof bits);
        journal_put64(to, bits);
        to += 8;
    }
    return to;
}

bool journal_next(Frame *out, const uint8_t *bytes, size_t n, size_t offset) {
    if (offset > n || n - offset < JOURNAL_HEAD + JOURNAL_TAIL)
        return false;
    const uint8_t *frame = bytes + offset;
    size_t length = get32(frame + 8);
    if (get32(frame) != MAGIC || length > n - offset - JOURNAL_HEAD - JOURNAL_TAIL)
        return false;
    const uint8_t *tail = frame + JOURNAL_HEAD + length;
    if (get32(tail) != length || get32(tail + 4) != frame_crc(frame, length))
        return false;
    *out = (Frame){.type = get32(frame + 4),
                   .payload = frame + JOURNAL_HEAD,
                   .n = length,
                   .end = offset + JOURNAL_HEAD + length + JOURNAL_TAIL,
                   .crc = get32(tail + 4)};
    return true;
}

bool journal_last(Frame *out, const uint8_t *bytes, size_t n) {
    if (n < JOURNAL_HEAD + JOURNAL_TAIL)
        return false;
    size_t length = get32(bytes + n - JOURNAL_TAIL);
    if (length > n - JOURNAL_HEAD - JOURNAL_TAIL)
        return false;
    return journal_next(out, bytes, n, n - JOURNAL_HEAD - JOURNAL_TAIL - length);
}

Json *journal_columns_write(SchemaGroup group, Arena *arena) {
    Json *list = json_array(arena);
    for (int i = 0; i < schema_n_columns; i++) {
        const Column *column = &schema_columns[i];
        if (column->group != group)
            continue;
        const char *text =
            arena_print(arena, "%s:%s", column->name, schema_type_name(column->type));
        json_add(list, NULL, json_text(text, arena), arena);
    }
    return list;
}

static const Column *find_column(SchemaGroup group, const char *name, size_t n) {
    for (int i = 0; i < schema_n_columns; i++) {
        const Column *column = &schema_columns[i];
        if (column->group == group && strlen(column->name) == n &&
            memcmp(column->name, name, n) == 0)
            return column;
    }
    return NULL;
}

static Error *read_column(JournalColumns *columns, const Json *item) {
    const char *colon = item->kind == JSON_TEXT ? strchr(item->text, ':') : NULL;
    bool is_int = colon && strcmp(colon + 1, schema_type_name(COLUMN_INT64)) == 0;
    if (!is_int && !(colon && strcmp(colon + 1, schema_type_name(COLUMN_DOUBLE)) == 0))
        return json_error(item, "must be a column, \"NAME:int64\" or \"NAME:double\"");
    columns->type[columns->n] = is_int ? COLUMN_INT64 : COLUMN_DOUBLE;
    columns->column[columns->n++] =
        find_column(columns->group, item->text, (size_t)(colon - item->text));
    return NULL;
}

Error *journal_columns_read(JournalColumns *out, SchemaGroup group, const Json *list,
                            Arena *arena) {
    *out = (JournalColumns){.group = group};
    if (list == NULL)
        return NULL;
    if (list->kind != JSON_ARRAY)
        return json_error(list, "must be a list of columns");
    out->column = ARENA_ARRAY(arena, const Column *, list->n);
    out->type = ARENA_ARRAY(arena, ColumnType, list->n);
    JSON_EACH (item, list)
        PASS(read_column(out, item));
    return NULL;
}

static void set_absent(void *row, SchemaGroup group) {
    memset(row, 0, schema_row_bytes(group));
    for (int i = 0; i < schema_n_columns; i++) {
        const Column *column = &schema_columns[i];
        if (column->group == group && column->type == COLUMN_DOUBLE)
            memcpy((char *)row + column->offset, &(double){NAN}, sizeof(double));
    }
}

/* A value of the other type: an int64 that became a double or the reverse. */
static uint64_t convert(uint64_t bits, ColumnType stored) {
    double number;
    memcpy(&number, &bits, sizeof number);
    if (stored == COLUMN_DOUBLE) {
        bool fits = number >= -0x1p63 && number < 0x1p63; /* false for NaN */
        return fits ? (uint64_t)(int64_t)number : 0;
    }
    number = (double)(int64_t)bits;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

void journal_unpack(void *row, const JournalColumns *columns, const uint8_t *from) {
    set_absent(row, columns->group);
    for (int i = 0; i < columns->n; i++, from += 8) {
        const Column *column = columns->column[i];
        if (column == NULL)
            continue;
        uint64_t bits = journal_get64(from);
        if (columns->type[i] != column->type)
            bits = convert(bits, columns->type[i]);
        memcpy((char *)row + column->offset, &bits, sizeof bits);
    }
}
