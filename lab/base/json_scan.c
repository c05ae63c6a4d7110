#include "lab/base/json_scan.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef struct Scan {
    const char *text;
    size_t n, at;
    int line, depth;
    const char *file;
    int *lines; /* (n_values) */
    int n_values, room;
    Arena *arena;
} Scan;

static Error *scan_error(const Scan *scan, const char *what) {
    return error_new(CODE_USAGE, "'%s' line %d: %s", scan->file, scan->line, what);
}

static Error *scan_value(Scan *scan) {
    if (scan->depth == 0 && scan->n_values > 0)
        return error_hint(scan_error(scan, "a second value follows the first"),
                          "a file holds one object: {...}");
    if (scan->n_values == scan->room) {
        int room = scan->room ? 2 * scan->room : 256;
        int *lines = ARENA_ARRAY(scan->arena, int, room);
        if (scan->n_values)
            memcpy(lines, scan->lines, sizeof *lines * (size_t)scan->n_values);
        scan->lines = lines;
        scan->room = room;
    }
    scan->lines[scan->n_values++] = scan->line;
    return NULL;
}

/* Length of the well-formed UTF-8 sequence at s (RFC 3629), 0 when it is none. */
static size_t utf8_length(const unsigned char *s, size_t n) {
    if (s[0] < 0x80)
        return 1;
    size_t length = s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : 2;
    if (s[0] < 0xC2 || s[0] > 0xF4 || n < length)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) ||
        (s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F))
        return 0;
    return length;
}

static Error *scan_string(Scan *scan) {
    for (scan->at++; scan->at < scan->n && scan->text[scan->at] != '"';) {
        const unsigned char *s = (const unsigned char *)scan->text + scan->at;
        if (*s < 0x20)
            return error_hint(scan_error(scan, "control character or line break inside a string"),
                              "is a closing quote missing? a line break is written \\n");
        if (*s == '\\') {
            if (strncmp((const char *)s, "\\u0000", 6) == 0)
                return error_hint(scan_error(scan, "'\\u0000' inside a string"), "remove it");
            scan->at += 2;
            continue;
        }
        size_t length = utf8_length(s, scan->n - scan->at);
        if (length == 0)
            return error_hint(scan_error(scan, "a string is not valid UTF-8"),
                              "save the file as UTF-8");
        scan->at += length;
    }
    if (scan->at >= scan->n)
        return error_hint(scan_error(scan, "a string does not end"), "a closing quote is missing");
    scan->at++;
    return NULL;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static Error *bad_number(const Scan *scan, const char *what) {
    return error_hint(scan_error(scan, what), "write numbers as 0.5, 12 or 1e-3");
}

static Error *scan_number(Scan *scan) {
    const char *s = scan->text + scan->at, *start = s;
    if (*s == '-')
        s++;
    if (!is_digit(*s) || (*s == '0' && (is_digit(s[1]) || s[1] == 'x')))
        return bad_number(scan, "a number is malformed");
    bool whole = true;
    while (is_digit(*s))
        s++;
    if (*s == '.') {
        whole = false;
        if (!is_digit(*++s))
            return bad_number(scan, "a number has no digits after its point");
        while (is_digit(*s))
            s++;
    }
    if (*s == 'e' || *s == 'E') {
        whole = false;
        s++;
        if (*s == '+' || *s == '-')
            s++;
        if (!is_digit(*s))
            return bad_number(scan, "a number has no digits in its exponent");
        while (is_digit(*s))
            s++;
    }
    double value = strtod(start, NULL);
    if (!isfinite(value))
        return error_hint(scan_error(scan, "a number is too large for a double"),
                          "at most about 1e308");
    if (whole && fabs(value) >= 0x1p53)
        return error_hint(scan_error(scan, "an integer beyond 2^53 would lose digits"),
                          "write it as a string");
    scan->at += (size_t)(s - start);
    return NULL;
}

static Error *scan_word(Scan *scan) {
    static const char *const words[] = {"true", "false", "null"};
    const char *s = scan->text + scan->at;
    size_t n = 0;
    while (s[n] >= 'a' && s[n] <= 'z')
        n++;
    scan->at += n;
    for (int i = 0; i < 3; i++)
        if (strlen(words[i]) == n && strncmp(words[i], s, n) == 0)
            return scan_value(scan);
    return error_hint(scan_error(scan, "not valid JSON: a bare word"),
                      "the only words are true, false and null; texts stand in double quotes");
}

static Error *scan_close(Scan *scan, char close, const char *open) {
    if (scan->depth < 1 || (close == '}') != (open[scan->depth] == '{'))
        return error_hint(scan_error(scan, "a closing bracket does not match"),
                          "which bracket should close here?");
    scan->depth--;
    scan->at++;
    return NULL;
}

static Error *scan_open(Scan *scan, char c, char *open) {
    PASS(scan_value(scan));
    if (++scan->depth > JSON_MAX_DEPTH)
        return error_hint(scan_error(scan, "nested deeper than 64 levels"),
                          "is a closing bracket missing?");
    open[scan->depth] = c;
    scan->at++;
    return NULL;
}

static Error *unexpected(const Scan *scan) {
    return error_hint(scan_error(scan, "unexpected character"),
                      "comments, single quotes and bare words are not JSON");
}

static Error *scan_text(Scan *scan) {
    bool key = false; /* the next string is a key */
    char open[JSON_MAX_DEPTH + 1];
    while (scan->at < scan->n) {
        char c = scan->text[scan->at];
        if (c == '{' || c == '[') {
            PASS(scan_open(scan, c, open));
            key = c == '{';
        } else if (c == '}' || c == ']') {
            PASS(scan_close(scan, c, open));
        } else if (c == '"') {
            if (!key)
                PASS(scan_value(scan));
            PASS(scan_string(scan));
        } else if (c == '-' || is_digit(c)) {
            PASS(scan_value(scan));
            PASS(scan_number(scan));
        } else if (c >= 'a' && c <= 'z') {
            PASS(scan_word(scan));
        } else if (c != '\0' && strchr(" \t\r\n,:", c)) {
            key = c == ',' ? scan->depth > 0 && open[scan->depth] == '{' : c == ':' ? false : key;
            scan->line += c == '\n';
            scan->at++;
        } else {
            return unexpected(scan);
        }
    }
    if (scan->depth > 0)
        return error_hint(scan_error(scan, "not valid JSON: it ends inside an open bracket"),
                          "close it with '%c'", open[scan->depth] == '{' ? '}' : ']');
    return NULL;
}

Error *json_scan(JsonLines *out, const char *text, size_t n, const char *file, Arena *arena) {
    if (n > JSON_MAX_BYTES)
        return error_hint(error_new(CODE_USAGE, "'%s' is larger than 1 MiB", file),
                          "is it an experiment?");
    if (n >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        return error_hint(error_new(CODE_USAGE, "'%s' starts with a byte order mark", file),
                          "save it as UTF-8 without BOM");
    Scan scan = {.text = text, .n = n, .line = 1, .file = file, .arena = arena};
    PASS(scan_text(&scan));
    if (scan.n_values == 0)
        return error_hint(error_new(CODE_USAGE, "'%s' is empty, so not valid JSON", file),
                          "experiments/ holds examples");
    *out = (JsonLines){scan.n_values, scan.lines};
    return NULL;
}
