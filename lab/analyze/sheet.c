#include "lab/analyze/sheet.h"

#include "lab/base/io.h"
#include "lab/base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_COLUMNS 256

/* Cuts spaces at both ends, in place. */
static char *trimmed(char *text) {
    while (*text == ' ' || *text == '\r' || *text == '\t')
        text++;
    size_t n = strlen(text);
    while (n > 0 && strchr(" \r\t", text[n - 1]))
        text[--n] = '\0';
    return text;
}

/* What stands between cells: the first of tab, comma, space that the header holds. */
static char separator_of(const char *header) {
    return strchr(header, '\t') ? '\t' : strchr(header, ',') ? ',' : ' ';
}

/* Cuts a line into cells, in place. Returns how many. Between spaces a unit in brackets stays with
 * its name. */
static int split(const char **cell, char *line, char separator) {
    int n = 0;
    char *at = line;
    while (n < MAX_COLUMNS) {
        if (separator == ' ')
            at += strspn(at, " ");
        char *end = at;
        int depth = 0;
        while (*end && (*end != separator || depth > 0)) {
            depth += (*end == '[') - (*end == ']');
            end++;
        }
        bool last = *end == '\0';
        *end = '\0';
        if (separator != ' ' || *at)
            cell[n++] = trimmed(at);
        if (last)
            break;
        at = end + 1;
        if (separator == ' ' && at[strspn(at, " ")] == '[') /* "name [unit]": the unit is no cell */
            at = strchr(at, ']') ? strchr(at, ']') + 1 : at + strlen(at);
    }
    return n;
}

static const char *without_unit(const char *name, Arena *arena) {
    const char *unit = strchr(name, '[');
    char *out = arena_copy_n(arena, name, unit ? (size_t)(unit - name) : strlen(name));
    out = trimmed(out);
    size_t n = strlen(out);
    if (n >= 2 && out[0] == '"' && out[n - 1] == '"') {
        out[n - 1] = '\0';
        out++;
    }
    return out;
}

static bool is_number(const char *text) {
    char *end;
    strtod(text, &end);
    return end != text && *end == '\0';
}

static Error *read_header(Sheet *out, char *line, char separator, Arena *arena) {
    const char *cell[MAX_COLUMNS];
    out->n_columns = split(cell, line, separator);
    out->name = ARENA_ARRAY(arena, const char *, out->n_columns);
    for (int c = 0; c < out->n_columns; c++) {
        if (is_number(cell[c]))
            return error_hint(error_new(CODE_USAGE,
                                        "'%s' begins with the number %s instead of a header line",
                                        out->path, cell[c]),
                              "put the column names on its first line, such as global_batch and "
                              "examples_to_target, "
                              "with a tab between them");
        out->name[c] = without_unit(cell[c], arena);
    }
    return NULL;
}

static Error *read_row(Sheet *out, char *line, char separator, int number) {
    const char *cell[MAX_COLUMNS];
    int n = split(cell, line, separator);
    if (n != out->n_columns)
        return error_hint(error_new(CODE_USAGE, "'%s' line %d has %d cell%s, its header %d",
                                    out->path, number, n, n == 1 ? "" : "s", out->n_columns),
                          "give every row one cell a column; write NaN where there is no number");
    for (int c = 0; c < n; c++)
        out->cell[out->n_rows * n + c] = cell[c];
    out->line[out->n_rows++] = number;
    return NULL;
}

static int count_lines(const char *text) {
    int n = 1;
    for (; *text; text++)
        n += *text == '\n';
    return n;
}

Error *sheet_load(Sheet *out, const char *path, Arena *arena) {
    char *text;
    size_t n;
    PASS(io_read(&text, &n, path, arena));
    if (strlen(text) != n)
        return error_hint(error_new(CODE_USAGE, "'%s' holds zero bytes: it is no text", path),
                          "give a text file with tabs between the columns");
    if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
        text += 3;
    int room = count_lines(text), number = 0;
    *out = (Sheet){.path = path, .arena = arena, .line = ARENA_ARRAY(arena, int, room)};
    char separator = '\t';
    for (char *line = text, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        number++;
        if (*line == '#' || line[strspn(line, " \t\r")] == '\0')
            continue;
        if (out->name) {
            PASS(read_row(out, line, separator, number));
            continue;
        }
        separator = separator_of(line);
        PASS(read_header(out, line, separator, arena));
        out->cell = ARENA_ARRAY(arena, const char *, (size_t)room *(size_t)out->n_columns);
    }
    if (!out->name)
        return error_hint(
            error_new(CODE_USAGE, "'%s' is empty", path),
            "its first line names the columns, such as global_batch and examples_to_target");
    return NULL;
}

int sheet_find(const Sheet *sheet, const char *name) {
    for (int c = 0; c < sheet->n_columns; c++)
        if (strcmp(sheet->name[c], name) == 0)
            return c;
    return -1;
}

static Error *no_column(const Sheet *sheet, const char *name) {
    Text there = text_new(sheet->arena);
    for (int c = 0; c < sheet->n_columns; c++)
        text_add(&there, "%s%s", c ? ", " : "", sheet->name[c]);
    const char *near = text_nearest(name, sheet->name, sheet->n_columns);
    Error *error = error_new(CODE_USAGE, "'%s' line 1 has no column '%s'", sheet->path, name);
    return near
               ? error_hint(error, "is it the one named '%s'? the columns are %s", near, there.data)
               : error_hint(error, "its columns are %s", there.data);
}

static bool is_hole(const char *text) {
    static const char *const holes[] = {"", "-", "nan", "inf", "infinity", "null", "never"};
    for (size_t i = 0; i < sizeof holes / sizeof *holes; i++)
        if (strcasecmp(text, holes[i]) == 0)
            return true;
    return false;
}

Error *sheet_column(double **out, const Sheet *sheet, const char *name, bool holes) {
    int c = sheet_find(sheet, name);
    if (c < 0)
        return no_column(sheet, name);
    *out = ARENA_ARRAY(sheet->arena, double, sheet->n_rows + 1);
    for (int r = 0; r < sheet->n_rows; r++) {
        const char *text = sheet->cell[r * sheet->n_columns + c];
        if (is_number(text) && isfinite(strtod(text, NULL)))
            (*out)[r] = strtod(text, NULL);
        else if (holes && is_hole(text))
            (*out)[r] = NAN;
        else
            return error_hint(error_new(CODE_USAGE, "'%s' line %d: %s is '%s', not a number",
                                        sheet->path, sheet->line[r], name, text),
                              "write numbers plainly, such as 1250 or 34.45%s",
                              holes ? ", and NaN for a run that missed" : "");
    }
    return NULL;
}
